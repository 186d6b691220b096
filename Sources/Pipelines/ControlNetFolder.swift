import Files
import Foundation
import Models
import NN
import Pictures
import TensorCore

/// A ControlNet's folder as diffusers saves one, `config.json` and weights, and its base beside it.
public struct ControlNetFolder: ModelComponent {
  /// The classes of all families.
  public static var classNames: [String] { ControlNetFamilies.all.map { $0.className } }

  /// Where it is.
  public let place: ComponentPlace
  /// `config.json`.
  public let config: any ControlNetConfig
  /// Its weights, of which only headers were read.
  public let checkpoint: Checkpoint

  /// The same as `checkpoint`.
  public var weights: Checkpoint? { checkpoint }

  private static let weightsStem = ModelFolder.weightsStem
  private var configURL: URL { place.url.appending(path: "config.json") }

  /// - Throws: `ConfigError`, or `CheckpointError` or `SafetensorsError` where there are no weights that can be read.
  public init(_ place: ComponentPlace) throws {
    self.place = place
    config = try ControlNetFamilies.config(contentsOf: place.url.appending(path: "config.json"))
    checkpoint = try Checkpoint(folder: place.url, stem: Self.weightsStem)
  }

  /// Whether a folder describes itself as a ControlNet.
  public static func isDescribed(in url: URL) -> Bool {
    ModelClass.name(in: url.appending(path: "config.json")).map(classNames.contains) ?? false
  }

  /// Opens a folder by itself, without loading its weights.
  ///
  /// - Throws: as for a part of a pipeline, and where the weights do not fit the configuration.
  public init(_ url: URL) throws {
    try self.init(ComponentPlace(name: "controlnet", className: nil, url: url))
    try checkWeights()
  }

  /// Opens a folder that steers a model, without loading its weights.
  ///
  /// - Throws: `ModelFolderError` where it was made for another base, naming the tensors that differ; as for a part of a
  ///   pipeline, and where the weights do not fit the configuration.
  public init(_ url: URL, for base: ModelFolder) throws {
    try ModelFolderError.requireFolder(url)
    guard FileManager.default.fileExists(atPath: url.appending(path: "config.json").path) else {
      throw ModelFolderError(
        folder: url.relativePath, problem: "holds no ControlNet: it has no config.json of one")
    }
    try self.init(url)
    try check(base)
  }

  /// - Throws: `CheckpointError`.
  public func checkWeights() throws { _ = try config.build(ParameterStore(.headers(checkpoint))) }

  /// A copy may have grown other parts than its base; what it adds must fit.
  private func check(_ base: ModelFolder) throws {
    do { try config.validate(for: base.config) } catch {
      let differing = differingTensors(from: base.denoiserComponent.checkpoint)
      guard !differing.isEmpty else {
        throw ConfigError(file: configURL.relativePath, error.problem)
      }
      let more = differing.count > 4 ? ", and \(differing.count - 4) more" : ""
      throw ModelFolderError(
        folder: place.url.relativePath,
        problem: "is a ControlNet for another base than \(base.url.relativePath), in which these differ: "
          + differing.prefix(4).joined(separator: ", ") + more)
    }
  }

  /// Its copies of tensors that have another shape in the base, or are not there.
  private func differingTensors(from base: Checkpoint) -> [String] {
    checkpoint.keys.filter { !$0.hasPrefix("controlnet_") }.sorted().compactMap { key in
      guard let own = checkpoint.shape(key), own != base.shape(key) else { return nil }
      return "\(key) " + (base.shape(key).map { "\($0) for \(own)" } ?? "is not there")
    }
  }

  /// The network with its weights.
  ///
  /// - Throws: `CheckpointError` or `SafetensorsError`.
  public func network() throws -> any ControlNet {
    try config.build(ParameterStore(.checkpoint(checkpoint)))
  }

  /// Writes a ControlNet's folder.
  ///
  /// - Throws: `FileError`.
  public static func save(
    _ tensors: [(key: String, tensor: Tensor)], _ config: any ControlNetConfig, to url: URL
  ) throws {
    try AtomicFile.makeFolder(url)
    try SafetensorsWriter.write(tensors, to: url.appending(path: "\(weightsStem).safetensors"))
    try AtomicFile.write(try config.json(), to: url.appending(path: "config.json"))
  }
}

extension Picture {
  /// What a ControlNet reads: `[1, C, H, W]`, each value `byte / 255`.
  ///
  /// - Parameter channels: 3 for red, green, blue; 1 for the luminance.
  public func unitTensor(channels: Int) -> Tensor {
    precondition(channels == 3 || channels == 1, "\(channels) channels")
    let (bytes, plane) = (channels == 3 ? pixels : luminance, width * height)
    let values = (0..<channels).flatMap { channel in
      (0..<plane).map { Float(bytes[$0 * channels + channel]) / 255 }
    }
    return Tensor(values, shape: [1, channels, height, width])
  }
}
