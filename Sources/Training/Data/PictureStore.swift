import Files
import Foundation
import Pictures

/// The training pictures at the training size, decoded once and kept as bytes while there is room.
public final class PictureStore {
  private let items: [ImageFolder.Item]
  let resolution: Int
  private let crop: TrainingOptions.CropMode
  private var cache: [Picture?]
  private var room: Int

  /// - Parameter budget: bytes of pictures to keep; beyond it they are decoded each time.
  public init(
    _ folder: ImageFolder, resolution: Int, crop: TrainingOptions.CropMode, budget: Int = 2 << 30
  ) {
    items = folder.items
    self.resolution = resolution
    self.crop = crop
    cache = Array(repeating: nil, count: items.count)
    room = budget
  }

  /// How many pictures there are.
  public var count: Int { items.count }

  /// The class of a picture.
  func classIndex(_ index: Int) -> Int? { items[index].classIndex }

  /// What tells one set of pictures from another: paths and contents of the files, and how they are cut.
  private(set) lazy var fingerprint = SHA256.hex(of: "\(contents) \(resolution) \(crop.rawValue)")

  /// The same of the files alone: their paths and every byte of them.
  public private(set) lazy var contents = SHA256.hex(
    of: items.map { "\($0.path) \((try? SHA256.hex(of: $0.url)) ?? "unreadable")" }.joined(separator: "\n"))

  /// A picture's planes `[3, R, R]` in [-1, 1].
  ///
  /// - Parameters:
  ///   - place: where a random crop lies, as fractions of the room there is.
  ///   - mirrored: left for right.
  /// - Throws: `PictureError`.
  public func planes(_ index: Int, place: (x: Float, y: Float), mirrored: Bool) throws -> [Float] {
    let picture = try decoded(index)
    let square =
      crop == .random
      ? picture.cropped(
        width: resolution, height: resolution, at: .at(x: Double(place.x), y: Double(place.y))) : picture
    var planes = square.planarFloats()
    if mirrored {
      for row in stride(from: 0, to: planes.count, by: resolution) {
        planes[row..<row + resolution].reverse()
      }
    }
    return planes
  }

  /// Cropped already where the crop is fixed; with the shorter side at the resolution where it is not.
  private func decoded(_ index: Int) throws -> Picture {
    if let picture = cache[index] { return picture }
    let whole = try DecodedPicture(contentsOf: items[index].url).picture
    let shorter = min(whole.width, whole.height)
    let picture =
      switch crop {
      case .center: whole.resizedToFill(width: resolution, height: resolution)
      case .random:
        whole.resized(
          width: max(resolution, whole.width * resolution / shorter),
          height: max(resolution, whole.height * resolution / shorter))
      }
    if picture.pixels.count <= room {
      room -= picture.pixels.count
      cache[index] = picture
    }
    return picture
  }
}

extension SHA256 {
  fileprivate static func hex(of text: String) -> String {
    var hash = SHA256()
    hash.update(Array(text.utf8))
    return hash.finished()
  }
}
