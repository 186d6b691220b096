import Foundation

/// How files are decoded.
public struct DecodingOptions: Sendable, Hashable {
  /// What transparent pixels are laid over.
  public var background: RGB
  /// Whether the EXIF orientation is applied.
  public var appliesOrientation: Bool
  /// What is refused before anything is allocated.
  public var limits: PictureLimits

  /// Options; by default transparency becomes white and pictures are turned upright.
  public init(
    background: RGB = .white, appliesOrientation: Bool = true, limits: PictureLimits = PictureLimits()
  ) {
    self.background = background
    self.appliesOrientation = appliesOrientation
    self.limits = limits
  }
}

/// A picture read from a file, with what the file was like before it became 8-bit RGB.
public struct DecodedPicture: Sendable {
  /// The pixels: opaque, upright, 8-bit RGB.
  public var picture: Picture
  /// The format that the bytes have, whatever the name says.
  public var format: PictureFormat
  /// Whether the file name's extension promises that format.
  public var extensionMatches: Bool
  /// Whether there was an alpha channel or a transparent colour.
  public var hadAlpha: Bool
  /// Whether the file stored grey values only.
  public var wasGrey: Bool
  /// Whether the file stored ink (CMYK), whose colours can only be approximated.
  public var wasCMYK: Bool
  /// Bits a channel as stored: 1, 2, 4, 8 or 16.
  public var bitDepth: Int
  /// The EXIF orientation; `.upright` without one.
  public var orientation: Orientation
  /// Width as stored, before the orientation is applied.
  public var storedWidth: Int
  /// Height as stored, before the orientation is applied.
  public var storedHeight: Int
  /// The PNG's text chunks in the file's order; a JPEG's comments, and its EXIF user comment as `parameters` where it
  /// reads as such.
  public var texts: [TextChunk]

  /// Reads and decodes a file.
  ///
  /// - Throws: `PictureError` with the path as the user gave it.
  public init(contentsOf url: URL, options: DecodingOptions = DecodingOptions()) throws(PictureError) {
    try self.init(bytes: Self.bytes(of: url), file: url.relativePath, options: options)
  }

  /// Decodes a file that is in memory.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - file: its name, for the extension and for errors.
  public init(
    bytes: [UInt8], file: String, options: DecodingOptions = DecodingOptions()
  ) throws(PictureError) {
    let format = try Self.format(of: bytes, file: file)
    switch format {
    case .png: self = try PNGDecoder.decode(bytes, file: file, options: options)
    case .jpeg: self = try JPEGDecoder.decode(bytes, file: file, options: options)
    }
    let promised = PictureFormat(extension: URL(fileURLWithPath: file).pathExtension)
    extensionMatches = promised == format
    if options.appliesOrientation { picture = picture.applying(orientation) }
  }

  init(picture: Picture, format: PictureFormat, bitDepth: Int, orientation: Orientation) {
    self.picture = picture
    self.format = format
    extensionMatches = true
    hadAlpha = false
    wasGrey = false
    wasCMYK = false
    self.bitDepth = bitDepth
    self.orientation = orientation
    storedWidth = picture.width
    storedHeight = picture.height
    texts = []
  }

  /// What the bytes are, whatever the name says.
  static func format(of bytes: [UInt8], file: String) throws(PictureError) -> PictureFormat {
    switch Signature(bytes) {
    case .picture(let known): return known
    case .foreign(let name): throw PictureError(.foreignFormat(name: name), file: file)
    case .text where bytes.isEmpty: throw PictureError(.empty, file: file)
    case .text: throw PictureError(.text, file: file)
    case .unknown: throw PictureError(.unknownFormat, file: file)
    }
  }

  /// All bytes of a regular file. A pipe named `.png` would block for ever, hence the check of its kind.
  static func bytes(of url: URL) throws(PictureError) -> [UInt8] {
    let file = url.relativePath
    var status = stat()
    guard stat(url.path, &status) == 0 else {
      // A name that is no text was listed with a sign in place of what is none, and is another then.
      let isMisread = errno == ENOENT && file.contains("\u{FFFD}")
      throw PictureError(
        .unreadable(reason: isMisread ? "its name is no text in UTF-8; rename it" : SystemError.text),
        file: file)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      let isFolder = status.st_mode & S_IFMT == S_IFDIR
      throw PictureError(.unreadable(reason: isFolder ? "it is a folder" : "it is no file"), file: file)
    }
    let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw PictureError(.unreadable(reason: SystemError.text), file: file)
    }
    defer { close(descriptor) }
    var failure: String?
    let size = Int(status.st_size)
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      while count < size {
        let got = read(descriptor, buffer.baseAddress.map { $0 + count }, size - count)
        if got < 0 && errno == EINTR { continue }
        if got < 0 { failure = SystemError.text }
        if got <= 0 { break }
        count += got
      }
    }
    if let failure { throw PictureError(.unreadable(reason: failure), file: file) }
    return bytes
  }
}

/// The system's own words for the last failed call.
enum SystemError {
  static var text: String { text(of: errno) }

  static func text(of code: Int32) -> String {
    // The reentrant form: pictures are decoded on several threads.
    var buffer = [CChar](repeating: 0, count: 256)
    guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
    let text = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    return text.prefix(1).lowercased() + text.dropFirst()
  }
}
