import Foundation
import TensorCore
import Training

/// The folder that a training command writes to: whether it may, and whether a run there goes on.
struct RunFolder {
  let url: URL
  /// The state of the run that goes on; nil where one begins.
  let state: URL?
  /// As the command was given it.
  private let name: String
  private let resume: Bool

  /// - Parameters:
  ///   - name: what `--output` names.
  ///   - description: the file by which such a folder is known to hold a model, `model_index.json` or `config.json`.
  ///   - resume: whether a run there may go on.
  /// - Throws: `Failure` for a file, and for a folder in which something would be overwritten.
  init(_ name: String, describedBy description: String, resume: Bool) throws {
    (self.name, self.resume, url) = (name, resume, URL(fileURLWithPath: name))
    let files = FileManager.default
    var isFolder: ObjCBool = false
    if files.fileExists(atPath: url.path, isDirectory: &isFolder), !isFolder.boolValue {
      throw Failure("--output \(name) is a file; name a folder.")
    }
    // A state alone is a run too: it is written before the model, and a kill may come between the two.
    let state = TrainingState.url(in: url)
    if files.fileExists(atPath: state.path) {
      guard resume else {
        throw Failure(
          "--output \(name) holds a run already; add --resume to go on with it, or name another folder.")
      }
      self.state = state
    } else {
      guard !files.fileExists(atPath: url.appending(path: description).path) else {
        throw Failure(
          "--output \(name) holds a model already, and no run to go on with; name another folder.")
      }
      self.state = nil
    }
  }

  /// - Parameter conflict: an option of another value than the run began with; nil where there is none.
  /// - Throws: `Failure` for one.
  func refuse(_ conflict: (name: String, kept: String, given: String)?) throws {
    guard let (option, kept, given) = conflict else { return }
    throw Failure("\(name) was begun with \(option) \(kept), not \(given); give the same to resume it.")
  }

  /// Says where the run begins, and gives a run that goes on the threads that it had.
  ///
  /// - Parameter found: updates made, and threads; nil for a run that begins.
  func begin(from found: (steps: Int, threads: Int)?) {
    if let found {
      threadCount = found.threads
      Console.note("resuming \(name) after step \(found.steps)")
    } else if resume {
      Console.note("\(name) has no checkpoint yet; beginning anew")
    }
  }
}
