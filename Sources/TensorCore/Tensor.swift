import CKernels

/// An f32 tensor of any rank.
///
/// Shapes are logical, as in the checkpoints: a feature map is `[N, C, H, W]` whatever its memory order. Values never
/// change once made, but for a parameter's, which its optimiser updates in place.
///
/// Deliberately not `Sendable`: operations on one thread share a tape, and run on threads of their own inside. Two threads
/// may each compute with tensors of their own.
public struct Tensor {
  /// The size of each dimension.
  public let shape: [Int]
  package var storage: Storage
  package let order: MemoryOrder
  /// Which tape entry made it; stale or 0 for a constant. See `Tape`.
  package let node: Int
  /// The node of what no gradient flows to, though it be a parameter.
  static let detachedNode = -1

  package init(shape: [Int], storage: Storage, order: MemoryOrder = .plain, node: Int = 0) {
    precondition(storage.count >= shape.reduce(1, *), "storage too small for \(shape)")
    self.shape = shape
    self.storage = storage
    // A block of all channels of one channel is plain order: one name for one layout.
    self.order = order
    self.node = node
  }

  /// A tensor whose values are still to be written.
  package init(uninitialized shape: [Int], order: MemoryOrder = .plain) {
    self.init(shape: shape, storage: Storage(count: shape.reduce(1, *)), order: order)
  }

  /// `values` in logical row-major order; there must be as many as `shape` holds.
  public init(_ values: [Float], shape: [Int]) {
    precondition(values.count == shape.reduce(1, *), "\(values.count) values for shape \(shape)")
    self.init(uninitialized: shape)
    values.withUnsafeBufferPointer { source in
      guard let base = source.baseAddress else { return }
      storage.pointer.update(from: base, count: source.count)
    }
  }

  /// Every value `value`.
  public static func full(_ shape: [Int], _ value: Float) -> Tensor {
    let t = Tensor(uninitialized: shape)
    t.storage.pointer.update(repeating: value, count: t.count)
    return t
  }

  /// Every value 0.
  public static func zeros(_ shape: [Int]) -> Tensor { full(shape, 0) }

  /// How many values it holds.
  public var count: Int { shape.reduce(1, *) }

  /// The sizes of a matrix.
  public var shape2: (Int, Int) { (shape[0], shape[1]) }
  /// The sizes of a sequence, `(N, T, D)`.
  public var shape3: (Int, Int, Int) { (shape[0], shape[1], shape[2]) }
  /// The sizes of a feature map, `(N, C, H, W)`.
  public var shape4: (Int, Int, Int, Int) {
    precondition(shape.count == 4, "a feature map [N, C, H, W] was needed, not \(shape)")
    return (shape[0], shape[1], shape[2], shape[3])
  }

  /// All values in logical row-major order (a copy).
  public var values: [Float] {
    let plain = ordered(.plain)
    return Array(UnsafeBufferPointer(start: plain.pointer, count: count))
  }

  /// The value of a one-element tensor.
  public var item: Float {
    precondition(count == 1, "item of a tensor of shape \(shape)")
    return storage.pointer[0]
  }

  package var pointer: UnsafeMutablePointer<Float> { storage.pointer }

  /// The same values, cut off from the tape: no gradient flows to them, nor to the parameter that they are.
  public var detached: Tensor { with(node: Self.detachedNode) }

  func with(node: Int) -> Tensor { Tensor(shape: shape, storage: storage, order: order, node: node) }

  /// The same tensor in another memory order; the same node, since its values are the same.
  package func ordered(_ wanted: MemoryOrder) -> Tensor {
    guard order != wanted, shape.count == 4 else { return self }
    let (_, c, h, w) = shape4
    // Orders that differ in name alone: one channel, or one pixel.
    if c == 1 || h * w == 1 { return Tensor(shape: shape, storage: storage, order: wanted, node: node) }
    let result = Tensor(shape: shape, storage: Storage(count: count), order: wanted, node: node)
    let image = c * h * w
    parallelFor(shape[0]) { n in
      dk_reorder(
        pointer + n * image, result.pointer + n * image, c, h * w, order.channelBlock, wanted.channelBlock)
    }
    return result
  }

  func ordered(like other: Tensor) -> Tensor { ordered(other.order) }

  /// Shape [N, C/B, H·W, B] of the memory of a feature map.
  var blocked: (n: Int, blocks: Int, hw: Int, b: Int) {
    let (n, c, h, w) = shape4
    return (n, c / order.channelBlock, h * w, order.channelBlock)
  }

  /// Writes the values of `source` over this tensor's own, in place; for a parameter that is loaded or restored.
  public func overwrite(with source: Tensor) {
    precondition(shape == source.shape, "overwriting \(shape) with \(source.shape)")
    let source = source.ordered(like: self)
    storage.pointer.update(from: source.pointer, count: count)
    storage.invalidate()
  }
}
