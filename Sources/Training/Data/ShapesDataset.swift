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
    /// The shape's edge, white on black: what steers a ControlNet to the picture.
    public let outline: Picture
  }

  /// How many pictures there are; classes take turns.
  public let count: Int
  /// Pixels a side.
  public let size: Int
  /// What the pictures are drawn from.
  public let seed: UInt64
  /// How large shapes are and how far from the middle.
  public let layout: Layout

  /// How large shapes are, as fractions of the side, and how far from the middle both ways.
  public enum Layout: String, Sendable, CaseIterable {
    /// Large, about the middle.
    case centered
    /// Smaller, anywhere: where they are tells something.
    case scattered

    var radius: ClosedRange<Double> { self == .centered ? 0.3...0.42 : 0.18...0.28 }
    var offset: ClosedRange<Double> { self == .centered ? -0.07...0.07 : -0.22...0.22 }
  }

  /// A data set to be drawn.
  ///
  /// - Parameters:
  ///   - count: pictures in all, at least 1.
  ///   - size: pixels a side, at least 8.
  ///   - seed: another seed gives other pictures.
  ///   - layout: how large shapes are, and where.
  public init(count: Int = 1024, size: Int = 32, seed: UInt64 = 0, layout: Layout = .centered) {
    precondition(count > 0, "\(count) pictures")
    precondition(size >= 8, "shapes of \(size) pixels cannot be told apart")
    self.count = count
    self.size = size
    self.seed = seed
    self.layout = layout
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
    let (color, ground) = (
      Self.jittered(pair.shape.color, &generator), Self.jittered(pair.ground.color, &generator)
    )
    let coverage = coverage(
      of: shape, radius: generator.uniform(layout.radius), x: generator.uniform(layout.offset),
      y: generator.uniform(layout.offset))
    let number = String(index / ShapeClass.allCases.count)
    return Example(
      picture: painted(coverage, color, on: ground), shape: shape,
      caption: "\(pair.shape.withArticle) \(shape) on \(pair.ground.withArticle) background",
      path: "\(shape)/\(String(repeating: "0", count: max(0, 4 - number.count)))\(number).png",
      outline: outline(coverage))
  }

  /// Draws all pictures into class folders of `folder`, with their captions in `metadata.jsonl`.
  ///
  /// - Parameter outlines: a folder for the shapes' edges, of the same names; nil for none.
  /// - Throws: `FileError`.
  public func write(to folder: URL, outlines: URL? = nil) throws {
    var captions = ""
    for place in [folder, outlines].compactMap({ $0 }) {
      for shape in ShapeClass.allCases.prefix(count) {
        try AtomicFile.makeFolder(place.appendingPathComponent("\(shape)"))
      }
    }
    for index in 0..<count {
      let example = example(index)
      try example.picture.write(to: folder.appendingPathComponent(example.path))
      if let outlines { try example.outline.write(to: outlines.appendingPathComponent(example.path)) }
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

  /// 8×8 samples a pixel: 64 steps of coverage look smooth.
  private static let samples = 8

  /// How many of each pixel's samples a shape covers, row by row.
  ///
  /// - Parameters: radius and centre are fractions of the side; the centre is counted from the middle.
  private func coverage(of shape: ShapeClass, radius: Double, x centerX: Double, y centerY: Double) -> [Int] {
    let samples = Self.samples
    func place(_ pixel: Int, _ sample: Int, _ center: Double) -> Double {
      let position = (Double(pixel) + (Double(sample) + 0.5) / Double(samples)) / Double(size)
      return (position - 0.5 - center) / radius
    }
    return (0..<size * size).map { pixel in
      var covered = 0
      for j in 0..<samples {
        let y = -place(pixel / size, j, centerY)
        for i in 0..<samples where shape.contains(place(pixel % size, i, centerX), y) { covered += 1 }
      }
      return covered
    }
  }

  private func painted(_ coverage: [Int], _ color: RGB, on ground: RGB) -> Picture {
    let whole = Self.samples * Self.samples
    let pixels = coverage.flatMap { covered in
      [(color.red, ground.red), (color.green, ground.green), (color.blue, ground.blue)].map {
        inside, outside in
        UInt8((Int(inside) * covered + Int(outside) * (whole - covered) + whole / 2) / whole)
      }
    }
    return Picture(width: size, height: size, pixels: pixels)
  }

  /// White where a pixel that lies inside, by more than half, has a neighbour that does not.
  private func outline(_ coverage: [Int]) -> Picture {
    func isInside(_ x: Int, _ y: Int) -> Bool {
      (0..<size).contains(x) && (0..<size).contains(y)
        && 2 * coverage[y * size + x] > Self.samples * Self.samples
    }
    var picture = Picture(width: size, height: size, color: .black)
    for y in 0..<size {
      for x in 0..<size where isInside(x, y) {
        let isEdge = !(isInside(x - 1, y) && isInside(x + 1, y) && isInside(x, y - 1) && isInside(x, y + 1))
        if isEdge { picture[x, y] = .white }
      }
    }
    return picture
  }
}
