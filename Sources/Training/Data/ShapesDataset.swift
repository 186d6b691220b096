import Files
import Foundation
import Pictures

/// The data set that Darkroom draws itself: one shape on a plain ground, in eight classes.
///
/// Picture i depends on (seed, i, size) only, so a larger data set begins with the smaller one.
public struct ShapesDataset: Sendable {
  /// One picture of the data set.
  public struct Example: Sendable {
    /// What was drawn.
    public let picture: Picture
    /// Its class.
    public let shape: ShapeClass
    /// Such as "a red circle on a blue background".
    public let caption: String
    /// Such as `circle/0001.png`.
    public let path: String
  }

  /// How many pictures there are; classes take turns.
  public let count: Int
  /// Pixels a side.
  public let size: Int
  /// What the pictures are drawn from.
  public let seed: UInt64

  /// A data set to be drawn.
  ///
  /// - Parameters:
  ///   - count: pictures in all, at least 1.
  ///   - size: pixels a side, at least 8.
  ///   - seed: another seed gives other pictures.
  public init(count: Int = 1024, size: Int = 32, seed: UInt64 = 0) {
    precondition(count > 0, "\(count) pictures")
    precondition(size >= 8, "shapes of \(size) pixels cannot be told apart")
    self.count = count
    self.size = size
    self.seed = seed
  }

  private struct NamedColor {
    let name: String
    let color: RGB

    var withArticle: String { (name.hasPrefix("o") ? "an " : "a ") + name }
  }

  private static let colors = [
    NamedColor(name: "red", color: RGB(220, 40, 40)),
    NamedColor(name: "orange", color: RGB(245, 140, 30)),
    NamedColor(name: "yellow", color: RGB(245, 220, 50)),
    NamedColor(name: "green", color: RGB(40, 160, 70)),
    NamedColor(name: "cyan", color: RGB(70, 205, 220)),
    NamedColor(name: "blue", color: RGB(40, 80, 210)),
    NamedColor(name: "purple", color: RGB(130, 50, 170)),
    NamedColor(name: "pink", color: RGB(245, 140, 185)),
    NamedColor(name: "white", color: RGB(240, 240, 240)),
    NamedColor(name: "black", color: RGB(20, 20, 20)),
  ]

  /// Pairs that are easily told apart: at least 200 of the 442 that lie between black and white.
  private static let pairs: [(shape: NamedColor, ground: NamedColor)] = colors.flatMap { shape in
    colors.filter { distance($0.color, shape.color) >= 200 }.map { (shape, $0) }
  }

  private static func distance(_ a: RGB, _ b: RGB) -> Double {
    let red = Double(a.red) - Double(b.red)
    let green = Double(a.green) - Double(b.green)
    let blue = Double(a.blue) - Double(b.blue)
    return (red * red + green * green + blue * blue).squareRoot()
  }

  /// The picture with index `index`, from 0 to `count - 1`.
  public func example(_ index: Int) -> Example {
    precondition(0..<count ~= index, "picture \(index) of \(count)")
    // Indices are spread by an odd multiplier first: two seeds' pictures are then not each other's neighbours.
    var mixer = SplitMix64(seed: seed)
    var generator = SplitMix64(seed: mixer.next() ^ UInt64(index) &* 0xD134_2543_DE82_EF95)
    let shape = ShapeClass.allCases[index % ShapeClass.allCases.count]
    let pair = Self.pairs[generator.below(Self.pairs.count)]
    let picture = draw(
      shape, in: Self.jittered(pair.shape.color, &generator),
      on: Self.jittered(pair.ground.color, &generator),
      radius: generator.uniform(0.3...0.42), x: generator.uniform(-0.07...0.07),
      y: generator.uniform(-0.07...0.07))
    let number = String(index / ShapeClass.allCases.count)
    return Example(
      picture: picture, shape: shape,
      caption: "\(pair.shape.withArticle) \(shape) on \(pair.ground.withArticle) background",
      path: "\(shape)/\(String(repeating: "0", count: max(0, 4 - number.count)))\(number).png")
  }

  /// Draws all pictures into class folders of `folder`, with their captions in `metadata.jsonl`.
  ///
  /// - Throws: `FileError`.
  public func write(to folder: URL) throws {
    var captions = ""
    for shape in ShapeClass.allCases.prefix(count) {
      try AtomicFile.makeFolder(folder.appendingPathComponent("\(shape)"))
    }
    for index in 0..<count {
      let example = example(index)
      try example.picture.write(to: folder.appendingPathComponent(example.path))
      captions += #"{"file_name": "\#(example.path)", "text": "\#(example.caption)"}"# + "\n"
    }
    try AtomicFile.write(Data(captions.utf8), to: folder.appendingPathComponent("metadata.jsonl"))
  }

  /// Up to 14 levels off in each channel, so that a colour's name covers more than one colour.
  private static func jittered(_ color: RGB, _ generator: inout SplitMix64) -> RGB {
    func shifted(_ channel: UInt8) -> UInt8 {
      UInt8(max(0, min(255, Int(channel) + generator.below(29) - 14)))
    }
    return RGB(shifted(color.red), shifted(color.green), shifted(color.blue))
  }

  /// - Parameters: radius and centre are fractions of the side; the centre is counted from the middle.
  private func draw(
    _ shape: ShapeClass, in color: RGB, on ground: RGB, radius: Double, x centerX: Double, y centerY: Double
  ) -> Picture {
    // 8×8 samples a pixel: 64 steps of coverage look smooth.
    let samples = 8
    var picture = Picture(width: size, height: size, color: ground)
    func place(_ pixel: Int, _ sample: Int, _ center: Double) -> Double {
      let position = (Double(pixel) + (Double(sample) + 0.5) / Double(samples)) / Double(size)
      return (position - 0.5 - center) / radius
    }
    for row in 0..<size {
      for column in 0..<size {
        var covered = 0
        for j in 0..<samples {
          let y = -place(row, j, centerY)
          for i in 0..<samples where shape.contains(place(column, i, centerX), y) { covered += 1 }
        }
        func mixed(_ inside: UInt8, _ outside: UInt8) -> UInt8 {
          let whole = samples * samples
          return UInt8((Int(inside) * covered + Int(outside) * (whole - covered) + whole / 2) / whole)
        }
        picture[column, row] = RGB(
          mixed(color.red, ground.red), mixed(color.green, ground.green), mixed(color.blue, ground.blue))
      }
    }
    return picture
  }
}
