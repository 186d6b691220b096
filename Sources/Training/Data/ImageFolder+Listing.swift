import Foundation
import Pictures

extension ImageFolder {
  /// All files under a folder, by what their names promise; paths are relative and sorted by bytes.
  struct Listing {
    private(set) var pictures: [String] = []
    private(set) var foreign: [String] = []
    /// Captions beside pictures (`.txt`, `.caption`).
    private(set) var captions: Set<String> = []
    /// Every `metadata.jsonl`.
    private(set) var metadata: [String] = []

    private static let foreignExtensions: Set<String> = [
      "avif", "bmp", "gif", "heic", "heif", "jp2", "jxl", "psd", "tga", "tif", "tiff", "webp",
    ]

    init(_ root: URL) throws(ImageFolderError) {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: root.path, isDirectory: &isFolder) else {
        throw ImageFolderError(.notFound, file: root.relativePath)
      }
      guard isFolder.boolValue else { throw ImageFolderError(.notAFolder, file: root.relativePath) }
      // Links to folders are followed, each folder once: a link to a parent would never end.
      var visited: Set<String> = []
      var pending = [""]
      while let prefix = pending.popLast() {
        let folder = prefix.isEmpty ? root : root.appendingPathComponent(prefix)
        guard visited.insert(folder.resolvingSymlinksInPath().path).inserted else { continue }
        let names: [String]
        do {
          names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        } catch {
          let reason = (error as NSError).localizedFailureReason ?? error.localizedDescription
          throw ImageFolderError(.unreadable(reason: reason), file: folder.relativePath)
        }
        for name in names where !name.hasPrefix(".") {
          let path = prefix.isEmpty ? name : "\(prefix)/\(name)"
          var isFolder: ObjCBool = false
          let exists = FileManager.default.fileExists(
            atPath: root.appendingPathComponent(path).path, isDirectory: &isFolder)
          if exists && isFolder.boolValue { pending.append(path) } else { add(path, name: name) }
        }
      }
      pictures.sort(by: ImageFolder.byBytes)
      foreign.sort(by: ImageFolder.byBytes)
      metadata.sort(by: ImageFolder.byBytes)
    }

    private mutating func add(_ path: String, name: String) {
      let type = (name as NSString).pathExtension.lowercased()
      if PictureFormat(extension: type) != nil {
        pictures.append(path)
      } else if name == "metadata.jsonl" {
        metadata.append(path)
      } else if type == "txt" || type == "caption" {
        captions.insert(path)
      } else if Self.foreignExtensions.contains(type) {
        foreign.append(path)
      }
    }
  }

  /// Captions by the path of their picture.
  struct Captions {
    private var texts: [String: String] = [:]
    /// Pictures that are named and do not exist.
    private(set) var missing: [String] = []

    /// A line of `metadata.jsonl`; the `datasets` library puts other columns there too.
    private struct Line: Decodable {
      let fileName: String
      let text: String?

      enum CodingKeys: String, CodingKey {
        case fileName = "file_name"
        case text
      }
    }

    init(_ listing: Listing, root: URL) throws(ImageFolderError) {
      for picture in listing.pictures {
        let stem = (picture as NSString).deletingPathExtension
        for name in ["\(stem).txt", "\(stem).caption"] where listing.captions.contains(name) {
          guard let data = try? Data(contentsOf: root.appendingPathComponent(name)) else { continue }
          let text = String(decoding: data, as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
          if !text.isEmpty { texts[picture] = text }
          break
        }
      }
      let pictures = Set(listing.pictures)
      for path in listing.metadata { try read(path, root: root, pictures: pictures) }
    }

    subscript(path: String) -> String? { texts[path] }

    private mutating func read(
      _ path: String, root: URL, pictures: Set<String>
    ) throws(ImageFolderError) {
      let url = root.appendingPathComponent(path)
      guard let data = try? Data(contentsOf: url) else {
        throw ImageFolderError(.badMetadata(line: 1, reason: "the file cannot be read"), file: url.path)
      }
      let folder = (path as NSString).deletingLastPathComponent
      // By bytes, as a JSON string may hold characters that Swift takes for line ends.
      for (index, line) in data.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
        guard line.contains(where: { $0 > 0x20 }) else { continue }
        let entry: Line
        do {
          entry = try JSONDecoder().decode(Line.self, from: Data(line))
        } catch DecodingError.keyNotFound {
          throw ImageFolderError(
            .badMetadata(line: index + 1, reason: "\"file_name\" is missing"), file: url.relativePath)
        } catch {
          throw ImageFolderError(
            .badMetadata(line: index + 1, reason: "it does not parse"), file: url.relativePath)
        }
        let picture = folder.isEmpty ? entry.fileName : "\(folder)/\(entry.fileName)"
        guard pictures.contains(picture) else {
          missing.append(picture)
          continue
        }
        if let text = entry.text { texts[picture] = text }
      }
    }
  }
}
