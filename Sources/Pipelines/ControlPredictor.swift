import Models
import Schedulers
import TensorCore

/// A ControlNet with the picture that it reads, how much of it is added, and during which part of the steps.
public struct Control {
  let network: any ControlNet
  let image: Tensor
  let scale: Float
  let (start, end): (Double, Double)

  /// - Parameters:
  ///   - image: `[1, C, H, W]` in 0 … 1, the same for every picture.
  ///   - scale: how much of it; 1 as trained.
  ///   - start: the share of the steps after which it begins.
  ///   - end: the share of the steps at which it ends.
  public init(
    _ network: any ControlNet, image: Tensor, scale: Float = 1, start: Double = 0, end: Double = 1
  ) {
    (self.network, self.image, self.scale, self.start, self.end) = (network, image, scale, start, end)
  }

  /// The same with another picture to read, `[1, C, H, W]` in 0 … 1.
  public func with(image: Tensor) -> Control {
    Control(network, image: image, scale: scale, start: start, end: end)
  }

  /// Whether it takes part in evaluation `index` of `count`: as in diffusers, the evaluation must lie within its part whole.
  func holds(at index: Int, of count: Int) -> Bool {
    Double(index) / Double(count) >= start && Double(index + 1) / Double(count) <= end
  }
}

/// Adds to a network what ControlNets make of their pictures (Zhang et al. 2023), several added up.
///
/// It stands right before the network, so that each side of a guidance is steered by its own text.
public struct ControlPredictor: Predictor {
  let predictor: any Predictor
  let controls: [Control]
  let isGuess: Bool
  /// The numbers of the evaluations that are visited, in order.
  let visited: [Int]
  let batchSize: Int

  /// - Parameters:
  ///   - predictor: the network.
  ///   - isGuess: whether what a text leaves open is to be guessed from the pictures; see `ControlResiduals.scaled`. What is
  ///     said without the text is then better asked of the bare network.
  ///   - route: of whose evaluations the controls' shares are.
  ///   - batchSize: how many pictures are in memory at a time; the result does not depend on it.
  public init(
    _ predictor: any Predictor, _ controls: [Control], isGuess: Bool = false, along route: Route,
    batchSize: Int
  ) {
    (self.predictor, self.controls, self.isGuess) = (predictor, controls, isGuess)
    self.batchSize = batchSize
    // A jump back visits some again.
    visited = Set(route.evaluations).sorted()
  }

  /// [N, C, H, W] → [N, C or 2C, H, W]
  public func callAsFunction(_ x: Tensor, _ evaluation: Evaluation, _ condition: Condition) -> Tensor {
    let index = visited.firstIndex(of: evaluation.index) ?? 0
    let active = controls.filter { $0.holds(at: index, of: visited.count) }
    guard !active.isEmpty else { return predictor(x, evaluation, condition) }
    return inBatches(of: batchSize, x, condition) { x, condition in
      let timesteps = (0..<x.shape[0]).map { _ in evaluation.timestep }
      let residuals = active.map { control in
        control.network.residuals(
          x, timesteps: timesteps, condition: condition,
          image: .stacked(timesteps.map { _ in control.image }), dropout: nil
        ).scaled(by: control.scale, isGuess: isGuess)
      }
      var steered = condition
      steered.control = residuals.dropFirst().reduce(residuals[0], +)
      return predictor(x, evaluation, steered)
    }
  }
}
