import Models
import TensorCore

/// Where training examples come from: pictures, or their latents.
public protocol ExampleSource: AnyObject {
  /// How many there are.
  var count: Int { get }
  /// `[C, H, W]` of one.
  var shape: [Int] { get }
  /// What a network is told of one, in a row; nil where there is nothing to tell.
  ///
  /// - Parameter visit: the number that the example has over the run, by which one of several wordings is drawn; nil for the
  ///   first of them.
  /// - Throws: `PromptError`.
  func condition(_ index: Int, visit: UInt64?) throws -> Condition?
  /// One example's values, in the order of `shape`.
  ///
  /// - Parameters:
  ///   - place: where a random crop lies, as fractions of the room there is.
  ///   - mirrored: left for right.
  /// - Throws: `PictureError`.
  func planes(_ index: Int, place: (x: Float, y: Float), mirrored: Bool) throws -> [Float]
  /// The picture that steers a ControlNet to one, `[1, C, H, W]` in 0 … 1, cut and mirrored as the example is; nil where
  /// nothing is steered.
  ///
  /// - Throws: `PictureError`.
  func hint(_ index: Int, place: (x: Float, y: Float), mirrored: Bool) throws -> Tensor?
}

extension ExampleSource {
  /// Most examples steer nothing.
  public func hint(_ index: Int, place: (x: Float, y: Float), mirrored: Bool) throws -> Tensor? { nil }
}

extension ExampleSource {
  /// Several examples, `[N, C, H, W]`, each by its number and how it is shown.
  ///
  /// - Throws: `PictureError`.
  func batch(_ views: [(example: Int, place: (x: Float, y: Float), mirrored: Bool)]) throws -> Tensor {
    let values = try views.flatMap { try planes($0.example, place: $0.place, mirrored: $0.mirrored) }
    return Tensor(values, shape: [views.count] + shape)
  }
}

extension PictureStore: ExampleSource {
  /// Three channels at the training size.
  public var shape: [Int] { [3, resolution, resolution] }

  /// The class of a picture.
  public func condition(_ index: Int, visit: UInt64?) -> Condition? {
    classIndex(index).map { Condition(labels: [$0]) }
  }
}
