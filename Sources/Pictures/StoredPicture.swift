/// A picture as its file holds it: its own bit depth and mode, nothing rounded, nothing laid over a background.
///
/// `Picture` is what networks see; this is what an edited file must agree with where nobody edited it.
public struct StoredPicture: Sendable, Hashable {
  /// What a pixel consists of.
  public enum Mode: String, Sendable, Hashable, CaseIterable {
    /// One grey sample.
    case grey
    /// Grey and opacity.
    case greyAlpha
    /// Red, green, blue.
    case rgb
    /// Red, green, blue and opacity.
    case rgba
    /// An index into `palette`.
    case palette

    /// Samples a pixel.
    public var channels: Int {
      switch self {
      case .grey, .palette: 1
      case .greyAlpha: 2
      case .rgb: 3
      case .rgba: 4
      }
    }

    /// Whether a pixel has an opacity of its own.
    public var hasAlpha: Bool { self == .greyAlpha || self == .rgba }

    /// Whether pixels have no hue.
    public var isGrey: Bool { self == .grey || self == .greyAlpha }
  }

  /// One colour of a palette.
  public struct PaletteEntry: Sendable, Hashable {
    /// The colour.
    public var color: RGB
    /// Its opacity, 255 for opaque.
    public var alpha: UInt8

    /// A colour and its opacity.
    public init(_ color: RGB, alpha: UInt8 = 255) {
      self.color = color
      self.alpha = alpha
    }
  }

  /// A pixel's colour and opacity, each from 0 to 65,535, which every depth that PNG knows divides evenly.
  public struct Color: Sendable, Hashable {
    /// Red, green, blue and opacity.
    public var red, green, blue, alpha: UInt16
  }

  /// Width in pixels, at least 1.
  public let width: Int
  /// Height in pixels, at least 1.
  public let height: Int
  /// What a pixel consists of.
  public let mode: Mode
  /// Bits a sample: 1, 2, 4, 8 or 16.
  public let bitDepth: Int
  /// `height × width × mode.channels` samples, each below `2^bitDepth`; rows from the top.
  public let samples: [UInt16]
  /// The colours of `.palette`; otherwise empty. An index beyond them is black.
  public let palette: [PaletteEntry]
  /// The one transparent colour that a picture of `.grey` or `.rgb` may have, a sample a channel.
  public let transparentColor: [UInt16]?
  /// The file's texts.
  public var texts: [TextChunk] = []
  /// The chunks that say what the samples' colours mean (`iCCP`, `gAMA` and their like), as they are in the file.
  var colorChunks: [PNGChunk] = []

  /// A picture of given samples.
  public init(
    width: Int, height: Int, mode: Mode, bitDepth: Int, samples: [UInt16], palette: [PaletteEntry] = [],
    transparentColor: [UInt16]? = nil
  ) {
    precondition(width > 0 && height > 0, "a picture of \(width)×\(height)")
    precondition(samples.count == width * height * mode.channels, "\(samples.count) samples")
    precondition(Self.depths(of: mode).contains(bitDepth), "\(bitDepth) bits of \(mode)")
    precondition((mode == .palette) == !palette.isEmpty && palette.count <= 256, "\(palette.count) colours")
    precondition(transparentColor.map { !mode.hasAlpha && $0.count == mode.channels } ?? true)
    self.width = width
    self.height = height
    self.mode = mode
    self.bitDepth = bitDepth
    self.samples = samples
    self.palette = palette
    self.transparentColor = transparentColor
  }

  /// The depths that PNG has for a mode.
  public static func depths(of mode: Mode) -> [Int] {
    switch mode {
    case .grey: [1, 2, 4, 8, 16]
    case .palette: [1, 2, 4, 8]
    case .greyAlpha, .rgb, .rgba: [8, 16]
    }
  }

  /// The greatest sample.
  package var top: UInt16 { UInt16(truncatingIfNeeded: 1 << bitDepth - 1) }

  /// The samples of pixel number `index`, counted row by row.
  package func pixel(_ index: Int) -> ArraySlice<UInt16> {
    samples[index * mode.channels..<(index + 1) * mode.channels]
  }

  /// The colour of the pixel in column `x` and row `y`.
  public subscript(x: Int, y: Int) -> Color {
    precondition(0..<width ~= x && 0..<height ~= y, "pixel (\(x), \(y)) of \(width)×\(height)")
    return color(y * width + x)
  }

  /// The colour of pixel number `index`.
  package func color(_ index: Int) -> Color {
    let at = index * mode.channels
    if mode == .palette {
      let entry = Int(samples[at])
      guard entry < palette.count else { return Color(red: 0, green: 0, blue: 0, alpha: .max) }
      let (color, alpha) = (palette[entry].color, palette[entry].alpha)
      return Color(
        red: UInt16(color.red) * 257, green: UInt16(color.green) * 257, blue: UInt16(color.blue) * 257,
        alpha: UInt16(alpha) * 257)
    }
    let scale = UInt16.max / top
    let red = samples[at] * scale
    var alpha = UInt16.max
    if mode.hasAlpha {
      alpha = samples[at + mode.channels - 1] * scale
    } else if let transparentColor, transparentColor.elementsEqual(pixel(index)) {
      alpha = 0
    }
    return mode.isGrey
      ? Color(red: red, green: red, blue: red, alpha: alpha)
      : Color(red: red, green: samples[at + 1] * scale, blue: samples[at + 2] * scale, alpha: alpha)
  }

  /// Whether any pixel can be other than opaque.
  public var hasTransparency: Bool {
    mode.hasAlpha || transparentColor != nil || palette.contains { $0.alpha < 255 }
  }

  /// Mode and depth in words, such as `16-bit RGB`.
  public var kind: String {
    let name =
      switch mode {
      case .grey: "grey"
      case .greyAlpha: "grey with alpha"
      case .rgb: "RGB"
      case .rgba: "RGBA"
      case .palette: "palette"
      }
    return "\(bitDepth)-bit \(name)"
  }

  /// This picture in 8-bit RGB, its transparency laid over `background`: the bytes that `DecodedPicture` has.
  public func picture(over background: RGB = .white) -> Picture {
    var pixels: [UInt8] = []
    pixels.reserveCapacity(width * height * 3)
    for index in 0..<width * height {
      let color = color(index)
      let alpha = UInt32(Self.byte(color.alpha))
      for (value, ground) in [
        (color.red, background.red), (color.green, background.green), (color.blue, background.blue),
      ] {
        pixels.append(UInt8((UInt32(Self.byte(value)) * alpha + UInt32(ground) * (255 - alpha) + 127) / 255))
      }
    }
    return Picture(width: width, height: height, pixels: pixels)
  }

  /// 16 bits to 8, rounded to the nearest.
  static func byte(_ value: UInt16) -> UInt8 { UInt8((UInt32(value) * 255 + 32_767) / 65_535) }
}
