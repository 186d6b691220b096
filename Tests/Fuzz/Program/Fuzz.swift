import Foundation
import FuzzReaders

/// What libFuzzer calls with each input that it makes up (https://llvm.org/docs/LibFuzzer.html).
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  do {
    try reader([UInt8](UnsafeBufferPointer(start: bytes, count: count)), scratch: scratch)
  } catch { fatalError("\(error)") }
  return 0
}

/// The reader that `DARKROOM_FUZZ_TARGET` names.
private let reader: FuzzedReader = {
  let name = ProcessInfo.processInfo.environment["DARKROOM_FUZZ_TARGET"] ?? ""
  guard let reader = FuzzedReader(rawValue: name) else {
    fatalError("DARKROOM_FUZZ_TARGET is '\(name)', not one of \(FuzzedReader.allCases.map(\.rawValue))")
  }
  return reader
}()

/// In memory; each input's files replace those of the one before.
private let scratch: URL = {
  let folder = URL(fileURLWithPath: "/dev/shm/darkroom-fuzz-\(getpid())")
  do {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  } catch { fatalError("\(error)") }
  return folder
}()
