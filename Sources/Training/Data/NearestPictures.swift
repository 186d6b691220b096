import Foundation
import Pictures

/// Pictures of a folder that come nearest to another: whether a model draws what it learned from, or copies of it.
///
/// The distance is the root of the mean square of the differences of 8-bit values, both brought to one size.
public struct NearestPictures {
  /// One of the folder's pictures.
  public struct Neighbour: Sendable, Equatable {
    /// Its number in the folder.
    public let index: Int
    /// 0 for the same picture, 255 for black and white.
    public let distance: Double
  }

  private let pictures: [[UInt8]]
  private let size: (width: Int, height: Int)

  /// Opens every picture of a folder.
  ///
  /// - Parameter size: what pictures are brought to, in pixels.
  /// - Throws: `PictureError`.
  public init(_ folder: ImageFolder, size: (width: Int, height: Int)) throws {
    self.size = size
    pictures = try folder.items.map {
      Self.values(try DecodedPicture(contentsOf: $0.url).picture, size)
    }
  }

  /// The nearest, the nearest of all first; of two at one distance the one before in the folder.
  public func callAsFunction(_ picture: Picture, count: Int) -> [Neighbour] {
    let own = Self.values(picture, size)
    let all = pictures.enumerated().map { Neighbour(index: $0, distance: Self.distance(own, $1)) }
    return Array(all.sorted { ($0.distance, $0.index) < ($1.distance, $1.index) }.prefix(count))
  }

  private static func values(_ picture: Picture, _ size: (width: Int, height: Int)) -> [UInt8] {
    picture.resizedToFill(width: size.width, height: size.height).pixels
  }

  private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Double {
    var sum = 0
    for i in a.indices {
      let difference = Int(a[i]) - Int(b[i])
      sum += difference * difference
    }
    return (Double(sum) / Double(max(1, a.count))).squareRoot()
  }
}
