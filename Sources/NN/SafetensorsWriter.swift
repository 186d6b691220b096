import Files
import Foundation
import TensorCore

/// Writes safetensors files: whole or not at all, the same bytes for the same tensors.
public enum SafetensorsWriter {
  /// Writes `tensors` as f32 in the given order.
  ///
  /// The header is padded to a multiple of eight bytes, as the reference implementation does; tensors go to
  /// the disk one at a time, so that no second copy of a model is in memory.
  ///
  /// - Parameter metadata: diffusers and transformers look for `format: pt`.
  /// - Throws: `FileError`.
  public static func write(
    _ tensors: [(key: String, tensor: Tensor)], metadata: [String: String] = ["format": "pt"], to url: URL
  ) throws {
    struct Entry: Encodable {
      let dtype = "F32"
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
    for (key, tensor) in tensors {
      let end = offset + tensor.count * 4
      parts.append("\(try json(key)):\(try json(Entry(shape: tensor.shape, data_offsets: [offset, end])))")
      offset = end
    }
    var header = Array("{\(parts.joined(separator: ","))}".utf8)
    while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
    try AtomicFile.write(to: url) { file in
      var length = UInt64(header.count).littleEndian
      try withUnsafeBytes(of: &length) { try file.append($0) }
      try file.append(header)
      for (_, tensor) in tensors {
        let plain = tensor.ordered(.plain)
        try file.append(UnsafeRawBufferPointer(start: plain.pointer, count: plain.count * 4))
      }
    }
  }
}
