import Foundation
import Pictures

/// The pictures under a folder, in an order that depends on their names only.
///
/// Listing opens no picture; `FolderCheck` does. Names that start with a dot are passed over.
public struct ImageFolder: Sendable {
  /// Where classes come from.
  public enum Classes: String, Sendable, CaseIterable {
    /// There are none: pictures lie anywhere.
    case none
    /// Each sub-folder that holds pictures, at any depth, is a class of its name; names are sorted.
    case folders
  }

  /// Where captions come from.
  public enum CaptionSource: String, Codable, Sendable, CaseIterable {
    /// `metadata.jsonl`; where it has none for a picture, the file beside the picture.
    case any
    /// `metadata.jsonl` alone: lines of `file_name` and `text`, one text or a list of them.
    case metadata
    /// A `.txt` beside the picture, else a `.caption`: each line that is not blank is a caption.
    case sidecar
  }

  /// One picture and what is known of it without opening it.
  public struct Item: Sendable, Hashable {
    /// The path within the folder, with `/` between its parts.
    public let path: String
    /// The file.
    public let url: URL
    /// The index into `classes`; nil where there are none.
    public let classIndex: Int?
    /// What it shows, in every wording that the data set has; none where it says nothing.
    public let captions: [String]

    /// The first of its captions.
    public var caption: String? { captions.first }
  }

  /// The folder as the user named it.
  public let root: URL
  /// The pictures, sorted by the bytes of their paths.
  public let items: [Item]
  /// Names of the classes, in the order of their indices.
  public let classes: [String]
  /// Files of other picture formats, which are passed over.
  public let foreignFiles: [String]
  /// Pictures outside every class's folder, which are passed over.
  public let strayFiles: [String]
  /// Sub-folders of the first level that hold no picture, where sub-folders are classes.
  public let emptyFolders: [String]
  /// Pictures that a `metadata.jsonl` names and that do not exist.
  public let missingFiles: [String]
  /// Every `metadata.jsonl`, by its path within the folder.
  let metadataFiles: [String]
  /// Lines of a `metadata.jsonl` that are not what they should be; what they say is passed over.
  public let metadataFlaws: [MetadataFlaw]

  /// One line of a `metadata.jsonl` that cannot be used.
  public struct MetadataFlaw: Sendable, Hashable {
    /// The file's path within the folder.
    public let path: String
    /// The line, from 1; nil where the file itself cannot be read.
    public let line: Int?
    /// What is wrong with it.
    public let reason: String
  }

  /// Lists a folder.
  ///
  /// - Throws: `ImageFolderError` where it is no folder, holds no picture, or has no class though classes are
  ///   wanted.
  public init(
    _ root: URL, classes mode: Classes = .none, captions source: CaptionSource = .any
  ) throws(ImageFolderError) {
    let listing = try Listing(root)
    let captions = Captions(listing, root: root, source: source)
    self.root = root
    foreignFiles = listing.foreign
    missingFiles = captions.missing
    metadataFiles = listing.metadata
    metadataFlaws = captions.flaws

    func topFolder(_ path: String) -> String? {
      path.firstIndex(of: "/").map { String(path[..<$0]) }
    }
    let pictures: [String]
    switch mode {
    case .none:
      (classes, pictures, strayFiles, emptyFolders) = ([], listing.pictures, [], [])
    case .folders:
      pictures = listing.pictures.filter { topFolder($0) != nil }
      strayFiles = listing.pictures.filter { topFolder($0) == nil }
      classes = Set(pictures.compactMap(topFolder)).sorted(by: Self.byBytes)
      emptyFolders = Set(listing.topFolders).subtracting(classes).sorted(by: Self.byBytes)
    }
    guard !listing.pictures.isEmpty else { throw ImageFolderError(.noPictures, file: root.relativePath) }
    guard !pictures.isEmpty else { throw ImageFolderError(.noClasses, file: root.relativePath) }

    let indices = Dictionary(uniqueKeysWithValues: zip(classes, classes.indices))
    items = pictures.map { path in
      Item(
        path: path, url: root.appendingPathComponent(path),
        classIndex: topFolder(path).flatMap { indices[$0] }, captions: captions[path])
    }
  }

  init(_ other: ImageFolder, items: [Item]) {
    root = other.root
    self.items = items
    classes = other.classes
    foreignFiles = other.foreignFiles
    strayFiles = other.strayFiles
    emptyFolders = other.emptyFolders
    missingFiles = other.missingFiles
    metadataFiles = other.metadataFiles
    metadataFlaws = other.metadataFlaws
  }

  /// The same folder without some of its pictures; classes keep their indices.
  public func excluding(_ paths: Set<String>) -> ImageFolder {
    ImageFolder(self, items: items.filter { !paths.contains($0.path) })
  }

  /// The paths of the pictures that have no caption.
  public var uncaptioned: [String] { items.filter(\.captions.isEmpty).map(\.path) }

  /// How many pictures each class has, in the order of `classes`.
  public var classCounts: [Int] {
    var counts = [Int](repeating: 0, count: classes.count)
    for item in items { if let index = item.classIndex { counts[index] += 1 } }
    return counts
  }

  /// An order of names that no locale changes.
  static func byBytes(_ left: String, _ right: String) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
  }
}

/// Why a folder cannot serve as a data set.
public struct ImageFolderError: Error, Hashable, Sendable, CustomStringConvertible, LocalizedError {
  /// What went wrong, apart from where.
  public enum Cause: Hashable, Sendable {
    /// Nothing is there.
    case notFound
    /// A file is there.
    case notAFolder
    /// The system refuses to list it; the reason is the system's.
    case unreadable(reason: String)
    /// Not one `.png` or `.jpg` is in it.
    case noPictures
    /// Classes are wanted, but all pictures lie directly in the folder.
    case noClasses
  }

  /// What went wrong.
  public let cause: Cause
  /// The folder, as the user named it.
  public let file: String

  init(_ cause: Cause, file: String) {
    self.cause = cause
    self.file = file
  }

  /// One sentence that names the file, what is wrong and what to do.
  public var description: String {
    switch cause {
    case .notFound:
      "\(file) does not exist; check the path."
    case .notAFolder:
      "\(file) is a file; name the folder that holds the pictures."
    case .unreadable(let reason):
      "\(file) cannot be listed (\(reason)); check its permissions."
    case .noPictures:
      "\(file) holds no .png, .jpg or .jpeg file; name the folder that holds the pictures."
    case .noClasses:
      "\(file) has no sub-folders with pictures; make one a class, or train without classes."
    }
  }

  /// The same sentence, for code that only knows `Error`.
  public var errorDescription: String? { description }
}
