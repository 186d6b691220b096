import Foundation
import Models
import NN
import Pictures
import Pipelines
import Schedulers
import Training

/// A safetensors header, the tensors of files that have one, and a training run's state.
func readSafetensors(_ input: [UInt8], _ scratch: URL) throws {
  let url = scratch.appending(path: "input.safetensors")
  try Data(input).write(to: url)
  _ = try? TrainingState(contentsOf: url)
  guard let file = try? SafetensorsFile(url) else { return }
  for (key, entry) in file.entries {
    try require(entry.shape.allSatisfy { $0 >= 0 }, "a shape of \(entry.shape)")
    guard let tensor = try? file.tensor(key) else { continue }
    // A scalar becomes a tensor of one value.
    let shape = entry.shape.isEmpty ? [1] : entry.shape
    try require(tensor.shape == shape, "\(key) is \(tensor.shape), not \(shape) as its header says")
  }
}

/// Every reader of JSON and of the web UI's parameters; the first byte chooses.
func readJSON(_ input: [UInt8], _ scratch: URL) throws {
  guard let choice = input.first else { return }
  let data = Data(input.dropFirst())
  func file(_ name: String = "input.json") throws -> URL {
    let url = scratch.appending(path: name)
    try data.write(to: url)
    return url
  }
  func config<Config: ModelConfig>(_: Config.Type) throws { _ = try? Config(contentsOf: file()) }
  switch choice {
  case UInt8(ascii: "u"): try config(UNet2DConfig.self)
  case UInt8(ascii: "c"): try config(UNet2DConditionConfig.self)
  case UInt8(ascii: "d"): try config(DiTConfig.self)
  case UInt8(ascii: "v"): try config(AutoencoderKLConfig.self)
  case UInt8(ascii: "t"): try config(CLIPTextConfig.self)
  case UInt8(ascii: "o"): try config(ControlNetModelConfig.self)
  case UInt8(ascii: "n"): try config(NoisyClassifierConfig.self)
  case UInt8(ascii: "s"): _ = try? SchedulerConfig(contentsOf: file())
  case UInt8(ascii: "i"):
    _ = try file(PipelineIndex.fileName)
    _ = try? ModelFolder(scratch)
    try FileManager.default.removeItem(at: scratch.appending(path: PipelineIndex.fileName))
  case UInt8(ascii: "m"):
    _ = try file("metadata.jsonl")
    try Data().write(to: scratch.appending(path: "a.png"))
    let listed = try? ImageFolder(scratch)
    try require(listed?.items.count == 1, "a folder with a picture is not listed")
  case UInt8(ascii: "r"):
    let chunk = TextChunk(keyword: Recipe.keyword, text: String(decoding: data, as: UTF8.self))
    _ = (try? Recipe.find(in: [chunk], file: "input"))?.generationParameters.text
  case UInt8(ascii: "p"):
    let parameters = GenerationParameters(text: String(decoding: data, as: UTF8.self))
    _ = GenerationParameters(text: parameters.text)
  default: break
  }
}
