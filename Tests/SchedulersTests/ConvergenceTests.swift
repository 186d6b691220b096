import Foundation
import Schedulers
import XCTest

/// Each deterministic solver's error falls with its theoretical order as its steps double.
final class ConvergenceTests: XCTestCase {
  func testOrders() throws {
    let study = ConvergenceStudy()
    for (name, order) in ConvergenceStudy.orders {
      // Where the error is above what f32 leaves of it, 1e-6, and steps are short enough for theory to hold.
      let errors = try [48, 96].map { try study.error(of: name, evaluations: $0) }
      let slope = log2(errors[0] / errors[1])
      XCTAssertGreaterThan(slope, order - 0.35, "\(name): error \(errors[0]) to \(errors[1])")
      XCTAssertLessThan(errors[1], 0.05, name)
    }
  }

  func testStochasticSamplersAreRefused() {
    XCTAssertThrowsError(try ConvergenceStudy().error(of: "euler-a", evaluations: 20))
  }
}
