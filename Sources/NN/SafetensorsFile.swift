import Files
import Foundation
import TensorCore

/// An open safetensors file: its header is checked whole when it is opened, its tensors are read on demand.
///
/// The format: eight bytes of header length, a JSON header {key: {dtype, shape, data_offsets}}, then the data
/// (https://huggingface.co/docs/safetensors). Nothing in the file is trusted.
public final class SafetensorsFile {
  /// Where one tensor lies.
  public struct Entry: Sendable, Equatable {
    /// As the header names it: F32, F16, BF16, …
    public let type: String
    /// Its sizes.
    public let shape: [Int]
    /// Offsets in the file.
    let range: Range<Int>
  }

  /// Where it was opened.
  public let url: URL
  /// The header's `__metadata__`.
  public let metadata: [String: String]
  /// What it holds, by key.
  public let entries: [String: Entry]
  private let descriptor: Int32

  private static let bytesPerValue = [
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1,
    "F8_E4M3": 1, "F8_E5M2": 1, "U16": 2, "U32": 4, "U64": 8,
  ]

  /// Opens and checks a file.
  ///
  /// - Throws: `SafetensorsError`.
  public init(_ url: URL) throws {
    func failure(_ cause: SafetensorsError.Cause) -> SafetensorsError {
      SafetensorsError(file: url.relativePath, cause: cause)
    }
    let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(.unreadable(SystemError.text)) }
    var isKept = false
    defer { if !isKept { close(descriptor) } }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure(.unreadable(SystemError.text)) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw failure(.unreadable("it is not a regular file")) }
    let size = Int(status.st_size)
    guard size >= 8 else { throw failure(.tooShort(bytes: size)) }

    var length: UInt64 = 0
    try withUnsafeMutableBytes(of: &length) { try Self.read(descriptor, at: 0, into: $0, url) }
    length = UInt64(littleEndian: length)
    guard length <= UInt64(size - 8), length <= 100 << 20 else {
      throw failure(.headerTooLong(header: length, file: size))
    }
    var header = [UInt8](repeating: 0, count: Int(length))
    try header.withUnsafeMutableBytes { try Self.read(descriptor, at: 8, into: $0, url) }
    let parsed: [String: JSONHeaderValue]
    do {
      parsed = try JSONDecoder().decode([String: JSONHeaderValue].self, from: Data(header))
    } catch {
      throw failure(.malformedHeader)
    }

    var entries: [String: Entry] = [:]
    var metadata: [String: String] = [:]
    let dataStart = 8 + Int(length)
    for (key, value) in parsed {
      switch value {
      case .metadata(let texts): metadata = texts
      case .tensor(let type, let shape, let offsets):
        guard let width = Self.bytesPerValue[type] else {
          throw failure(.unsupportedType(key: key, type: type))
        }
        guard offsets.count == 2, 0 <= offsets[0], offsets[0] <= offsets[1], offsets[1] <= size - dataStart
        else {
          throw failure(.malformedEntry(key: key, what: "lies outside the file, which may be truncated"))
        }
        var bytes = width
        for dimension in shape {
          let (product, overflows) = bytes.multipliedReportingOverflow(by: dimension)
          guard dimension >= 0, !overflows else {
            throw failure(.malformedEntry(key: key, what: "has an impossible shape"))
          }
          bytes = product
        }
        guard bytes == offsets[1] - offsets[0] else {
          throw failure(
            .malformedEntry(key: key, what: "has \(offsets[1] - offsets[0]) bytes for a shape of \(bytes)"))
        }
        entries[key] = Entry(type: type, shape: shape, range: dataStart + offsets[0]..<dataStart + offsets[1])
      }
    }
    let sorted = entries.sorted {
      ($0.value.range.lowerBound, $0.value.range.upperBound)
        < ($1.value.range.lowerBound, $1.value.range.upperBound)
    }
    for (a, b) in zip(sorted, sorted.dropFirst()) where a.value.range.upperBound > b.value.range.lowerBound {
      throw failure(.malformedEntry(key: b.key, what: "overlaps '\(a.key)'"))
    }
    (self.url, self.metadata, self.entries, self.descriptor) = (url, metadata, entries, descriptor)
    isKept = true
  }

  deinit { close(descriptor) }

  /// The tensor of `key`, converted to f32. A scalar has the shape [1].
  ///
  /// - Throws: `SafetensorsError`.
  public func tensor(_ key: String) throws -> Tensor {
    guard let entry = entries[key] else {
      throw SafetensorsError(file: url.relativePath, cause: .missingKey(key))
    }
    let count = entry.shape.reduce(1, *)
    let shape = entry.shape.isEmpty ? [1] : entry.shape
    let tensor = Tensor(uninitialized: shape)
    if entry.type == "F32" {
      let target = UnsafeMutableRawBufferPointer(start: tensor.pointer, count: count * 4)
      try Self.read(descriptor, at: entry.range.lowerBound, into: target, url)
      return tensor
    }
    var bytes = [UInt8](repeating: 0, count: entry.range.count)
    try bytes.withUnsafeMutableBytes { try Self.read(descriptor, at: entry.range.lowerBound, into: $0, url) }
    try bytes.withUnsafeBytes { raw in
      func convert<T>(_: T.Type, _ value: (T) -> Float) {
        for i in 0..<count {
          tensor.pointer[i] = value(raw.loadUnaligned(fromByteOffset: i * MemoryLayout<T>.size, as: T.self))
        }
      }
      switch entry.type {
      case "F16": convert(UInt16.self) { HalfFloat.float(bits: $0) }
      case "BF16": convert(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
      case "F64": convert(Double.self) { Float($0) }
      case "I64": convert(Int64.self) { Float($0) }
      case "I32": convert(Int32.self) { Float($0) }
      case "U8", "BOOL": convert(UInt8.self) { Float($0) }
      default:
        throw SafetensorsError(
          file: url.relativePath, cause: .unsupportedType(key: key, type: entry.type))
      }
    }
    return tensor
  }

  private static func read(
    _ descriptor: Int32, at offset: Int, into target: UnsafeMutableRawBufferPointer, _ url: URL
  ) throws {
    var done = 0
    while done < target.count, let base = target.baseAddress {
      let got = pread(descriptor, base + done, target.count - done, off_t(offset + done))
      if got < 0 && errno == EINTR { continue }
      guard got > 0 else {
        let reason = got == 0 ? "it ends early" : SystemError.text
        throw SafetensorsError(file: url.relativePath, cause: .unreadable(reason))
      }
      done += got
    }
  }
}

