import Files
import Foundation
import NN
import TensorCore

/// What a run needs to go on as if it had never stopped: weights, averages, moments, what belongs to the objective and the
/// number of updates, all in one file, which a kill therefore finds in one state or the next.
public struct TrainingState {
  /// How the run was trained.
  public let options: TrainingOptions
  /// Everything that decided the run, by name.
  public let identity: RunIdentity
  /// Updates made.
  public let stepsTaken: Int
  let file: SafetensorsFile

  enum Part: String {
    case weight, average
    case firstMoment = "m"
    case secondMoment = "v"
  }

  /// Where it lies in a run's folder.
  public static func url(in run: URL) -> URL { run.appending(path: "training/state.safetensors") }

  /// Writes a trainer's state.
  ///
  /// - Throws: `FileError`.
  public static func save(_ trainer: Trainer, _ identity: RunIdentity = RunIdentity(), to url: URL) throws {
    var tensors: [(key: String, tensor: Tensor)] = []
    func add(_ part: Part, _ key: String, _ tensor: Tensor) {
      tensors.append(("\(part.rawValue)/\(key)", tensor))
    }
    for (i, (key, weight)) in trainer.learning.enumerated() {
      add(.weight, key, weight)
      if trainer.options.emaDecay > 0 { add(.average, key, trainer.averages[i]) }
      add(.firstMoment, key, trainer.optimizer.firstMoments[i])
      add(.secondMoment, key, trainer.optimizer.secondMoments[i])
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    func json(_ value: some Encodable) throws -> String {
      String(decoding: try encoder.encode(value), as: UTF8.self)
    }
    try SafetensorsWriter.write(
      tensors + trainer.objective.state,
      metadata: [
        "format": "pt", "options": try json(trainer.options), "identity": try json(identity),
        "steps": String(trainer.stepsTaken),
      ], to: url)
  }

  /// Opens a state; its tensors are read by the trainer.
  ///
  /// - Throws: `SafetensorsError` or `TrainingStateError`.
  public init(contentsOf url: URL) throws {
    let file = try SafetensorsFile(url)
    func decoded<T: Decodable>(_ key: String, _: T.Type) -> T? {
      file.metadata[key].flatMap { try? JSONDecoder().decode(T.self, from: Data($0.utf8)) }
    }
    guard let steps = file.metadata["steps"].flatMap(Int.init), steps >= 0,
      let options = decoded("options", TrainingOptions.self)
    else { throw TrainingStateError(file: url.relativePath, problem: "is not the state of a training run") }
    if let problem = options.problem { throw TrainingStateError(file: url.relativePath, problem: problem) }
    (self.file, self.options, stepsTaken) = (file, options, steps)
    // A state of before there was one is compared by its options alone.
    identity = decoded("identity", RunIdentity.self) ?? RunIdentity(options)
  }

  /// One group of tensors, in the order of the weights that learn.
  ///
  /// - Throws: `SafetensorsError` where one is missing, `TrainingStateError` where one has another shape.
  func tensors(_ part: Part, _ parameters: [(key: String, tensor: Tensor)]) throws -> [Tensor] {
    try file.tensors(of: part.rawValue, parameters)
  }
}

/// Why a run cannot go on.
public struct TrainingStateError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
  /// The state's file.
  public let file: String
  /// The rest of a sentence that begins with it.
  public let problem: String

  /// One sentence for the user.
  public var description: String { "\(file) \(problem)." }
  /// The same sentence, for code that only knows `Error`.
  public var errorDescription: String? { description }
}

extension SafetensorsFile {
  /// One group of a state's tensors, `<group>/<key>` for each of a network's parameters, in their order.
  ///
  /// - Throws: `SafetensorsError` where one is missing, `TrainingStateError` where one has another shape.
  func tensors(of group: String, _ parameters: [(key: String, tensor: Tensor)]) throws -> [Tensor] {
    try parameters.map { key, parameter in
      let tensor = try tensor("\(group)/\(key)")
      guard tensor.shape == parameter.shape else {
        throw TrainingStateError(
          file: url.relativePath,
          problem:
            "holds '\(key)' as \(tensor.shape) where the network has \(parameter.shape); it is of another run"
        )
      }
      return tensor
    }
  }
}
