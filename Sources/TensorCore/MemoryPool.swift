import Foundation

/// Free blocks by size, so that a step's temporaries reuse the memory of the step before.
///
/// Sizes are rounded up to an eighth of their power of two, which bounds the waste at 12.5 % while letting
/// differently shaped tensors share blocks. Blocks of 2 MiB and more ask for huge pages: a feature map then costs
/// few address translations.
package final class MemoryPool: @unchecked Sendable {  // every access to the state is under `lock`
  package static let shared = MemoryPool()

  private var free: [Int: [UnsafeMutablePointer<Float>]] = [:]
  private let lock = NSLock()
  private(set) var bytesFromSystem = 0

  static func roundedBytes(_ count: Int) -> Int {
    let bytes = max(count * MemoryLayout<Float>.stride, 256)
    let power = 1 << (Int.bitWidth - 1 - bytes.leadingZeroBitCount)
    let step = max(power / 8, 64)
    return (bytes + step - 1) / step * step
  }

  func take(_ count: Int) -> UnsafeMutablePointer<Float> {
    let bytes = Self.roundedBytes(count)
    lock.lock()
    defer { lock.unlock() }
    if let block = free[bytes]?.popLast() { return block }
    let large = bytes >= 2 << 20
    var raw: UnsafeMutableRawPointer?
    let status = posix_memalign(&raw, large ? 2 << 20 : 64, bytes)
    guard status == 0, let raw else {
      fatalError(
        "out of memory: \(bytes >> 20) MiB more were needed, \(bytesFromSystem >> 20) MiB are in use")
    }
    if large { madvise(raw, bytes, 14 /* MADV_HUGEPAGE */) }
    bytesFromSystem += bytes
    return raw.bindMemory(to: Float.self, capacity: bytes / 4)
  }

  func giveBack(_ pointer: UnsafeMutablePointer<Float>, _ count: Int) {
    lock.lock()
    free[Self.roundedBytes(count), default: []].append(pointer)
    lock.unlock()
  }

  /// Returns every free block to the system.
  package func drain() {
    lock.lock()
    for (bytes, blocks) in free {
      for block in blocks {
        Foundation.free(block)
        bytesFromSystem -= bytes
      }
    }
    free.removeAll()
    lock.unlock()
  }
}
