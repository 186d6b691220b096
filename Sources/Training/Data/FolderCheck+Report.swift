import Foundation
import Pictures

extension FolderCheck {
  /// What was found, for people: a summary, then each kind of problem with its count and its files.
  ///
  /// - Parameters:
  ///   - filesPerKind: how many files to name under each kind; nil names every one.
  ///   - moreHint: how to see the rest of them, set behind "… and 12 more".
  ///   - skipsBad: whether training goes on without what has errors, instead of refusing the folder.
  public func report(
    filesPerKind: Int? = nil, moreHint: String = "", skipsBad: Bool = false
  ) -> String {
    var lines = [summary]
    for (isFatal, title) in [
      (true, skipsBad ? "Left out:" : "Errors, to be mended before training:"), (false, "Notes:"),
    ] {
      let kinds = Dictionary(grouping: findings.filter { $0.problem.isFatal == isFatal }) {
        $0.problem.kind
      }
      guard !kinds.isEmpty else { continue }
      lines += ["", title]
      for kind in kinds.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
        lines += section(kind, kinds[kind] ?? [], limit: filesPerKind ?? .max, moreHint: moreHint)
      }
    }
    return (lines + ["", verdict(skipsBad: skipsBad)]).joined(separator: "\n")
  }

  private func verdict(skipsBad: Bool) -> String {
    guard hasErrors else { return "Fit for training." }
    if skipsBad {
      return "Training goes on with \(usableFolder.items.count) of \(counted(folder.items.count, "picture"))."
    }
    let errors = Set(findings.filter(\.problem.isFatal).map(\.path)).count
    return "Not fit for training: \(counted(errors, "file")) to be mended or removed."
  }

  private var summary: String {
    var parts = [counted(folder.items.count, "picture")]
    if !folder.classes.isEmpty {
      let names = zip(folder.classes, folder.classCounts).map { "\($0) \($1)" }
      parts.append("\(counted(folder.classes.count, "class", "classes")) (\(names.joined(separator: ", ")))")
    }
    if let sizes {
      let (w, h) = (sizes.width, sizes.height)
      parts.append(
        w.count == 1 && h.count == 1
          ? "all \(w.lowerBound)×\(h.lowerBound)"
          : "\(w.lowerBound) to \(w.upperBound) wide, \(h.lowerBound) to \(h.upperBound) high")
    }
    let captioned = folder.items.count - folder.uncaptioned.count
    if captioned > 0 { parts.append("\(captioned) with a caption") }
    return "\(folder.root.relativePath): \(parts.joined(separator: ", "))"
  }

  private func section(_ kind: Problem.Kind, _ findings: [Finding], limit: Int, moreHint: String) -> [String]
  {
    var lines = ["  \(kind.title(resolution: resolution)): \(findings.count)"]
    for finding in findings.prefix(limit) {
      let detail = finding.problem.detail
      lines.append("    \(finding.path.printable)" + (detail.isEmpty ? "" : " (\(detail))"))
    }
    if findings.count > limit { lines.append("    … and \(findings.count - limit) more\(moreHint)") }
    return lines
  }

  private func counted(_ count: Int, _ one: String, _ many: String? = nil) -> String {
    "\(count) \(count == 1 ? one : many ?? one + "s")"
  }
}

extension FolderCheck.Problem {
  /// Problems without their numbers, in the order of the report.
  enum Kind: Int, Sendable {
    case empty, notAPicture, truncated, damaged, tooLarge, unreadable, missing, badMetadata, tooSmall
    case emptyClass, rareClass, emptyFolder, uncaptioned
    case duplicate, mislabelled, small, extremeAspect, huge, rotated, alpha, grey, cmyk, foreignFormat, stray

