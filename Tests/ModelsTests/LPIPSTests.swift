import Foundation
import Models
import NN
import TensorCore
import TestSupport
import XCTest

/// The perceptual distance and its gradient against PyTorch's. Fixtures by `make_lpips.py`.
final class LPIPSTests: XCTestCase {
  func testDistanceAndGradientEqualPyTorch() throws {
    let network = try LPIPS(contentsOf: Fixtures.url("lpips/weights.safetensors"))
    let given = try Fixtures.tensors("lpips/case.safetensors")
    let (x, target) = (try given.tensor("x"), try given.tensor("target"))
    let (distance, gradients) = valueAndGradients(of: [x]) { network(x, target) }
    // f32 sums of up to 288 terms in another order, thirteen layers deep.
    assertClose(distance, try given.tensor("distance"), relative: 1e-5, "distance")
    // Divided by the length of a pixel's features, which is 2e-4 at one pixel and about 1.5 elsewhere: around that one
    // PyTorch's own gradient is 2.4e-5 from what it is in double.
    assertClose(gradients[0], try given.tensor("gradient"), relative: 2e-4, "gradient")
    // Features that are recorded may be rounded otherwise than those that are not; this is the square of that.
    XCTAssertLessThan(network(target, target).item, 1e-12, "of a picture from itself")
  }

  func testAnotherNetworkIsRefused() throws {
    let other = Fixtures.url("vae/quant/diffusion_pytorch_model.safetensors")
    XCTAssertThrowsError(try LPIPS(contentsOf: other)) {
      XCTAssertTrue("\($0)".contains("net.slice1.0.weight"), "\($0)")
    }
  }
}
