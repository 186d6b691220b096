/// The memory behind one or more tensors: `count` floats from the pool, given back when nothing refers to it.
package final class Storage {
  /// 64-byte aligned; uninitialised when made.
  package let pointer: UnsafeMutablePointer<Float>
  package let count: Int
  private let bytes: Int
  /// Copies of a weight in the layouts that primitives asked for, kept until the weight changes.
  private var derived: [ObjectIdentifier: Storage] = [:]

  package init(count: Int) {
    self.count = count
    (pointer, bytes) = MemoryPool.shared.take(count)
  }

  deinit { MemoryPool.shared.giveBack(pointer, bytes: bytes) }

  /// The copy kept for `primitive`, made by `make` the first time.
  func derived(for primitive: AnyObject, make: () -> Storage) -> Storage {
    let key = ObjectIdentifier(primitive)
    if let kept = derived[key] { return kept }
    let made = make()
    derived[key] = made
    return made
  }

  /// To be called whenever the values change in place: what was derived from them no longer holds.
  package func invalidate() { derived.removeAll() }
}
