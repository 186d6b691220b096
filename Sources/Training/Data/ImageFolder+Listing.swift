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
    /// Folders directly in the root.
    private(set) var topFolders: [String] = []

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
          guard exists && isFolder.boolValue else {
            add(path, name: name)
            continue
          }
          pending.append(path)
          if prefix.isEmpty { topFolders.append(name) }
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
}
