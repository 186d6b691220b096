import Foundation
import Models
import Pipelines
import TensorCore
import TestSupport
import XCTest

/// Noise that is given, varied, or on the way between pictures.
final class NoiseMixingTests: XCTestCase {
  private let shape = [1, 2, 3, 4]

  private func source(_ seed: UInt64, _ generator: Generator = .philox) -> any NoiseSource {
    generator.source(seed: seed)
  }

  private func initial(_ seed: UInt64, _ generator: Generator = .philox) -> Tensor {
    var noise = source(seed, generator)
    return noise.normal(shape, .initialLatents, step: 0)
  }

  /// By A1111's rule, in PyTorch 2.15.0 on (2, 3, 4) tensors a and b of `manual_seed(7)` and `manual_seed(8)`:
  ///
  ///     dot = (a / a.norm(dim=1, keepdim=True) * b / b.norm(dim=1, keepdim=True)).sum(1); omega = torch.acos(dot)
  ///     (torch.sin(.7 * omega) / torch.sin(omega)).unsqueeze(1) * a + (torch.sin(.3 * omega) / torch.sin(omega)).unsqueeze(1) * b
  func testAVariationIsA1111s() {
    var varied = VariedNoise(source(7, .torch), towards: source(8, .torch), strength: 0.3)
    assertClose(
      varied.normal(shape, .initialLatents, step: 0).values,
      [
        -1.4294617, 0.7882226, 1.6332296, -1.1318502, 0.0325813, 0.6000562, 0.3476248, -0.6115841, 0.1014867,
        -1.0593652, -0.2076504, 1.3502964, -1.3688431, 0.3012611, -1.9734108, 0.1202330, -0.6149697,
        -0.6434444,
        -2.5498204, -0.4212717, 0.9419343, -0.3455662, 2.5650384, 1.3317411,
      ], relative: 1e-6, "variation")
  }

  func testAVariationEndsInEitherSeedAndLeavesLaterNoiseAlone() {
    for (strength, seed) in [(Float(0), UInt64(7)), (1, 8)] {
      var varied = VariedNoise(source(7), towards: source(8), strength: strength)
      assertSameBits(varied.normal(shape, .initialLatents, step: 0), initial(seed))
    }
    var (varied, plain) = (VariedNoise(source(7), towards: source(8), strength: 0.5), source(7))
    assertSameBits(
      varied.normal(shape, .samplerStep, step: 3), plain.normal(shape, .samplerStep, step: 3))
  }

  /// Halfway between two draws the deviation is theirs; in a straight line it would be 0.71 of it.
  func testOnTheSphereNoiseKeepsItsDeviation() {
    let size = [1, 4, 64, 64]
    func draw(_ seed: UInt64) -> Tensor {
      var noise = source(seed)
      return noise.normal(size, .initialLatents, step: 0)
    }
    for sphere in [Tensor.Sphere.pictures, .columns] {
      let values = draw(1).spherical(to: draw(2), 0.5, over: sphere).values
      let deviation = (values.reduce(0) { $0 + $1 * $1 } / Float(values.count)).squareRoot()
      XCTAssertEqual(deviation, 1, accuracy: 0.03, "\(sphere)")
    }
  }

  func testWhatHasOneDirectionIsMixedInAStraightLine() {
    let a = Tensor.full(shape, 2)
    assertClose(a.spherical(to: 2 * a, 0.25, over: .columns), 1.25 * a, relative: 1e-6, "parallel")
    XCTAssertEqual(
      Tensor.zeros(shape).spherical(to: a, 0.5, over: .pictures).values, Tensor.full(shape, 1).values)
  }

  func testGivenNoiseIsTakenByTheNumberOfThePicture() {
    let latents = Tensor((0..<72).map { Float($0) }, shape: [3] + shape.dropFirst())
    var noise = GivenNoise(latents, firstIndex: 2, rest: source(7))
    let begun = noise.normal([2] + shape.dropFirst(), .initialLatents, step: 0)
    assertSameBits(begun, .stacked([latents.rows(2..<3), latents.rows(0..<1)]))
    var plain = source(7)
    assertSameBits(noise.normal(shape, .samplerStep, step: 0), plain.normal(shape, .samplerStep, step: 0))
  }

  func testPlacesOfFramesBeginAndEndAtStops() {
    func places(_ count: Int, stops: Int) -> [[Float]] {
      (0..<count).map {
        let place = WalkPlace($0, of: count, stops: stops)
        return [Float(place.stop), place.share]
      }
    }
    XCTAssertEqual(places(5, stops: 2), [[0, 0], [0, 0.25], [0, 0.5], [0, 0.75], [0, 1]])
    XCTAssertEqual(places(5, stops: 3), [[0, 0], [0, 0.5], [1, 0], [1, 0.5], [1, 1]])
    XCTAssertEqual(places(3, stops: 1), [[0, 0], [0, 0], [0, 0]])
    XCTAssertEqual(places(1, stops: 3), [[0, 0]])
  }

  /// The first and the last frame have the noise of the pictures that they are, step noise included, of either generator.
  func testAWalkEndsInItsStops() {
    for generator in Generator.allCases {
      let places = (0..<3).map { WalkPlace($0, of: 3, stops: 2) }
      var walk = NoiseWalk([source(1, generator), source(2, generator)], places)
      var (first, last) = (source(1, generator), source(2, generator))
      for (purpose, step) in [(NoisePurpose.initialLatents, 0), (.samplerStep, 0), (.samplerStep, 1)] {
        let frames = walk.normal([3] + shape.dropFirst(), purpose, step: step)
        assertSameBits(frames.rows(0..<1), first.normal(shape, purpose, step: step))
        assertSameBits(frames.rows(2..<3), last.normal(shape, purpose, step: step))
        XCTAssertNotEqual(frames.rows(1..<2).values, frames.rows(0..<1).values)
      }
    }
  }

  func testASecondPassDrawsAnew() {
    var second = SecondPassNoise(after: source(7))
    let begun = second.normal(shape, .initialLatents, step: 0)
    XCTAssertNotEqual(begun.values, initial(7).values)
    assertSameBits(second.normal(shape, .initialLatents, step: 0), begun)
    var given = GivenNoise(.zeros(shape), firstIndex: 0, rest: source(7))
    XCTAssertEqual(given.normal(shape, .initialLatents, step: 0).values, Tensor.zeros(shape).values)
    second = SecondPassNoise(after: given)
    assertSameBits(second.normal(shape, .initialLatents, step: 0), begun)
  }

  /// PyTorch 2.15.0: `interpolate(torch.arange(12.).reshape(1, 2, 2, 3).sin(), size=(3, 5), mode="bilinear")`.
  func testLatentsAreEnlargedAsPyTorchDoes() {
    let x = Tensor((0..<12).map { sinf(Float($0)) }, shape: [1, 2, 2, 3])
    let large = x.bilinear(height: 3, width: 5)
    XCTAssertEqual(large.shape, [1, 2, 3, 5])
    assertClose(
      large.values,
      [
        0.0, 0.3365884, 0.8414710, 0.8821669, 0.9092974, 0.0705600, 0.0592697, 0.0423342, 0.0020456,
        -0.0248134, 0.1411200, -0.2180490, -0.7568025, -0.8780756, -0.9589243, -0.2794155, 0.0951454,
        0.6569866, 0.8564097, 0.9893582, 0.0663515, 0.0624040, 0.0564827, 0.0194035, -0.0053160, 0.4121185,
        0.0296626, -0.5440211, -0.8176026, -0.9999902,
      ], relative: 1e-6, "enlarged")
  }
}
