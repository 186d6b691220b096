import Foundation
import NN
import Pictures
import TensorCore
import TestSupport
import XCTest

/// Stable Diffusion's folders, tiny and with random weights: what diffusers makes of the same prompts and seeds. Fixtures by
/// `make_stable_diffusion.py`.
final class StableDiffusionTests: XCTestCase {
  private let prompt = "a red star on a blue background", negative = "dark red circle"

  private func folder(_ name: String) -> URL { Fixtures.url("stable-diffusion/\(name)") }

  private func schedule(_ name: String) -> [String] {
    ["--schedule", folder("schedulers/\(name).json").path]
  }

  private func sample(_ model: URL, _ arguments: [String], to name: String = "o.safetensors") throws -> URL {
    let url = try temporaryFolder(for: self).appending(path: name)
    let result = try Command.run(
      "sample",
      [model.path, "--rng", "torch", "--seed", "7", "--steps", "8", "--output", url.path] + arguments)
    XCTAssertEqual(result.code, 0, result.errors)
    return url
  }

  /// 1e-3 is the promise; 1e-4 is what f32 leaves of it at a guidance of 7.5.
  private func compare(
    _ model: String, _ key: String, _ arguments: [String], in copy: URL? = nil, line: UInt = #line
  ) throws {
    let images = try SafetensorsFile(sample(copy ?? folder(model), arguments)).tensor("images")
    let expected = try Fixtures.tensors("stable-diffusion/\(model)/expected.safetensors").tensor(key)
    assertClose(images, expected, relative: 1e-4, "\(model), \(key)", line: line)
  }

  func testEverySamplerGivesDiffusersPictures() throws {
    let guided = [
      "--prompt", prompt, "--negative-prompt", negative, "--guidance-scale", "7.5", "--count", "2",
    ]
    try compare("sd", "pndm", guided)
    for name in ["ddim", "euler", "dpm++2m-karras", "tcd"] {
      try compare("sd", name, guided + schedule(name))
    }
    // What a network predicts is the model's own affair, which no other schedule changes.
    let copy = try temporaryFolder(for: self).appending(path: "sd")
    try FileManager.default.copyItem(at: folder("sd"), to: copy)
    let own = copy.appending(path: "scheduler/scheduler_config.json")
    try FileManager.default.removeItem(at: own)
    try FileManager.default.copyItem(at: folder("schedulers/v-prediction.json"), to: own)
    try compare("sd", "v-prediction", guided, in: copy)
  }

  func testGuidanceWithoutNegativeAndNoGuidance() throws {
    try compare("sd", "no-negative", ["--prompt", prompt, "--guidance-scale", "3"] + schedule("ddim"))
    try compare("sd", "no-guidance", ["--prompt", prompt, "--guidance-scale", "1"] + schedule("ddim"))
  }

  /// A network that is told the scale is asked once an evaluation. Fixture by `make_guidance_embedding.py`.
  func testANetworkThatFollowsGuidanceGivesDiffusersPictures() throws {
    let copy = try temporaryFolder(for: self).appending(path: "sd")
    try FileManager.default.copyItem(at: folder("sd"), to: copy)
    let file = try Fixtures.tensors("stable-diffusion/guidance-embedding.safetensors")
    let (weights, config) = (
      copy.appending(path: "unet/diffusion_pytorch_model.safetensors"),
      copy.appending(path: "unet/config.json")
    )
    let key = "time_embedding.cond_proj.weight"
    let own = try SafetensorsFile(weights)
    let tensors = try own.entries.keys.sorted().map { ($0, try own.tensor($0)) }
    try SafetensorsWriter.write(tensors + [(key, try file.tensor(key))], to: weights)
    var json = try XCTUnwrap(
      JSONSerialization.jsonObject(with: Data(contentsOf: config)) as? [String: Any])
    json["time_cond_proj_dim"] = 16
    try JSONSerialization.data(withJSONObject: json).write(to: config)
    for scale in ["1", "5"] {
      let url = try sample(
        copy,
        ["--prompt", prompt, "--guidance-scale", scale, "--count", "2", "--steps", "4"] + schedule("ddim"))
      assertClose(
        try SafetensorsFile(url).tensor("images"), try file.tensor("scale \(scale)"), relative: 1e-4, scale)
    }
  }

