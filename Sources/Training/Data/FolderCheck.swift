import Foundation
import Pictures

/// Every picture of a folder, opened once before training so that nothing surprises in hour three.
public struct FolderCheck: Sendable {
  /// What is the matter with a file.
  public enum Problem: Sendable, Hashable {
    /// It does not decode: empty, truncated, damaged, no picture, or beyond the size limits.
    case undecodable(PictureError)
    /// `metadata.jsonl` names it, but it does not exist.
    case missing
    /// A line of this `metadata.jsonl` cannot be used; nil for the whole file.
    case badMetadata(line: Int?, reason: String)
    /// Its bytes are of another format than its name says, which does not keep it from being read.
    case mislabelled(actually: PictureFormat)
    /// Its shorter side is below a quarter of the resolution: nothing to learn from but blur.
    case tooSmall(width: Int, height: Int)
    /// Its shorter side is below the resolution, so that it will be enlarged.
    case small(width: Int, height: Int)
    /// It is more than three times as long as wide, so that cropping keeps a small part.
    case extremeAspect(width: Int, height: Int)
    /// It has more than 24 megapixels, which cost time each time it is read.
    case huge(width: Int, height: Int)
    /// Its transparency will be laid over the background colour.
    case alpha
    /// It has no colours.
    case grey
    /// Its inks (CMYK) will be approximated.
    case cmyk
    /// Its EXIF orientation turns it.
    case rotated(Orientation)
    /// It has the very pixels of another file.
    case duplicate(of: String, inOtherClass: Bool)
    /// A picture of a format that is not read.
    case foreignFormat
    /// A picture outside every class's folder.
    case stray
    /// It has no caption, though other pictures have one.
    case uncaptioned
    /// A sub-folder without pictures, which makes no class.
    case emptyFolder
    /// A class of which no picture can be used.
    case emptyClass
    /// A class with less than a fifth as many usable pictures as the largest has.
    case rareClass(count: Int, largest: String, of: Int)

    /// Whether training must not start; the others are notes.
    public var isFatal: Bool {
      switch self {
      case .undecodable, .missing, .badMetadata, .tooSmall: true
      default: false
      }
    }
  }

  /// One problem of one file or class.
  public struct Finding: Sendable, Hashable {
    /// The path within the folder; for a class, its name.
    public let path: String
    /// What is the matter with it.
    public let problem: Problem
  }

  /// What was checked.
  public let folder: ImageFolder
  /// Pixels a side that training will use.
  public let resolution: Int
  /// All findings, in the order of the pictures; files outside the data set come last.
  public let findings: [Finding]
  /// The smallest and greatest width and height among the pictures that decode; nil where none does.
  public let sizes: (width: ClosedRange<Int>, height: ClosedRange<Int>)?

  /// Opens every picture, on all cores.
  ///
  /// - Parameters:
  ///   - folder: what to check.
  ///   - resolution: pixels a side that training will use.
  ///   - options: as training will decode.
  ///   - progress: called from any thread with the number of pictures done so far.
  public init(
    _ folder: ImageFolder, resolution: Int, options: DecodingOptions = DecodingOptions(),
    progress: (@Sendable (Int) -> Void)? = nil
  ) {
    self.folder = folder
    self.resolution = resolution
    let inspections = Inspection.all(folder.items, options: options, progress: progress)

    var findings: [Finding] = []
    var firstOfDigest: [PixelDigest: ImageFolder.Item] = [:]
    for (item, inspection) in zip(folder.items, inspections) {
      switch inspection {
      case .failure(let error):
        findings.append(Finding(path: item.path, problem: .undecodable(error)))
      case .success(let inspection):
        findings += inspection.problems(resolution: resolution)
          .map { Finding(path: item.path, problem: $0) }
        if let first = firstOfDigest[inspection.digest] {
          let isOther = first.classIndex != item.classIndex
          findings.append(
            Finding(path: item.path, problem: .duplicate(of: first.path, inOtherClass: isOther)))
        } else {
          firstOfDigest[inspection.digest] = item
        }
      }
    }
    findings += folder.missingFiles.map { Finding(path: $0, problem: .missing) }
    findings += folder.metadataFlaws.map {
      Finding(path: $0.path, problem: .badMetadata(line: $0.line, reason: $0.reason))
    }
    findings += folder.foreignFiles.map { Finding(path: $0, problem: .foreignFormat) }
    findings += folder.strayFiles.map { Finding(path: $0, problem: .stray) }
    let uncaptioned = folder.uncaptioned
    if uncaptioned.count < folder.items.count {
      findings += uncaptioned.map { Finding(path: $0, problem: .uncaptioned) }
    }
    findings += folder.emptyFolders.map { Finding(path: $0, problem: .emptyFolder) }
    findings += Self.classFindings(folder.excluding(Self.unusable(findings)))
    self.findings = findings

    let good = inspections.compactMap { try? $0.get() }
    let (widths, heights) = (good.map(\.width), good.map(\.height))
    if let w0 = widths.min(), let w1 = widths.max(), let h0 = heights.min(), let h1 = heights.max() {
      sizes = (w0...w1, h0...h1)
    } else {
      sizes = nil
    }
  }

  /// Whether anything must be mended before training.
  public var hasErrors: Bool { findings.contains { $0.problem.isFatal } }

  /// The folder without the pictures that training must not meet.
  public var usableFolder: ImageFolder { folder.excluding(Self.unusable(findings)) }

  private static func unusable(_ findings: [Finding]) -> Set<String> {
    Set(findings.filter(\.problem.isFatal).map(\.path))
  }

  /// Classes that are empty or rare among the pictures that can be used.
  private static func classFindings(_ usable: ImageFolder) -> [Finding] {
    let counts = usable.classCounts
    guard let most = counts.max(), let largest = counts.firstIndex(of: most) else { return [] }
    return zip(usable.classes, counts).compactMap { name, count in
      if count == 0 { return Finding(path: name, problem: .emptyClass) }
      return count * 5 < most
        ? Finding(path: name, problem: .rareClass(count: count, largest: usable.classes[largest], of: most))
        : nil
    }
  }
}
