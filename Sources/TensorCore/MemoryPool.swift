import CKernels
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

  /// A block for `count` floats and its size in bytes, which `giveBack` wants to know.
  func take(_ count: Int) -> (pointer: UnsafeMutablePointer<Float>, bytes: Int) {
    let bytes = Self.roundedBytes(count)
    lock.lock()
    defer { lock.unlock() }
    // The fitting size, or one of the next few: a somewhat larger free block is better than more from the system.
    var size = bytes
    while size <= bytes + bytes / 2 {
      if let block = free[size]?.popLast() { return (block, size) }
      size = Self.roundedBytes(size / MemoryLayout<Float>.stride + 1)
    }
    let large = bytes >= 2 << 20
    // Linux promises more than there is and kills whoever takes it at its word, so a large block is asked about first.
    if bytes >= 64 << 20, let available = SystemMemory.available, bytes > available { dk_exhausted(bytes) }
    var raw: UnsafeMutableRawPointer?
    let status = posix_memalign(&raw, large ? 2 << 20 : 64, bytes)
    guard status == 0, let raw else { dk_exhausted(bytes) }
    if large { madvise(raw, bytes, 14 /* MADV_HUGEPAGE */) }
    bytesFromSystem += bytes
    return (raw.bindMemory(to: Float.self, capacity: bytes / 4), bytes)
  }

  func giveBack(_ pointer: UnsafeMutablePointer<Float>, bytes: Int) {
    lock.lock()
    free[bytes, default: []].append(pointer)
    lock.unlock()
  }
}
