import Files
import Foundation
import TensorCore

/// Writes safetensors files: whole or not at all, the same bytes for the same tensors.
public enum SafetensorsWriter {
  /// Writes `tensors` as f32 in the given order.
  ///
  /// - Parameter metadata: diffusers and transformers look for `format: pt`.
  /// - Throws: `FileError`.
  public static func write(
    _ tensors: [(key: String, tensor: Tensor)], metadata: [String: String] = ["format": "pt"], to url: URL
  ) throws {
    try write(tensors.map { ($0.key, $0.tensor.shape) }, as: .f32, metadata: metadata, to: url) {
      tensors[$0].tensor
    }
  }

  /// Writes tensors that are made one at a time, so that no second copy of a model is in memory.
  ///
  /// The header is padded to a multiple of eight bytes, as the reference implementation does.
  ///
  /// - Parameters:
  ///   - entries: keys and shapes, in the order in which they are written.
  ///   - form: what values are rounded to, to the nearest and to even.
  ///   - tensor: makes the one of a place among the entries.
  /// - Throws: `FileError`, or what `tensor` throws.
  public static func write(
    _ entries: [(key: String, shape: [Int])], as form: FloatForm,
    metadata: [String: String] = ["format": "pt"],
    to url: URL, tensor: (Int) throws -> Tensor
  ) throws {
    struct Entry: Encodable {
      let dtype: String
      let shape: [Int]
      let data_offsets: [Int]
    }
    var parts: [String] = []
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    func json(_ value: some Encodable) throws -> String {
      String(decoding: try encoder.encode(value), as: UTF8.self)
    }
    parts.append("\"__metadata__\":\(try json(metadata))")
    var offset = 0
    for (key, shape) in entries {
      let end = offset + shape.reduce(1, *) * form.width
      let entry = Entry(dtype: form.name, shape: shape, data_offsets: [offset, end])
      parts.append("\(try json(key)):\(try json(entry))")
      offset = end
    }
    var header = Array("{\(parts.joined(separator: ","))}".utf8)
    while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
    try AtomicFile.write(to: url) { file in
      var length = UInt64(header.count).littleEndian
      try withUnsafeBytes(of: &length) { try file.append($0) }
      try file.append(header)
      for place in entries.indices {
        let plain = try tensor(place).ordered(.plain)
        let values = UnsafeBufferPointer(start: plain.pointer, count: plain.count)
        switch form {
        case .f32: try file.append(UnsafeRawBufferPointer(values))
        case .f16:
          try values.map { Float16($0).bitPattern.littleEndian }.withUnsafeBytes { try file.append($0) }
        case .bf16: try values.map(bf16).withUnsafeBytes { try file.append($0) }
        }
      }
    }
  }

  /// The upper half, rounded to the nearest and to even; what is no number stays none.
  private static func bf16(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(bits >> 16) | 0x40 }
    return UInt16((bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16).littleEndian
  }
}

extension FloatForm {
  /// What a header calls it.
  var name: String {
    switch self {
    case .f32: "F32"
    case .f16: "F16"
    case .bf16: "BF16"
    }
  }
}
