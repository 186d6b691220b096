import Foundation
import Synchronization

/// The memory behind one or more tensors: `count` floats from the pool, given back when nothing refers to it.
///
/// Values that a file holds can be let go while copies of them in other layouts serve, so that a weight is in memory in one
/// form; whoever asks for them again has them read again.
package final class Storage {
  package let count: Int
  private let memory: Atomic<UnsafeMutablePointer<Float>?>
  private var bytes: Int
  /// Writes the values anew; nil where nobody else has them.
  private var refill: ((UnsafeMutablePointer<Float>) -> Void)?
  /// Copies of a weight in the layouts that primitives asked for, kept until the weight changes.
  private var derived: [ObjectIdentifier: Storage] = [:]

  // One for all: it is taken only where values were let go.
  private static let lock = NSLock()

  package init(count: Int) {
    self.count = count
    let (pointer, bytes) = MemoryPool.shared.take(count)
    memory = Atomic(pointer)
    self.bytes = bytes
  }

  deinit {
    if let pointer = memory.load(ordering: .acquiring) { MemoryPool.shared.giveBack(pointer, bytes: bytes) }
  }

  /// 64-byte aligned; uninitialised when made.
  package var pointer: UnsafeMutablePointer<Float> { memory.load(ordering: .acquiring) ?? restored() }

  /// The copy kept for `primitive`, made by `make` the first time.
  func derived(for primitive: AnyObject, make: () -> Storage) -> Storage {
    let key = ObjectIdentifier(primitive)
    if let cached = derived[key] { return cached }
    let made = make()
    derived[key] = made
    letGo()
    return made
  }

  /// To be called whenever the values change in place: what was derived from them no longer holds, nor what a file says.
  package func invalidate() {
    derived.removeAll()
    refill = nil
  }

  /// Says who can write the values anew, on any thread, until they change.
  func canRefill(_ refill: @escaping (UnsafeMutablePointer<Float>) -> Void) { self.refill = refill }

  /// Whether the values are in memory.
  package var isResident: Bool { memory.load(ordering: .acquiring) != nil }

  /// Gives the memory back until somebody asks for the values, where they can be had again and are not few.
  package func letGo() {
    guard refill != nil, count >= 1 << 12 else { return }
    Self.lock.lock()
    defer { Self.lock.unlock() }
    guard let pointer = memory.exchange(nil, ordering: .acquiringAndReleasing) else { return }
    MemoryPool.shared.giveBack(pointer, bytes: bytes)
  }

  private func restored() -> UnsafeMutablePointer<Float> {
    Self.lock.lock()
    defer { Self.lock.unlock() }
    // Another thread may have been first.
    if let pointer = memory.load(ordering: .acquiring) { return pointer }
    guard let refill else { preconditionFailure("values were let go that nobody can write anew") }
    let (pointer, bytes) = MemoryPool.shared.take(count)
    refill(pointer)
    self.bytes = bytes
    memory.store(pointer, ordering: .releasing)
    return pointer
  }
}
