import NN
import TensorCore

/// What a `UNet2D` is told, as one vector a picture: the timestep's embedding and the class's.
struct UNet2DEmbedding {
  private enum TimeProjection {
    case positional(Timesteps)
    case fourier(GaussianFourierProjection)
    case learned(Embedding)
  }

  private enum ClassEmbedding {
    case none
    case identity
    case table(Embedding)
    case timestep(TimestepEmbedding)
  }

  private let timeProjection: TimeProjection
  private let timeEmbedding: TimestepEmbedding
  private let classEmbedding: ClassEmbedding

  init(_ p: ParameterScope, _ config: UNet2DConfig) {
    let channels = config.blockOutChannels[0]
    var projected = channels
    switch config.timeEmbeddingType {
    case .positional:
      timeProjection = .positional(
        Timesteps(channels: channels, flipSinToCos: config.flipSinToCos, frequencyShift: config.freqShift))
    case .fourier:
      timeProjection = .fourier(GaussianFourierProjection(p["time_proj"], channels: channels, scale: 16))
      projected = 2 * channels
    case .learned:
      timeProjection = .learned(
        Embedding(p["time_proj"], count: config.numTrainTimesteps ?? 0, size: channels))
    }
    timeEmbedding = TimestepEmbedding(p["time_embedding"], inputs: projected, outputs: config.timeChannels)

    classEmbedding =
      switch (config.classEmbedType, config.numClassEmbeds) {
      case (nil, let count?):
        .table(Embedding(p["class_embedding"], count: count, size: config.timeChannels))
      case (.timestep, _):
        .timestep(TimestepEmbedding(p["class_embedding"], inputs: projected, outputs: config.timeChannels))
      case (.identity, _): .identity
      case (nil, nil): .none
      }
  }

  /// N timesteps → [N, E]
  func callAsFunction(_ timesteps: [Float], _ labels: ClassLabels?) -> Tensor {
    let time = timeEmbedding(projected(timesteps))
    switch (classEmbedding, labels) {
    case (.table(let table), let labels?):
      if let label = labels.embedded({ table($0) }) { return time + label }
    case (.timestep(let embed), let labels?):
      if let label = labels.embedded({ embed(projected($0.map { Float($0) })) }) { return time + label }
    case (.identity, .vectors(let vectors)): return time + vectors
    case (.none, nil): return time
    default: break
    }
    preconditionFailure("class labels must be given to a class-conditional network, and to no other")
  }

  private func projected(_ t: [Float]) -> Tensor {
    switch timeProjection {
    case .positional(let project): project(t)
    case .fourier(let project): project(t)
    case .learned(let table): table(t.map { Int($0) })
    }
  }
}
