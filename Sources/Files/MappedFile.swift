import Foundation

/// A file's bytes as the system's own memory of it, without a copy.
///
/// The file must not be shortened meanwhile: what is written by this program is renamed into its place and leaves what was
/// there as it is.
public final class MappedFile: @unchecked Sendable {  // nothing is ever written
  /// All of it.
  public let bytes: UnsafeRawBufferPointer

  /// - Parameters:
  ///   - descriptor: an open file, which may be closed afterwards.
  ///   - size: how many bytes it has; more than 0.
  /// - Returns: nil where the system refuses, `errno` saying why.
  public init?(descriptor: Int32, size: Int) {
    guard let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
      return nil
    }
    bytes = UnsafeRawBufferPointer(start: start, count: size)
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }

  /// Says that `range` was read and is not needed soon: the process then no longer counts it as its own, and the system may
  /// still have it at hand.
  public func letGo(_ range: Range<Int>) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    // Pages at the ends may be another's too.
    let (first, end) = ((range.lowerBound + page - 1) / page * page, range.upperBound / page * page)
    guard first < end, let start = bytes.baseAddress else { return }
    madvise(UnsafeMutableRawPointer(mutating: start + first), end - first, Int32(MADV_DONTNEED))
  }
}
