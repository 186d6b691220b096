import Foundation

extension ImageFolder {
  /// Captions by the path of their picture.
  struct Captions {
    private var texts: [String: [String]] = [:]
    /// Pictures that are named and do not exist.
    private(set) var missing: [String] = []
    /// Lines that cannot be used.
    private(set) var flaws: [MetadataFlaw] = []

    init(_ listing: Listing, root: URL, source: CaptionSource) {
      if source != .metadata { readSidecars(listing, root: root) }
      guard source != .sidecar else { return }
      let pictures = Set(listing.pictures)
      var fromMetadata: [String: [String]] = [:]
      for path in listing.metadata { read(path, root: root, pictures: pictures, into: &fromMetadata) }
      texts.merge(fromMetadata) { _, metadata in metadata }
    }

    subscript(path: String) -> [String] { texts[path] ?? [] }

    private mutating func readSidecars(_ listing: Listing, root: URL) {
      for picture in listing.pictures {
        let stem = (picture as NSString).deletingPathExtension
        for name in ["\(stem).txt", "\(stem).caption"] where listing.captions.contains(name) {
          guard let data = try? Data(contentsOf: root.appendingPathComponent(name)) else { continue }
          let lines = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
          let captions = Self.worded(lines.map(String.init))
          guard !captions.isEmpty else { continue }
          texts[picture] = captions
          break
        }
      }
    }

    /// A line of `metadata.jsonl`; the `datasets` library puts other columns there too.
    private struct Line: Decodable {
      let fileName: String
      let captions: [String]

      enum CodingKeys: String, CodingKey {
        case fileName = "file_name"
        case text
      }

      init(from decoder: any Decoder) throws {
        let line = try decoder.container(keyedBy: CodingKeys.self)
        fileName = try line.decode(String.self, forKey: .fileName)
        if let list = try? line.decode([String].self, forKey: .text) {
          captions = list
        } else {
          captions = try line.decodeIfPresent(String.self, forKey: .text).map { [$0] } ?? []
        }
      }
    }

    private mutating func read(
      _ path: String, root: URL, pictures: Set<String>, into texts: inout [String: [String]]
    ) {
      guard let data = try? Data(contentsOf: root.appendingPathComponent(path)) else {
        flaws.append(MetadataFlaw(path: path, line: nil, reason: "the file cannot be read"))
        return
      }
      let folder = (path as NSString).deletingLastPathComponent
      // By bytes, as a JSON string may hold characters that Swift takes for line ends.
      for (index, line) in data.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
        guard line.contains(where: { $0 > 0x20 }) else { continue }
        func flaw(_ reason: String) {
          flaws.append(MetadataFlaw(path: path, line: index + 1, reason: reason))
        }
        do {
          let entry = try JSONDecoder().decode(Line.self, from: Data(line))
          let name = entry.fileName.hasPrefix("./") ? String(entry.fileName.dropFirst(2)) : entry.fileName
          let picture = folder.isEmpty ? name : "\(folder)/\(name)"
          guard pictures.contains(picture) else {
            missing.append(picture)
            continue
          }
          // A picture on several lines has the captions of all.
          let captions = Self.worded(entry.captions)
          if !captions.isEmpty { texts[picture, default: []] += captions }
        } catch DecodingError.keyNotFound, DecodingError.valueNotFound {
          flaw("\"file_name\" is missing")
        } catch DecodingError.typeMismatch(_, let context) where !context.codingPath.isEmpty {
          let isName = context.codingPath.first?.stringValue == Line.CodingKeys.fileName.rawValue
          flaw(isName ? "\"file_name\" is no text" : "\"text\" is neither a text nor a list of texts")
        } catch {
          flaw("it is no JSON object")
        }
      }
    }

    /// Without white space around them, and without those that say nothing.
    private static func worded(_ texts: [String]) -> [String] {
      texts.map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }.filter { !$0.isEmpty }
    }
  }
}
