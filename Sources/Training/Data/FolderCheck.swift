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
    /// Its bytes are of another format than its name says.
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

    /// Whether training must not start; the others are notes.
    public var isFatal: Bool {
      switch self {
      case .undecodable, .missing, .mislabelled, .tooSmall: true
      default: false
      }
    }
  }

  /// One problem of one file.
  public struct Finding: Sendable, Hashable {
    /// The path within the folder.
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
    findings += folder.foreignFiles.map { Finding(path: $0, problem: .foreignFormat) }
    findings += folder.strayFiles.map { Finding(path: $0, problem: .stray) }
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
  public var usableFolder: ImageFolder {
    folder.excluding(Set(findings.filter(\.problem.isFatal).map(\.path)))
  }
}
