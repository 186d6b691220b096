import Files
import Foundation
import NN
import Pictures
import Pipelines
import TensorCore

/// Where pictures go and in what form, told by the name's ending.
struct OutputKind {
  enum Form { case png, jpeg, safetensors }

  let url: URL
  let form: Form

  /// - Throws: `Failure` for another ending.
  init(_ path: String) throws {
    url = URL(fileURLWithPath: path)
    switch url.pathExtension.lowercased() {
    case "png": form = .png
    case "jpg", "jpeg": form = .jpeg
    case "safetensors": form = .safetensors
    default: throw Failure("--output \(path) must end in .png, .jpg or .safetensors.")
    }
  }

  /// A place for a picture that people look at, which can be written to.
  ///
  /// - Throws: `Failure` for another ending, or as `check` does.
  init(picture path: String) throws {
    guard let kind = try? OutputKind(path), kind.form != .safetensors else {
      throw Failure("--output \(path) must end in .png or .jpg.")
    }
    self = kind
    try check()
  }

  /// Finds out before the work whether the result could be written.
  func check() throws {
    let folder = url.deletingLastPathComponent()
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder), isFolder.boolValue {
      throw Failure("--output \(url.relativePath) is a folder; name a file.")
    }
    guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder) else {
      throw Failure("--output \(url.relativePath): its folder does not exist; make it first.")
    }
    guard isFolder.boolValue, FileManager.default.isWritableFile(atPath: folder.path) else {
      throw Failure("--output \(url.relativePath): nothing can be written there.")
    }
  }

  /// Writes a batch `[N, C, H, W]`, as one file or one a picture.
  ///
  /// - Parameter recipes: how each picture was made; none where there is no more to tell.
  func write(
    _ images: Tensor, _ recipes: [Recipe] = [], columns: Int? = nil, padding: Int = 2, separate: Bool = false
  ) throws {
    if separate && images.shape[0] > 1 {
      for i in 0..<images.shape[0] {
        try write(
          images.rows(i..<i + 1), recipes.isEmpty ? nil : recipes[i], to: numbered(i), columns: nil,
          padding: 0)
      }
    } else {
      try write(images, recipes.first, to: url, columns: columns, padding: padding)
    }
  }

  private func write(_ images: Tensor, _ recipe: Recipe?, to url: URL, columns: Int?, padding: Int) throws {
    if form == .safetensors {
      try SafetensorsWriter.write([("images", images)], to: url)
      return
    }
    let pictures = Picture.batch(images)
    let picture =
      try pictures.count == 1
      ? pictures[0] : Grid(columns: columns, padding: padding).compose(pictures, file: url.relativePath)
    try picture.write(to: url, texts: try recipe?.textChunks() ?? [])
  }

  private func numbered(_ i: Int) -> URL {
    let stem = url.deletingPathExtension().lastPathComponent
    return url.deletingLastPathComponent()
      .appending(path: "\(stem)-\(String(format: "%04d", i)).\(url.pathExtension)")
  }
}
