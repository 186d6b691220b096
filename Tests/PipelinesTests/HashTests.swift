import Files
import Foundation
import NN
import Pipelines
import TensorCore
import TestSupport
import XCTest

/// What tells one model's weights from another's.
final class HashTests: XCTestCase {
  /// FIPS 180-4's examples.
  func testSHA256() {
    func hex(_ text: String) -> String {
      var hash = SHA256()
      hash.update(Array(text.utf8))
      return hash.finished()
    }
    XCTAssertEqual(hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    XCTAssertEqual(
      hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    XCTAssertEqual(
      hex(String(repeating: "a", count: 1_000_000)),
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  func testALargeFilesHashIsRememberedUntilItChanges() throws {
    let folder = try temporaryFolder(for: self)
    let (file, cache) = (folder.appending(path: "weights"), folder.appending(path: "cache/hashes.json"))
    try Data(repeating: 7, count: 5000).write(to: file)
    let hashes = HashCache(file: cache, smallest: 4096)
    let hash = try hashes.sha256(of: file)
    XCTAssertEqual(hash, try SHA256.hex(of: file))
    // Only what is remembered can be another than the file's.
    let remembered = String(repeating: "0", count: 64)
    let text = try String(contentsOf: cache, encoding: .utf8)
    try text.replacing(hash, with: remembered).write(to: cache, atomically: true, encoding: .utf8)
    XCTAssertEqual(try hashes.sha256(of: file), remembered)
    try Data(repeating: 8, count: 5000).write(to: file)
    XCTAssertEqual(try hashes.sha256(of: file), try SHA256.hex(of: file), "the file has changed")
  }

  func testACacheThatCannotBeWrittenDoesNoHarm() throws {
    let folder = try temporaryFolder(for: self)
    let file = folder.appending(path: "weights")
    try Data(repeating: 7, count: 5000).write(to: file)
    for cache in ["/dev/full/hashes.json", "/proc/nowhere/hashes.json", file.path + "/hashes.json"] {
      let hashes = HashCache(file: URL(fileURLWithPath: cache), smallest: 1)
      XCTAssertEqual(try hashes.sha256(of: file), try SHA256.hex(of: file))
    }
  }

  /// A change in any shard is another model.
  func testShardsAreHashedWhole() throws {
    let folder = try temporaryFolder(for: self)
    func write(_ second: Float) throws -> String {
      try SafetensorsWriter.write(
        [("a", Tensor([1], shape: [1]))], to: folder.appending(path: "m-1.safetensors"))
      try SafetensorsWriter.write(
        [("b", Tensor([second], shape: [1]))], to: folder.appending(path: "m-2.safetensors"))
      try Data(#"{"weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors"}}"#.utf8)
        .write(to: folder.appending(path: "m.safetensors.index.json"))
      return try Checkpoint(folder: folder, stem: "m").hash()
    }
    let hash = try write(2)
    XCTAssertEqual(try write(2), hash)
    XCTAssertNotEqual(try write(3), hash)
  }
}
