import Pictures
import XCTest

final class RecipeTests: XCTestCase {
  private let recipe = Recipe(
    version: "0.1.0", model: "runs/shapes, \"final\"",
    modelHash: String(repeating: "0123456789abcdef", count: 4),
    seed: .max, imageIndex: 3, rng: "torch", steps: 50, sampler: "ddim", eta: 0.5,
    scheduler: #"{"beta_end": 0.02}"#, guidanceScale: 7, classLabel: 2, className: "star",
    prompt: "a 猫: one, two", negativePrompt: "blurry,\nlow", width: 64, height: 32,
    commandLine: "darkroom sample 'runs/shapes' --seed 7")

  func testRecipeRoundTripsThroughPNG() throws {
    let data = try testPicture().pngData(texts: recipe.textChunks())
    let texts = try DecodedPicture(bytes: [UInt8](data), file: "a.png").texts
    XCTAssertEqual(try Recipe.find(in: texts, file: "a.png"), recipe)
    XCTAssertEqual(texts.map(\.keyword), ["darkroom", "parameters"])
    XCTAssertEqual(GenerationParameters(text: texts[1].text), recipe.generationParameters)
  }

  func testRecipeRoundTripsThroughJPEG() throws {
    let data = try testPicture().jpegData(texts: recipe.textChunks())
    let decoded = try DecodedPicture(bytes: [UInt8](data), file: "a.jpg")
    XCTAssertEqual(try Recipe.find(in: decoded.texts, file: "a.jpg"), recipe)
    XCTAssertEqual(decoded.texts, try recipe.textChunks())
    let plain = try DecodedPicture(bytes: [UInt8](testPicture().jpegData()), file: "a.jpg")
    XCTAssertEqual(decoded.picture, plain.picture)
    XCTAssertEqual(plain.texts, [])
  }

  func testParametersText() {
    XCTAssertEqual(
      recipe.generationParameters.text,
      """
      a 猫: one, two
      Negative prompt: blurry,
      low
      Steps: 50, Sampler: ddim, CFG scale: 7, Seed: 18446744073709551615, Size: 64x32, \
      Model hash: 0123456789, Model: "runs/shapes, \\"final\\"", Eta: 0.5, Class: star, RNG: torch, \
      Image index: 3, Version: darkroom 0.1.0
      """)
  }

  func testAbsentFieldsAreAbsent() throws {
    let plain = Recipe(version: "1", model: "m", seed: 1, steps: 2, sampler: "ddpm", width: 8, height: 8)
    XCTAssertEqual(
      try plain.json(),
      #"{"height":8,"imageIndex":0,"model":"m","rng":"philox","sampler":"ddpm","seed":1,"steps":2,"#
        + #""version":"1","width":8}"#)
    let text = plain.generationParameters.text
    XCTAssertTrue(text.hasPrefix("Steps: 2, Sampler: ddpm, Seed: 1"), text)
    XCTAssertEqual(GenerationParameters(text: text), plain.generationParameters)
  }

  func testNoRecipeAndBrokenRecipe() throws {
    XCTAssertNil(try Recipe.find(in: [TextChunk(keyword: "Comment", text: "{}")], file: "a.png"))
    for (text, reason) in [
      ("{}", #""version" is missing"#), ("no", "it is no valid JSON"),
      (#"{"version": 3}"#, #""version" has another type"#),
    ] {
      let cause = pictureErrorCause {
        _ = try Recipe.find(in: [TextChunk(keyword: "darkroom", text: text)], file: "a.png")
      }
      XCTAssertEqual(cause, .unreadableRecipe(reason: reason))
    }
  }

  /// A text as the web UI 1.10 writes it, every peculiarity included.
  func testForeignParameters() {
    let parameters = GenerationParameters(
      text: """
        masterpiece, (cat:1.2), <lora:fur:0.8>
        on two lines
        Negative prompt: ugly, Steps: 3
        worse
        Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 5, Size: 512x768, \
        Model hash: 6ce0161689, Model: v1-5, Lora hashes: "fur: 1234, tail: \\"5\\"", Version: v1.10.1
        """)
    XCTAssertEqual(parameters.prompt, "masterpiece, (cat:1.2), <lora:fur:0.8>\non two lines")
    XCTAssertEqual(parameters.negativePrompt, "ugly, Steps: 3\nworse")
    XCTAssertEqual(parameters.fields.count, 10)
    XCTAssertEqual(parameters["Schedule type"], "Karras")
    XCTAssertEqual(parameters["Lora hashes"], "fur: 1234, tail: \"5\"")
    XCTAssertEqual(parameters["Version"], "v1.10.1")
  }

  func testShortLastLineIsPrompt() {
    let parameters = GenerationParameters(text: "a cat\nratio: 3, mood: calm")
    XCTAssertEqual(parameters.prompt, "a cat\nratio: 3, mood: calm")
    XCTAssertTrue(parameters.fields.isEmpty)
  }

  func testQuotingRoundTrips() {
    let values = ["plain", "a, b", "a: b", "line\nend", "\"quoted\"", "back\\slash, \"q\"", "é, 猫", "a/b:c"]
    let fields = values.enumerated().map { GenerationParameters.Field("Key \($0)", $1) }
    let parameters = GenerationParameters(prompt: "p", fields: fields)
    XCTAssertEqual(GenerationParameters(text: parameters.text), parameters)
  }
}
