import Foundation
import Models
import NN
import Pictures
import Schedulers
import Training

/// A safetensors header, and the tensors of files that have one.
let readSafetensors: @Sendable ([UInt8]) -> Void = { input in
  guard (try? Data(input).write(to: scratchFile)) != nil, let file = try? SafetensorsFile(scratchFile) else {
    return
  }
  for (key, entry) in file.entries {
    precondition(entry.shape.allSatisfy { $0 >= 0 }, "a shape of \(entry.shape)")
    _ = try? file.tensor(key)
  }
}

/// Every reader of JSON and of the web UI's parameters; the first byte chooses.
let readJSON: @Sendable ([UInt8]) -> Void = { input in
  guard let choice = input.first else { return }
  let data = Data(input.dropFirst())
  func config<Config: ModelConfig>(_: Config.Type) {
    try? data.write(to: scratchFile)
    _ = try? Config(contentsOf: scratchFile)
  }
  switch choice {
  case UInt8(ascii: "u"): config(UNet2DConfig.self)
  case UInt8(ascii: "d"): config(DiTConfig.self)
  case UInt8(ascii: "v"): config(AutoencoderKLConfig.self)
  case UInt8(ascii: "s"):
    try? data.write(to: scratchFile)
    _ = try? SchedulerConfig(contentsOf: scratchFile)
  case UInt8(ascii: "m"):
    let folder = scratchFile.deletingLastPathComponent()
    try? data.write(to: folder.appending(path: "metadata.jsonl"))
    try? Data().write(to: folder.appending(path: "a.png"))
    guard let listed = try? ImageFolder(folder) else { fatalError("a folder with a picture is not listed") }
    precondition(listed.items.count == 1)
  case UInt8(ascii: "r"):
    let chunk = TextChunk(keyword: Recipe.keyword, text: String(decoding: data, as: UTF8.self))
    _ = (try? Recipe.find(in: [chunk], file: "input"))?.generationParameters.text
  case UInt8(ascii: "p"):
    let parameters = GenerationParameters(text: String(decoding: data, as: UTF8.self))
    _ = GenerationParameters(text: parameters.text)
  default: break
  }
}
