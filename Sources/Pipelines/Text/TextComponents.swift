import Foundation
import Models
import NN
import Text

/// A tokenizer of a model's folder: `tokenizer/`, and `tokenizer_2/` of SDXL.
public struct TokenizerComponent: ModelComponent {
  /// transformers' names of CLIP's tokenizer.
  public static let classNames = ["CLIPTokenizer", "CLIPTokenizerFast"]

  /// Where it is.
  public let place: ComponentPlace
  /// The tokenizer itself.
  public let tokenizer: CLIPTokenizer

  /// - Throws: `TokenizerError`, or `ModelFolderError` where its folder is missing.
  public init(_ place: ComponentPlace) throws {
    try place.requireOwnFolder()
    self.place = place
    tokenizer = try CLIPTokenizer(folder: place.url)
  }
}

/// A text encoder of a model's folder: `text_encoder/`, and `text_encoder_2/` of SDXL.
public struct TextEncoderComponent: ModelComponent {
  /// `CLIPTextModel` and `CLIPTextModelWithProjection`.
  public static let classNames = CLIPTextConfig.Architecture.allCases.map(\.rawValue)

  /// Where it is.
  public let place: ComponentPlace
  /// `config.json`.
  public let config: CLIPTextConfig
  /// Its weights, of which only headers were read.
  public let checkpoint: Checkpoint
  /// The same.
  public var weights: Checkpoint? { checkpoint }

  private var configURL: URL { place.url.appending(path: "config.json") }

  /// - Throws: `ConfigError`, `CheckpointError` or `SafetensorsError`, or `ModelFolderError` where its folder is missing.
  public init(_ place: ComponentPlace) throws {
    try place.requireOwnFolder()
    self.place = place
    var config = try CLIPTextConfig(contentsOf: place.url.appending(path: "config.json"))
    // The index knows better than a file that was copied from a whole CLIP.
    if let named = place.className.flatMap(CLIPTextConfig.Architecture.init) { config.architecture = named }
    self.config = config
    checkpoint = try Checkpoint(folder: place.url, stem: Self.weightsStem)
  }

  /// - Throws: `CheckpointError`.
  public func checkWeights() throws { _ = try CLIPTextEncoder(config, ParameterStore(.headers(checkpoint))) }

  /// The network with its weights.
  ///
  /// - Throws: `CheckpointError` or `SafetensorsError`.
  public func encoder() throws -> CLIPTextEncoder {
    try CLIPTextEncoder(config, ParameterStore(.checkpoint(checkpoint)))
  }

  /// Whether a tokenizer's tokens all have an embedding.
  ///
  /// - Throws: `TokenizerError`.
  func check(_ tokenizer: CLIPTokenizer) throws {
    try tokenizer.check(vocabularySize: config.vocabSize, of: configURL.relativePath)
  }

  /// What transformers calls its weights.
  static let weightsStem = "model"
}

extension ComponentPlace {
  /// Parts of a text do not lie flat among a denoiser's files, whose names they share.
  ///
  /// - Throws: `ModelFolderError`.
  func requireOwnFolder() throws(ModelFolderError) {
    guard url.lastPathComponent != name else { return }
    throw ModelFolderError(
      folder: url.relativePath,
      problem:
        "lacks its \(name): \(PipelineIndex.fileName) names a \(className ?? "part") of that name, and there is no such "
        + "folder")
  }
}
