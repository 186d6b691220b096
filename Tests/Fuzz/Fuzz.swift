import Foundation

/// What libFuzzer calls with each input that it makes up (https://llvm.org/docs/LibFuzzer.html). A reader may refuse
/// the input, but never crash, hang or take gigabytes.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  reader([UInt8](UnsafeBufferPointer(start: bytes, count: count)))
  return 0
}

/// The reader that `DARKROOM_FUZZ_TARGET` names.
private let reader: @Sendable ([UInt8]) -> Void = {
  let name = ProcessInfo.processInfo.environment["DARKROOM_FUZZ_TARGET"] ?? ""
  guard let reader = readers[name] else {
    fatalError("DARKROOM_FUZZ_TARGET is '\(name)', not one of \(readers.keys.sorted())")
  }
  return reader
}()

private let readers: [String: @Sendable ([UInt8]) -> Void] = [
  "png": readPNG, "jpeg": readJPEG, "safetensors": readSafetensors, "json": readJSON,
]

/// A file in memory, for readers that want a name; each input replaces the one before.
let scratchFile: URL = {
  let folder = URL(fileURLWithPath: "/dev/shm/darkroom-fuzz-\(getpid())")
  try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  return folder.appending(path: "input")
}()