    /// The heading, with what training does about it.
    func title(resolution: Int) -> String {
      switch self {
      case .empty: "Empty files (0 bytes)"
      case .notAPicture: "No pictures of a known format, whatever the name says"
      case .truncated: "Truncated"
      case .damaged: "Damaged"
      case .tooLarge: "Beyond the size limits"
      case .unreadable: "Unreadable"
      case .missing: "Named by metadata.jsonl but missing"
      case .badMetadata: "Lines of metadata.jsonl that are not {\"file_name\": …, \"text\": …}"
      case .emptyClass: "Classes without a picture that can be used"
      case .rareClass:
        "Classes with less than a fifth of the largest's pictures (will be learned that much less)"
      case .emptyFolder: "Folders without pictures (make no class)"
      case .uncaptioned: "Without a caption, though others have one"
      case .mislabelled: "Another format than the extension says (read all the same)"
      case .tooSmall: "Too small: a side below a quarter of \(resolution) pixels"
      case .duplicate: "Duplicates, pixel for pixel"
      case .small: "Smaller than \(resolution) pixels (will be enlarged)"
      case .extremeAspect: "More than three times as long as wide (will be cropped)"
      case .huge: "More than 24 megapixels (slow to read)"
      case .rotated: "Rotated by EXIF (will be turned upright)"
      case .alpha: "With transparency (will be laid over the background)"
      case .grey: "Greyscale (will be three equal channels)"
      case .cmyk: "CMYK (colours will be approximated)"
      case .foreignFormat: "Other picture formats (skipped; convert them to PNG or JPEG)"
      case .stray: "Outside every class's folder (skipped)"
      }
    }
  }

  var kind: Kind {
    switch self {
    case .undecodable(let error):
      switch error.cause {
      case .empty: .empty
      case .text, .foreignFormat, .unknownFormat: .notAPicture
      case .truncated: .truncated
      case .damaged, .unsupported: .damaged
      case .tooLarge: .tooLarge
      default: .unreadable
      }
    case .missing: .missing
    case .badMetadata: .badMetadata
    case .mislabelled: .mislabelled
    case .tooSmall: .tooSmall
    case .small: .small
    case .extremeAspect: .extremeAspect
    case .huge: .huge
    case .alpha: .alpha
    case .grey: .grey
    case .cmyk: .cmyk
    case .rotated: .rotated
    case .duplicate: .duplicate
    case .foreignFormat: .foreignFormat
    case .stray: .stray
    case .uncaptioned: .uncaptioned
    case .emptyFolder: .emptyFolder
    case .emptyClass: .emptyClass
    case .rareClass: .rareClass
    }
  }

  /// What stands after the file's name in the report; empty where the heading says all.
  var detail: String {
    switch self {
    case .undecodable(let error):
      switch error.cause {
      case .text: "text"
      case .foreignFormat(let name): name
      case .truncated(let format): format.name
      case .damaged(let format, let reason), .unsupported(let format, let reason): "\(format.name): \(reason)"
      case .tooLarge(let width, let height, _): "\(width)×\(height)"
      case .unreadable(let reason): reason
      default: ""
      }
    case .mislabelled(let format): "is \(format.name)"
    case .tooSmall(let width, let height), .small(let width, let height),
      .extremeAspect(let width, let height), .huge(let width, let height):
      "\(width)×\(height)"
    case .rotated(let orientation): "orientation \(orientation.rawValue)"
    case .duplicate(let first, let inOtherClass): "as \(first)" + (inOtherClass ? ", in another class" : "")
    case .badMetadata(let line, let reason): line.map { "line \($0): \(reason)" } ?? reason
    case .rareClass(let count, let largest, let most): "\(count), where \(largest) has \(most)"
    case .missing, .alpha, .grey, .cmyk, .foreignFormat, .stray, .uncaptioned, .emptyFolder, .emptyClass: ""
    }
  }
}

extension String {
  /// With control characters spelled out, since a name with a line break in it would be read as two, and one with an escape
  /// sequence as an order to the terminal.
  fileprivate var printable: String {
    unicodeScalars.map { scalar in
      scalar.properties.generalCategory == .control
        ? #"\u{"# + String(format: "%04X", scalar.value) + "}" : String(scalar)
    }.joined()
  }
}
