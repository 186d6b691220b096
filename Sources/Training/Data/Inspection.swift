import Foundation
import Pictures

/// What one look at a picture leaves behind, its pixels not kept.
struct Inspection: Sendable {
  let width: Int
  let height: Int
  let digest: PixelDigest
  private let decoded: Facts

  private struct Facts {
    let format: PictureFormat
    let extensionMatches: Bool
    let hadAlpha: Bool
    let wasGrey: Bool
    let wasCMYK: Bool
    let orientation: Orientation
  }

  init(_ decoded: DecodedPicture) {
    width = decoded.picture.width
    height = decoded.picture.height
    digest = PixelDigest(decoded.picture)
    self.decoded = Facts(
      format: decoded.format, extensionMatches: decoded.extensionMatches, hadAlpha: decoded.hadAlpha,
      wasGrey: decoded.wasGrey, wasCMYK: decoded.wasCMYK, orientation: decoded.orientation)
  }

  /// Decodes every item, on all cores; results stand in the order of the items.
  static func all(
    _ items: [ImageFolder.Item], options: DecodingOptions, progress: (@Sendable (Int) -> Void)?
  ) -> [Result<Inspection, PictureError>] {
    let collector = Collector(count: items.count, progress: progress)
    DispatchQueue.concurrentPerform(iterations: items.count) { index in
      let result = Result { () throws(PictureError) in
        Inspection(try DecodedPicture(contentsOf: items[index].url, options: options))
      }
      collector.put(result, at: index)
    }
    return collector.results
  }

  func problems(resolution: Int) -> [FolderCheck.Problem] {
    var problems: [FolderCheck.Problem] = []
    let (shorter, longer) = (min(width, height), max(width, height))
    if !decoded.extensionMatches { problems.append(.mislabelled(actually: decoded.format)) }
    if shorter * 4 < resolution {
      problems.append(.tooSmall(width: width, height: height))
    } else if shorter < resolution {
      problems.append(.small(width: width, height: height))
    }
    if longer > 3 * shorter { problems.append(.extremeAspect(width: width, height: height)) }
    if width * height > 24_000_000 { problems.append(.huge(width: width, height: height)) }
    if decoded.hadAlpha { problems.append(.alpha) }
    if decoded.wasGrey { problems.append(.grey) }
    if decoded.wasCMYK { problems.append(.cmyk) }
    if decoded.orientation != .upright { problems.append(.rotated(decoded.orientation)) }
    return problems
  }

  /// Results from several threads.
  ///
  /// `@unchecked Sendable` because all that changes does so under the lock.
  private final class Collector: @unchecked Sendable {
    private let lock = NSLock()
    private let progress: (@Sendable (Int) -> Void)?
    private var slots: [Result<Inspection, PictureError>?]
    private var done = 0

    init(count: Int, progress: (@Sendable (Int) -> Void)?) {
      slots = [Result<Inspection, PictureError>?](repeating: nil, count: count)
      self.progress = progress
    }

    var results: [Result<Inspection, PictureError>] { lock.withLock { slots.compactMap { $0 } } }

    func put(_ result: Result<Inspection, PictureError>, at index: Int) {
      lock.withLock {
        slots[index] = result
        done += 1
        // Under the lock, so that the numbers arrive in their order.
        progress?(done)
      }
    }
  }
}

/// 128 bits of a picture's size and pixels, to find duplicates. Not cryptographic: chance makes no two
/// pictures equal, malice could.
struct PixelDigest: Hashable, Sendable {
  private var low: UInt64
  private var high: UInt64

  init(_ picture: Picture) {
    // Two lanes of multiply and rotate over 8-byte words, with constants of xxHash64.
    var (a, b): (UInt64, UInt64) = (UInt64(picture.width), UInt64(picture.height))
    picture.pixels.withUnsafeBytes { bytes in
      func mix(_ word: UInt64) {
        a = Self.rotated((a ^ word) &* 0x9E37_79B1_85EB_CA87, by: 31)
        b = Self.rotated((b &+ word) &* 0xC2B2_AE3D_27D4_EB4F, by: 27) ^ a
      }
      let words = bytes.count / 8
      for index in 0..<words { mix(bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)) }
      for byte in bytes[(words * 8)...] { mix(UInt64(byte)) }
    }
    (low, high) = (a, b)
  }

  private static func rotated(_ value: UInt64, by count: UInt64) -> UInt64 {
    value << count | value >> (64 - count)
  }
}
