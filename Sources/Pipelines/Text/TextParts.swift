import Foundation
import Models

/// What turns a prompt into what a network reads: one text encoder with its tokenizer, or two side by side.
public struct TextParts {
  /// In the order in which their states stand side by side.
  public let encoders: [(tokenizer: TokenizerComponent, encoder: TextEncoderComponent)]
  /// What the network reads.
  public let input: TextInput

  /// Finds and checks the parts of an open model.
  ///
  /// - Parameter url: of the model, for messages.
  /// - Throws: `ModelFolderError` where a part is missing or does not fit the network; `TokenizerError`.
  init(_ input: TextInput, _ components: [any ModelComponent], in url: URL) throws {
    let parts = components.compactMap { $0 as? TextEncoderComponent }.sorted { $0.place.name < $1.place.name }
    guard !parts.isEmpty else {
      throw ModelFolderError(
        folder: url.relativePath,
        problem:
          "lacks its text_encoder: its network reads a text of \(input.channels) channels a token, and "
          + "\(PipelineIndex.fileName) names nothing that makes one")
    }
    encoders = try parts.map { encoder in
      let name = encoder.place.name.replacingOccurrences(of: "text_encoder", with: "tokenizer")
      let tokenizer = components.lazy.compactMap { $0 as? TokenizerComponent }.first { $0.place.name == name }
      guard let tokenizer else {
        throw ModelFolderError(
          folder: url.relativePath,
          problem: "lacks its \(name), which says what the \(encoder.place.name) is to read")
      }
      try encoder.check(tokenizer.tokenizer)
      return (tokenizer, encoder)
    }
    self.input = input
    let widths = encoders.map(\.encoder.config.hiddenSize)
    guard widths.reduce(0, +) == input.channels else {
      throw ModelFolderError(
        folder: url.relativePath,
        problem:
          "cannot be used: its network reads \(input.channels) channels a token, and its text encoders give "
          + widths.map(String.init).joined(separator: " and "))
    }
    if let pooled = input.pooledChannels, let last = encoders.last?.encoder.config {
      let width = last.architecture == .projected ? last.projectionDim ?? last.hiddenSize : last.hiddenSize
      guard width == pooled else {
        throw ModelFolderError(
          folder: url.relativePath,
          problem: "cannot be used: its network reads a pooled text of \(pooled) channels, and its "
            + "\(encoders.last!.encoder.place.name) gives \(width)")
      }
    }
  }

  /// How many tokens are read at a time: what all encoders have positions for.
  public var length: Int { encoders.map(\.encoder.config.maxPositionEmbeddings).min() ?? 0 }

  /// How many layers can be left out at the end of each encoder.
  public var mostClipSkip: Int {
    // SDXL leaves out the last one as it is.
    (encoders.map(\.encoder.config.numHiddenLayers).min() ?? 0) - (input.pooledChannels == nil ? 0 : 1)
  }
}

extension TextInput {
  /// What a folder's encoders say to a network that does not look at it, as diffusers' pipelines of texts have it; nil where there
  /// are none.
  init?(unreadOf components: [any ModelComponent]) {
    let widths = components.compactMap { ($0 as? TextEncoderComponent)?.config.hiddenSize }
    if widths.isEmpty { return nil }
    self.init(channels: widths.reduce(0, +))
  }
}
