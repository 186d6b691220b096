import NN
import TensorCore

/// What a `UNet2DCondition` or its ControlNet is told beside the text, as one vector a picture: the timestep, the class, and
/// SDXL's pooled text and sizes; with the map that the text's states go through first, where there is one.
struct ConditionEmbedding {
  private enum ClassEmbedding {
    case none
    case identity
    case table(Embedding)
    case timestep(TimestepEmbedding)
    case projection(TimestepEmbedding)
    case simpleProjection(Linear)
  }

  private let timeProjection: Timesteps
  private let timeEmbedding: TimestepEmbedding
  private let guidance: Linear?
  private let text: Linear?
  private let classEmbedding: ClassEmbedding
  /// SDXL's, with the sinusoids of each size.
  private let addition: (sizes: Timesteps, embedding: TimestepEmbedding)?

  init(_ p: ParameterScope, _ config: UNet2DConditionConfig) {
    let (channels, size) = (config.blockOutChannels[0], config.timeChannels)
    func sinusoids(_ channels: Int) -> Timesteps {
      Timesteps(channels: channels, flipSinToCos: config.flipSinToCos, frequencyShift: config.freqShift)
    }
    timeProjection = sinusoids(channels)
    guidance = config.timeCondProjDim.map {
      Linear(p["time_embedding"]["cond_proj"], inputs: $0, outputs: channels, bias: false)
    }
    timeEmbedding = TimestepEmbedding(
      p["time_embedding"], inputs: channels, outputs: size, activation: config.actFn)
    text = config.encoderHidDim.map {
      Linear(p["encoder_hid_proj"], inputs: $0, outputs: config.crossAttentionDim[0])
    }
    let (scope, vector) = (p["class_embedding"], config.projectionClassEmbeddingsInputDim ?? 1)
    classEmbedding =
      switch (config.classEmbedType, config.numClassEmbeds) {
      case (nil, let count?): .table(Embedding(scope, count: count, size: size))
      case (nil, nil): .none
      case (.timestep, _):
        .timestep(TimestepEmbedding(scope, inputs: channels, outputs: size, activation: config.actFn))
      case (.identity, _): .identity
      case (.projection, _): .projection(TimestepEmbedding(scope, inputs: vector, outputs: size))
      case (.simpleProjection, _): .simpleProjection(Linear(scope, inputs: vector, outputs: size))
      }
    addition =
      config.additionEmbedType == nil
      ? nil
      : (
        sinusoids(config.additionTimeEmbedDim ?? 1),
        TimestepEmbedding(p["add_embedding"], inputs: vector, outputs: size)
      )
  }

  /// N timesteps, with what else is known → [N, E]
  ///
  /// - Parameters:
  ///   - labels: where the network is class-conditional.
  ///   - guidance: `[N, time_cond_proj_dim]`; nil for none.
  ///   - pooledText: `[N, D]`, for SDXL.
  ///   - sizes: `[N, K]`, for SDXL; D + K · addition_time_embed_dim is projection_class_embeddings_input_dim.
  func callAsFunction(
    _ timesteps: [Float], labels: ClassLabels?, guidance scales: Tensor?, pooledText: Tensor?, sizes: Tensor?
  ) -> Tensor {
    var time = timeProjection(timesteps)
    if let guidance, let scales { time = time + guidance(scales) }
    var sum = timeEmbedding(time)
    if let label = embedded(labels) { sum = sum + label }
    guard let addition else { return sum }
    guard let pooledText, let sizes else {
      preconditionFailure(
        "a network with addition_embed_type text_time must be given a pooled text and sizes")
    }
    let each = addition.sizes(sizes.values)  // [N·K, addition_time_embed_dim]
    let numbers = each.reshaped([sizes.shape[0], each.count / sizes.shape[0]])
    return sum + addition.embedding(.concatenatedChannels([pooledText, numbers]))
  }

  /// The text's states as cross-attention reads them.
  func callAsFunction(_ states: TextStates) -> TextStates {
    text.map { TextStates($0(states.states), mask: states.mask) } ?? states
  }

  private func embedded(_ labels: ClassLabels?) -> Tensor? {
    switch (classEmbedding, labels) {
    case (.none, nil): return nil
    case (.table(let table), let labels?): if let label = labels.embedded({ table($0) }) { return label }
    case (.timestep(let embed), let labels?):
      if let label = labels.embedded({ embed(timeProjection($0.map { Float($0) })) }) { return label }
    case (.identity, .vectors(let vectors)): return vectors
    case (.projection(let embed), .vectors(let vectors)): return embed(vectors)
    case (.simpleProjection(let map), .vectors(let vectors)): return map(vectors)
    default: break
    }
    preconditionFailure("class labels must be given to a class-conditional network, and to no other")
  }
}
