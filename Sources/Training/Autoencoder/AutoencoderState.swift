import Files
import Foundation
import NN
import TensorCore

/// What an autoencoder's run needs to go on as if it had never stopped, all in one file: the weights and moments of its
/// networks, and the number of updates.
public struct AutoencoderState {
  /// What decided the run.
  public let options: AutoencoderOptions
  /// Updates made.
  public let stepsTaken: Int
  private let file: SafetensorsFile

  /// One network of a run, with what moves it.
  struct Network {
    let name: String
    let parameters: [(key: String, tensor: Tensor)]
    let optimizer: AdamW
  }

  /// Where it lies in a run's folder.
  public static func url(in run: URL) -> URL { TrainingState.url(in: run) }

  /// Writes a trainer's state.
  ///
  /// - Throws: `FileError`.
  public static func save(_ trainer: AutoencoderTrainer, to url: URL) throws {
    var tensors: [(key: String, tensor: Tensor)] = []
    for network in trainer.networks {
      for (i, (key, weight)) in network.parameters.enumerated() {
        tensors.append(("\(network.name)/weight/\(key)", weight))
        tensors.append(("\(network.name)/m/\(key)", network.optimizer.firstMoments[i]))
        tensors.append(("\(network.name)/v/\(key)", network.optimizer.secondMoments[i]))
      }
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let options = String(decoding: try encoder.encode(trainer.options), as: UTF8.self)
    try SafetensorsWriter.write(
      tensors, metadata: ["format": "pt", "autoencoder": options, "steps": String(trainer.stepsTaken)],
      to: url)
  }

  /// Reads a state.
  ///
  /// - Throws: `SafetensorsError` or `TrainingStateError`.
  public init(contentsOf url: URL) throws {
    file = try SafetensorsFile(url)
    guard let steps = file.metadata["steps"].flatMap(Int.init), steps >= 0,
      let text = file.metadata["autoencoder"],
      let options = try? JSONDecoder().decode(AutoencoderOptions.self, from: Data(text.utf8))
    else {
      throw TrainingStateError(file: url.relativePath, problem: "is not the state of an autoencoder's run")
    }
    (self.options, stepsTaken) = (options, steps)
  }

  /// Writes a network's weights into its tensors.
  ///
  /// - Parameter steps: updates of this network.
  /// - Throws: `SafetensorsError` or `TrainingStateError`.
  /// - Returns: what moved it.
  func restore(
    _ name: String, _ parameters: [(key: String, tensor: Tensor)], _ options: AdamW.Options, steps: Int
  ) throws -> AdamW {
    func read(_ part: String) throws -> [Tensor] { try file.tensors(of: "\(name)/\(part)", parameters) }
    let moments = (first: try read("m"), second: try read("v"))
    for (own, stored) in zip(parameters, try read("weight")) { own.tensor.overwrite(with: stored) }
    return AdamW(parameters.map(\.tensor), options, moments: moments, stepsTaken: steps)
  }
}
