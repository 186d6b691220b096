import TensorCore

/// What a class-conditional network is told.
public enum ClassLabels {
  /// A class a picture.
  case indices([Int])
  /// Two classes a picture, and how far, from 0 to 1, it lies from the first to the second: their embeddings are mixed.
  case blends([Int], [Int], shares: [Float])
  /// `[N, E]`: added to the time embedding as they are (`class_embed_type` identity), or after a projection.
  case vectors(Tensor)

  /// [N, E]: what `embed` makes of classes, mixed where they are blends; nil for vectors, which are embeddings already.
  func embedded(_ embed: ([Int]) -> Tensor) -> Tensor? {
    switch self {
    case .indices(let classes): embed(classes)
    case .blends(let from, let to, let shares):
      .combination(perSample: shares.map { 1 - $0 }, embed(from), shares, embed(to))
    case .vectors: nil
    }
  }
}

extension ClassLabels: ExpressibleByArrayLiteral {
  /// A class a picture.
  public init(arrayLiteral classes: Int...) { self = .indices(classes) }
}

/// Classes that pictures lie on the way to, a row each.
public struct ClassBlend: Sendable, Equatable {
  /// N classes.
  public var labels: [Int]
  /// How far each lies on the way, from 0 (not at all) to 1.
  public var shares: [Float]

  /// - Parameters:
  ///   - labels: N classes.
  ///   - shares: N numbers from 0 to 1.
  public init(labels: [Int], shares: [Float]) {
    precondition(labels.count == shares.count, "\(labels.count) classes with \(shares.count) shares")
    (self.labels, self.shares) = (labels, shares)
  }
}
