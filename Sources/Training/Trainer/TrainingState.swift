import Files
import Foundation
import Models
import NN
import TensorCore

/// What a run needs to go on as if it had never stopped: weights, averages, moments and the number of updates, all in one
/// file, which a kill therefore finds in one state or the next.
public struct TrainingState {
  /// What decided the run.
  public let options: TrainingOptions
  /// Updates made.
  public let stepsTaken: Int
  let averages: [Tensor], firstMoments: [Tensor], secondMoments: [Tensor]
  /// By which timesteps are drawn, where they are drawn by importance.
  let moments: LossSecondMoments?
  private let weights: [String: Tensor]
  private let file: String

  private enum Part: String, CaseIterable { case weight, average, m, v }

  private static func key(_ part: Part, _ key: String) -> String { "\(part.rawValue)/\(key)" }

  private static let (lossesKey, countsKey) = ("timesteps/losses", "timesteps/counts")

  /// Where it lies in a run's folder.
  public static func url(in run: URL) -> URL { run.appending(path: "training/state.safetensors") }

  /// Writes a trainer's state.
  ///
  /// - Throws: `FileError`.
  public static func save(_ trainer: Trainer, to url: URL) throws {
    let parameters = trainer.model.parameters.parameters
    var tensors: [(key: String, tensor: Tensor)] = []
    for (i, (name, weight)) in parameters.enumerated() {
      tensors.append((key(.weight, name), weight))
      tensors.append((key(.average, name), trainer.averages[i]))
      tensors.append((key(.m, name), trainer.optimizer.firstMoments[i]))
      tensors.append((key(.v, name), trainer.optimizer.secondMoments[i]))
    }
    for (name, buffer) in trainer.model.parameters.buffers { tensors.append((key(.weight, name), buffer)) }
    if let moments = trainer.moments {
      let count = moments.counts.count
      tensors.append((lossesKey, Tensor(moments.losses, shape: [count, moments.losses.count / count])))
      tensors.append((countsKey, Tensor(moments.counts.map { Float($0) }, shape: [count])))
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let options = String(decoding: try encoder.encode(trainer.options), as: UTF8.self)
    try SafetensorsWriter.write(
      tensors, metadata: ["format": "pt", "options": options, "steps": String(trainer.stepsTaken)], to: url)
  }

  /// Reads a state.
  ///
  /// - Parameter store: of the network it is for.
  /// - Throws: `SafetensorsError` or `TrainingStateError`.
  public init(contentsOf url: URL, for store: ParameterStore) throws {
    let file = try SafetensorsFile(url)
    self.file = url.relativePath
    guard let steps = file.metadata["steps"].flatMap(Int.init), steps >= 0,
      let text = file.metadata["options"],
      let options = try? JSONDecoder().decode(TrainingOptions.self, from: Data(text.utf8))
    else { throw TrainingStateError(file: url.relativePath, problem: "is not the state of a training run") }
    self.options = options
    stepsTaken = steps
    func read(_ part: Part) throws -> [Tensor] { try file.tensors(of: part.rawValue, store.parameters) }
    moments =
      options.loss.timestepSampling == .importance
      ? try Self.moments(
        file, TrainingStateError(file: url.relativePath, problem: "holds no losses by timestep"))
      : nil
    averages = try read(.average)
    firstMoments = try read(.m)
    secondMoments = try read(.v)
    var weights = Dictionary(uniqueKeysWithValues: zip(store.parameters.map(\.key), try read(.weight)))
    for (name, _) in store.buffers { weights[name] = try file.tensor(Self.key(.weight, name)) }
    self.weights = weights
  }

  private static func moments(_ file: SafetensorsFile, _ error: TrainingStateError) throws
    -> LossSecondMoments
  {
    let counts = try file.tensor(countsKey).values.map { Int(exactly: $0) ?? -1 }
    guard let moments = LossSecondMoments(losses: try file.tensor(lossesKey).values, counts: counts) else {
      throw error
    }
    return moments
  }

  /// The options of a run, without its tensors.
  ///
  /// - Throws: `SafetensorsError`.
  public static func options(of url: URL) throws -> TrainingOptions? {
    try SafetensorsFile(url).metadata["options"].flatMap {
      try? JSONDecoder().decode(TrainingOptions.self, from: Data($0.utf8))
    }
  }

  /// The losses by timestep of a schedule of `timesteps`, where the run draws by them.
  func moments(timesteps: Int) throws -> LossSecondMoments? {
    guard let moments, moments.counts.count != timesteps else { return moments }
    throw TrainingStateError(
      file: file,
      problem: "is of a schedule of \(moments.counts.count) timesteps, not of \(timesteps)")
  }

  /// Writes the weights into the network's tensors.
  func restore(_ parameters: [(key: String, tensor: Tensor)]) throws {
    for (name, tensor) in parameters {
      guard let stored = weights[name] else {
        throw TrainingStateError(file: file, problem: "has no '\(name)'")
      }
      tensor.overwrite(with: stored)
    }
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
