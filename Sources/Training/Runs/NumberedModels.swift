import Files
import Foundation

/// `checkpoints/step-…/`: models as they were, of which the last few stay.
struct NumberedModels {
  private let run: URL
  private var folder: URL { run.appending(path: "checkpoints") }

  init(_ run: URL) { self.run = run }

  /// Keeps the model that lies in the run's folder, and removes the oldest beyond `most`.
  ///
  /// Files are linked where the file system can: the run replaces its files and never writes into them, so that a link
  /// keeps what it was, at no cost of time.
  ///
  /// - Parameter files: of the model, in the run's folder; the one by which it is known comes last.
  /// - Throws: `FileError`.
  func keep(_ files: [String], step: Int, most: Int) throws {
    let manager = FileManager.default
    let place = folder.appending(path: "step-\(String(format: "%06d", step))")
    // What a kill left half-linked is made again.
    try? manager.removeItem(at: place)
    for file in files {
      let source = run.appending(path: file)
      guard manager.fileExists(atPath: source.path) else { continue }
      try link(source, place.appending(path: file))
    }
    let all = (try? manager.contentsOfDirectory(atPath: folder.path)) ?? []
    let numbered = all.compactMap { name in
      name.hasPrefix("step-") ? Int(name.dropFirst(5)).map { (step: $0, name: name) } : nil
    }
    for old in numbered.sorted(by: { $0.step < $1.step }).dropLast(most) {
      try? manager.removeItem(at: folder.appending(path: old.name))
    }
  }

  private func link(_ source: URL, _ target: URL) throws {
    let manager = FileManager.default
    if let names = try? manager.contentsOfDirectory(atPath: source.path) {
      try AtomicFile.makeFolder(target)
      for name in names.sorted() where !name.hasPrefix(".") {
        try link(source.appending(path: name), target.appending(path: name))
      }
      return
    }
    try AtomicFile.makeFolder(target.deletingLastPathComponent())
    guard Foundation.link(source.path, target.path) != 0 else { return }
    do { try manager.copyItem(at: source, to: target) } catch {
      throw FileError(file: target.relativePath, reason: SystemError.text)
    }
  }
}
