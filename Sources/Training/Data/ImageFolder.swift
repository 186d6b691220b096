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

  /// One picture and what is known of it without opening it.
  public struct Item: Sendable, Hashable {
    /// The path within the folder, with `/` between its parts.
    public let path: String
    /// The file.
    public let url: URL
    /// The index into `classes`; nil where there are none.
    public let classIndex: Int?
    /// What it shows, from `metadata.jsonl`, else from a `.txt` or `.caption` file beside it.
    public let caption: String?
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
  /// Pictures that a `metadata.jsonl` names and that do not exist.
  public let missingFiles: [String]

  /// Lists a folder.
  ///
  /// - Throws: `ImageFolderError` where it is no folder, holds no picture, has no class though classes are
  ///   wanted, or where a `metadata.jsonl` does not parse.
  public init(_ root: URL, classes mode: Classes = .none) throws(ImageFolderError) {
    let listing = try Listing(root)
    let captions = try Captions(listing, root: root)
    self.root = root
    foreignFiles = listing.foreign
    missingFiles = captions.missing

    func topFolder(_ path: String) -> String? {
      path.firstIndex(of: "/").map { String(path[..<$0]) }
    }
    let kept: [String]
    switch mode {
    case .none:
      (classes, kept, strayFiles) = ([], listing.pictures, [])
    case .folders:
      kept = listing.pictures.filter { topFolder($0) != nil }
      strayFiles = listing.pictures.filter { topFolder($0) == nil }
      classes = Set(kept.compactMap(topFolder)).sorted(by: Self.byBytes)
    }
    guard !listing.pictures.isEmpty else { throw ImageFolderError(.noPictures, file: root.relativePath) }
    guard !kept.isEmpty else { throw ImageFolderError(.noClasses, file: root.relativePath) }

    let indices = Dictionary(uniqueKeysWithValues: zip(classes, classes.indices))
    items = kept.map { path in
      Item(
        path: path, url: root.appendingPathComponent(path),
        classIndex: topFolder(path).flatMap { indices[$0] }, caption: captions[path])
    }
  }

  private init(_ other: ImageFolder, items: [Item]) {
    root = other.root
    self.items = items
    classes = other.classes
    foreignFiles = other.foreignFiles
    strayFiles = other.strayFiles
    missingFiles = other.missingFiles
  }

  /// The same folder without some of its pictures; classes keep their indices.
  public func excluding(_ paths: Set<String>) -> ImageFolder {
    ImageFolder(self, items: items.filter { !paths.contains($0.path) })
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
    /// A line of a `metadata.jsonl` is not what it should be.
    case badMetadata(line: Int, reason: String)
  }

  /// What went wrong.
  public let cause: Cause
  /// The folder or the metadata file, as the user named it.
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
    case .badMetadata(let line, let reason):
      "\(file), line \(line): \(reason); each line is to be {\"file_name\": …, \"text\": …}."
    }
  }

  /// The same sentence, for code that only knows `Error`.
  public var errorDescription: String? { description }
}