  func testClipSkipAndCutting() throws {
    let five = ["--guidance-scale", "5"] + schedule("ddim")
    try compare(
      "sd", "clip-skip", ["--prompt", prompt, "--clip-skip", "1", "--prompt-syntax", "plain"] + five)
    try compare(
      "sd", "clip-skip-both", ["--prompt", prompt, "--negative-prompt", negative, "--clip-skip", "1"] + five)
    let long = Array(repeating: prompt, count: 15).joined(separator: ", ")
    try compare("sd", "cut", ["--prompt", long, "--prompt-syntax", "plain"] + five)
  }

  func testAFileOfPromptsIsABatch() throws {
    let file = try temporaryFolder(for: self).appending(path: "prompts.txt")
    try Data("a green triangle\n\ntwo yellow circles, light-blue\n".utf8).write(to: file)
    try compare(
      "sd", "prompts",
      ["--prompts-file", file.path, "--negative-prompt", negative, "--guidance-scale", "5"] + schedule("ddim")
    )
  }

  func testWeightsBreaksAndChangesOnTheWay() throws {
    let five = ["--guidance-scale", "5"] + schedule("ddim")
    try compare(
      "sd", "weights",
      ["--prompt", "(a red star:1.5) on [blue] BREAK background", "--negative-prompt", "dark (circle:1.2)"]
        + five)
    try compare("sd", "changes", ["--prompt", "a [red star:green triangle:3]"] + five)
  }

  func testSDXLsTwoEncodersAndSizes() throws {
    let guided = ["--prompt", prompt, "--guidance-scale", "5"]
    try compare("sdxl", "negative", guided + ["--negative-prompt", negative])
    try compare("sdxl", "no-negative", guided)
    try compare("sdxl", "empty-negative", guided + ["--negative-prompt", ""])
    try compare(
      "sdxl", "clip-skip",
      guided + ["--negative-prompt", negative, "--clip-skip", "1", "--prompt-syntax", "plain"])
  }

  func testAPictureDoesNotDependOnItsNeighboursOrTheirPrompts() throws {
    let file = try temporaryFolder(for: self).appending(path: "prompts.txt")
    let long = Array(repeating: "a red star", count: 40).joined(separator: " ")
    try Data("\(long)\n\(prompt)\n".utf8).write(to: file)
    let options = ["--rng", "philox", "--steps", "3", "--negative-prompt", negative]
    let both = try SafetensorsFile(sample(folder("sd"), ["--prompts-file", file.path] + options)).tensor(
      "images")
    let one = try SafetensorsFile(
      sample(folder("sd"), ["--prompt", prompt, "--first-index", "1"] + options)
    ).tensor("images")
    XCTAssertEqual(one.values, both.rows(1..<2).values)
  }

  func testThePNGSaysThePrompts() throws {
    let url = try sample(
      folder("sd"), ["--prompt", prompt, "--negative-prompt", negative, "--steps", "2"], to: "o.png")
    let recipe = try XCTUnwrap(
      Recipe.find(in: DecodedPicture(contentsOf: url).texts, file: "o.png"))
    XCTAssertEqual(recipe.prompt, prompt)
    XCTAssertEqual(recipe.negativePrompt, negative)
    XCTAssertEqual(recipe.guidanceScale, 7.5)
  }

  func testAPictureOfAFileOfPromptsIsReplayedByItself() throws {
    let out = try temporaryFolder(for: self)
    let file = out.appending(path: "prompts.txt")
    try Data("a star\na [red:(blue:1.3):0.5] star AND a circle :0.4\n".utf8).write(to: file)
    let made = try Command.run(
      "sample",
      [
        folder("sd").path, "--prompts-file", file.path, "--count", "2", "--separate", "--steps", "3",
        "--seed", "4",
        "--output", out.appending(path: "o.png").path,
      ])
    XCTAssertEqual(made.code, 0, made.errors)
    let picture = out.appending(path: "o-0003.png")
    let recipe = try XCTUnwrap(Recipe.find(in: DecodedPicture(contentsOf: picture).texts, file: "o.png"))
    XCTAssertEqual(recipe.prompt, "a [red:(blue:1.3):0.5] star AND a circle :0.4")
    let replayed = try Command.run("replay", [picture.path])
    XCTAssertEqual(replayed.code, 0, replayed.errors)
    XCTAssert(replayed.output.hasSuffix("identical\n"), replayed.output)
  }

