import Models
import TensorCore

/// Examples, and for each the picture that steers a ControlNet to it.
public final class SteeredExamples: ExampleSource {
  private let examples: any ExampleSource
  private let conditions: PictureStore
  private let classes: [Int]

  /// - Parameters:
  ///   - examples: pictures or their latents.
  ///   - conditions: what steers to each, in the same order.
  ///   - classes: of the steered network, by the examples' own.
  public init(_ examples: any ExampleSource, conditions: PictureStore, classes: [Int]) {
    precondition(examples.count == conditions.count, "examples without what steers to them")
    (self.examples, self.conditions, self.classes) = (examples, conditions, classes)
  }

  /// How many there are.
  public var count: Int { examples.count }
  /// `[C, H, W]` of one.
  public var shape: [Int] { examples.shape }

  /// The example's class, as the steered network counts it.
  public func condition(_ index: Int, visit: UInt64?) throws -> Condition? {
    try examples.condition(index, visit: visit).map { condition in
      var counted = condition
      counted.labels = condition.labels?.map { classes[$0] }
      return counted
    }
  }

  /// One example's values.
  public func planes(_ index: Int, place: (x: Float, y: Float), mirrored: Bool) throws -> [Float] {
    try examples.planes(index, place: place, mirrored: mirrored)
  }

  /// `[1, 3, R, R]`, R being the pictures' size.
  public func hint(_ index: Int, place: (x: Float, y: Float), mirrored: Bool) throws -> Tensor? {
    let planes = try conditions.planes(index, place: place, mirrored: mirrored)
    return Tensor(planes.map { $0 / 2 + 0.5 }, shape: [1] + conditions.shape)
  }
}