/// A header's value: a tensor's place, or the metadata.
private enum JSONHeaderValue: Decodable {
  case tensor(type: String, shape: [Int], offsets: [Int])
  case metadata([String: String])

  private enum Key: String, CodingKey {
    case type = "dtype"
    case shape
    case offsets = "data_offsets"
  }

  init(from decoder: Decoder) throws {
    if decoder.codingPath.last?.stringValue == "__metadata__" {
      self = .metadata(try [String: String](from: decoder))
      return
    }
    let values = try decoder.container(keyedBy: Key.self)
    self = .tensor(
      type: try values.decode(String.self, forKey: .type),
      shape: try values.decode([Int].self, forKey: .shape),
      offsets: try values.decode([Int].self, forKey: .offsets))
  }
}

/// IEEE half precision, which Swift's `Float16` does not offer on every x86-64 system.
enum HalfFloat {
  static func float(bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10 & 0x1f)
    let mantissa = UInt32(bits & 0x3ff)
    switch exponent {
    case 0:
      return Float(bitPattern: sign | Float(mantissa).bitPattern)
        * Float(sign: .plus, exponent: -24, significand: 1)
    case 31: return Float(bitPattern: sign | 0x7f80_0000 | mantissa << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | mantissa << 13)
    }
  }
}