  func testInfoNamesTheTextEncoders() throws {
    let info = try Command.run("info", [folder("sdxl").path])
    XCTAssertEqual(info.code, 0, info.errors)
    XCTAssert(
      info.output.contains(
        "text          CLIPTextModelWithProjection, 594 tokens, 77 at a time, 24 channels\n"))
  }

  // MARK: - What cannot be used

  private func refuse(
    _ ending: String, _ arguments: [String] = ["--prompt", "a"], line: UInt = #line,
    _ change: (_ copy: URL) throws -> Void = { _ in }
  ) throws {
    let copy = try temporaryFolder(for: self).appending(path: "sd")
    try FileManager.default.copyItem(at: folder("sd"), to: copy)
    try change(copy)
    let out = copy.deletingLastPathComponent().appending(path: "o.png")
    let result = try Command.run("sample", [copy.path, "--output", out.path] + arguments)
    XCTAssertEqual(result.code, 1, result.errors, line: line)
    XCTAssert(result.errors.hasSuffix(ending + "\n"), result.errors, line: line)
    XCTAssertFalse(FileManager.default.fileExists(atPath: out.path), line: line)
  }

  private func edit(_ file: URL, _ old: String, _ new: String) throws {
    let text = try String(contentsOf: file, encoding: .utf8)
    XCTAssert(text.contains(old), "\(old) in \(file.path)")
    try Data(text.replacingOccurrences(of: old, with: new).utf8).write(to: file)
  }

  func testAMissingPartIsNamed() throws {
    for name in ["tokenizer", "text_encoder"] {
      let className = name == "tokenizer" ? "CLIPTokenizer" : "CLIPTextModel"
      try refuse(
        "lacks its \(name): model_index.json names a \(className) of that name, and there is no such folder."
      ) { try FileManager.default.removeItem(at: $0.appending(path: name)) }
    }
    try refuse("lacks its tokenizer, which says what the text_encoder is to read.") {
      try edit($0.appending(path: "model_index.json"), "\"CLIPTokenizer\"", "null")
    }
    try refuse(
      "lacks its text_encoder: its network reads a text of 16 channels a token, and model_index.json names nothing that makes one."
    ) { try edit($0.appending(path: "model_index.json"), "\"CLIPTextModel\"", "null") }
  }

  func testPartsThatDoNotGoTogetherAreNamed() throws {
    try refuse("text_encoder/config.json says vocab_size 500.") {
      try edit($0.appending(path: "text_encoder/config.json"), "\"vocab_size\": 594", "\"vocab_size\": 500")
    }
    try refuse(
      "cannot be used: its network reads 16 channels a token, and its text encoders give 32."
    ) {
      try edit($0.appending(path: "text_encoder/config.json"), "\"hidden_size\": 16", "\"hidden_size\": 32")
    }
  }

  func testWhatIsAskedWronglyIsRefusedInASentence() throws {
    try refuse("draws what a text says; add --prompt.", [])
    try refuse("--clip-skip 4 must be from 0 to 3 for this model.", ["--prompt", "a", "--clip-skip", "4"])
    try refuse(
      "The prompt gives the weight '1.2.3', which is not a number; a weight is written (word:1.3).",
      ["--prompt", "a [b:(c:1.2.3):0.9]"])
    try refuse("cannot be read as text in UTF-8.", ["--prompts-file", "/nowhere.txt"])
    let other = try Command.run(
      "sample", [Fixtures.url("pipelines/ddim").path, "--prompt", "a", "--output", "/tmp/o.png"])
    XCTAssert(
      other.errors.hasSuffix("reads no texts; leave --prompt and what goes with it out.\n"), other.errors)
  }

  func testANegativePromptWithoutGuidanceIsSaidToBeUnused() throws {
    let url = try temporaryFolder(for: self).appending(path: "o.safetensors")
    let result = try Command.run(
      "sample",
      [
        folder("sd").path, "--prompt", "a", "--negative-prompt", "b", "--guidance-scale", "1", "--steps", "1",
        "--output", url.path,
      ])
    XCTAssertEqual(result.code, 0, result.errors)
    XCTAssert(
      result.errors.contains("at --guidance-scale 1 nothing leads away from the negative prompt"),
      result.errors)
  }
}
