import Files
import Foundation
import TensorCore

/// An open safetensors file: its header is checked whole when it is opened, its tensors are read on demand, out of the
/// system's own memory of the file.
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
  private let file: MappedFile

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
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure(.unreadable(SystemError.text)) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw failure(.unreadable("it is not a regular file")) }
    let size = Int(status.st_size)
    guard size >= 8 else { throw failure(.tooShort(bytes: size)) }

    guard let file = MappedFile(descriptor: descriptor, size: size) else {
      throw failure(.unreadable(SystemError.text))
    }
    let length = UInt64(littleEndian: file.bytes.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(size - 8), length <= 100 << 20 else {
      throw failure(.headerTooLong(header: length, file: size))
    }
    let header = file.bytes[8..<8 + Int(length)]
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
    (self.url, self.metadata, self.entries, self.file) = (url, metadata, entries, file)
  }

  /// The tensor of `key`, converted to f32. A scalar has the shape [1].
  ///
  /// - Throws: `SafetensorsError`.
  public func tensor(_ key: String) throws -> Tensor { try read(key).tensor }

  /// The tensor of `key` for a network to compute with. Its memory may be let go while another form of it serves; the file
  /// must then not be shortened, which a new one renamed into its place does not do.
  ///
  /// - Throws: `SafetensorsError`, also where a value of it is not finite.
  func weight(_ key: String) throws -> Tensor {
    let (tensor, bad) = try read(key, owner: file)
    guard let bad else { return tensor }
    throw SafetensorsError(
      file: url.relativePath, cause: .notFinite(key: key, index: bad, value: "\(tensor.values[bad])"))
  }

  private func read(_ key: String, owner: MappedFile? = nil) throws -> (tensor: Tensor, firstNotFinite: Int?)
  {
    func failure(_ cause: SafetensorsError.Cause) -> SafetensorsError {
      SafetensorsError(file: url.relativePath, cause: cause)
    }
    guard let entry = entries[key] else { throw failure(.missingKey(key)) }
    let shape = entry.shape.isEmpty ? [1] : entry.shape
    let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[entry.range])
    defer { file.letGo(entry.range) }
    func converted<T>(_: T.Type, _ value: (T) -> Float) -> (Tensor, Int?) {
      let values = (0..<bytes.count / MemoryLayout<T>.size).map {
        value(bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: T.self))
      }
      return (Tensor(values, shape: shape), values.firstIndex { !$0.isFinite })
    }
    return switch entry.type {
    case "F32": Tensor.read(bytes, .f32, shape: shape, owner: owner)
    case "F16": Tensor.read(bytes, .f16, shape: shape, owner: owner)
    case "BF16": Tensor.read(bytes, .bf16, shape: shape, owner: owner)
    case "F64": converted(Double.self) { Float($0) }
    case "I64": converted(Int64.self) { Float($0) }
    case "I32": converted(Int32.self) { Float($0) }
    case "U8", "BOOL": converted(UInt8.self) { Float($0) }
    default: throw failure(.unsupportedType(key: key, type: entry.type))
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
