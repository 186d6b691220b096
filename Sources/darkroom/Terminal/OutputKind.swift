import Files
import Foundation

/// Where a result goes and in what form, which the name's ending says.
struct OutputKind {
  enum Form: String, CaseIterable {
    case png, jpeg, safetensors, svg

    /// As it stands in a sentence.
    var ending: String { self == .jpeg ? ".jpg" : ".\(rawValue)" }
  }

  let url: URL
  let form: Form
  private let option: String

  /// - Parameters:
  ///   - path: as given to the option.
  ///   - forms: what the command can write.
  ///   - option: that names the file.
  /// - Throws: `Failure` for another ending.
  init(_ path: String, _ forms: [Form] = [.png, .jpeg, .safetensors], option: String = "--output") throws {
    self.option = option
    url = try URL(argument: path, option)
    let ending = url.pathExtension.lowercased()
    let named = ending == "jpg" ? .jpeg : Form(rawValue: ending)
    guard let named, forms.contains(named) else {
      let endings = forms.map(\.ending)
      let list =
        endings.count == 1
        ? endings[0] : endings.dropLast().joined(separator: ", ") + " or " + endings[endings.count - 1]
      throw Failure.usage("\(option) \(path) must end in \(list).")
    }
    form = named
  }

  /// A place for a picture that people look at, which can be written to.
  ///
  /// - Throws: `Failure` for another ending, or as `check` does.
  init(picture path: String) throws {
    try self.init(path, [.png, .jpeg])
    try check()
  }

  /// Finds out before the work whether the result could be written.
  ///
  /// - Throws: `Failure`.
  func check() throws {
    // Through a link, the file that it points to is replaced.
    let folder = try AtomicFile.followed(url).deletingLastPathComponent()
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder), isFolder.boolValue {
      throw Failure("\(option) \(url.relativePath) is a folder; name a file.")
    }
    guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder) else {
      let link = folder.path == url.deletingLastPathComponent().path ? "its folder" : folder.relativePath
      throw Failure("\(option) \(url.relativePath): \(link) does not exist; make it first.")
    }
    guard isFolder.boolValue, access(folder.path, W_OK) == 0 else {
      let reason = isFolder.boolValue ? SystemMessage.text(errno) : "\(folder.relativePath) is a file"
      throw Failure("\(option) \(url.relativePath): nothing can be written there (\(reason)).")
    }
  }

  /// The file of a picture by its number: `out-0004.png`.
  func numbered(_ number: Int) -> URL {
    let stem = url.deletingPathExtension().lastPathComponent
    return url.deletingLastPathComponent()
      .appending(path: "\(stem)-\(String(format: "%04d", number)).\(url.pathExtension)")
  }
}
