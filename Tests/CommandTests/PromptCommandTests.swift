import TestSupport
import XCTest

/// `darkroom prompt show`.
final class PromptCommandTests: XCTestCase {
  private let tokenizer = Fixtures.url("tokenizer/clip").path

  func testTextsChunksTokensAndWeightsAreShown() throws {
    let printed = try Command.run(
      "prompt", ["show", tokenizer, "a (cat:1.5) AND [a:cat:0.5]:2", "--steps", "10"])
    XCTAssertEqual(printed.code, 0, printed.errors)
    XCTAssertEqual(
      printed.output,
      """
      part 1  weight 1
      chunk 1  2 of 75 tokens
          320  a</w>
         2368  cat</w>  1.5
      part 2  weight 2
      steps 1-5   a
      chunk 1  1 of 75 tokens
          320  a</w>
      steps 6-10   cat
      chunk 1  1 of 75 tokens
         2368  cat</w>

      """)
  }

  func testPlainSyntaxSaysWhatItCuts() throws {
    let printed = try Command.run(
      "prompt", ["show", tokenizer, "(a) cat", "--prompt-syntax", "plain", "--length", "4"])
    XCTAssertEqual(printed.code, 0)
    XCTAssertEqual(printed.output, "chunk 1  2 of 2 tokens\n    263  (</w>\n    320  a</w>\n")
    XCTAssert(printed.errors.contains("the last 2 tokens do not fit"), printed.errors)
  }

  func testWhatIsNoTokenizerIsSaidInASentence() throws {
    for (path, sentence) in [
      ("/nowhere", "/nowhere does not exist.\n"),
      (
        Fixtures.url("unet").path,
        "is no tokenizer's folder: it has neither tokenizer.json nor vocab.json and merges.txt.\n"
      ),
    ] {
      let printed = try Command.run("prompt", ["show", path, "a"])
      XCTAssertEqual(printed.code, 1)
      XCTAssert(printed.errors.hasSuffix(sentence), printed.errors)
    }
  }
}
