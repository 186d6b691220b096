import Pictures
import XCTest

/// Small print: every sign of a prompt can be read.
final class LetteringTests: XCTestCase {
  func testSignsOfASCIIAreDrawnAndDiffer() {
    let blank = Lettering.picture(" ").pixels
    var seen: [[UInt8]: Character] = [:]
    for code in UInt8(33)...126 {
      let sign = Character(UnicodeScalar(code))
      guard !sign.isLowercase else { continue }
      let drawn = Lettering.picture(String(sign)).pixels
      XCTAssertNotEqual(drawn, blank, "\(sign)")
      XCTAssertNil(seen[drawn], "\(sign)")
      seen[drawn] = sign
    }
  }

  func testLowerCaseIsDrawnAsCapitals() {
    XCTAssertEqual(Lettering.picture("a b").pixels, Lettering.picture("A B").pixels)
  }
}
