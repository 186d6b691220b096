import Models
import XCTest

/// What networks are said to cost, against what PyTorch counts of diffusers' (`Tests/Fixtures/count_products.py`: torch 2.15.0,
/// diffusers 0.42.1).
final class ForwardCostTests: XCTestCase {
  private func products(_ config: any DenoiserConfig, _ side: Int) throws -> Double {
    try XCTUnwrap(config.cost(height: side, width: side)).products / 1e9
  }

  /// As the paper's table has them too: 118.64 and 6.06 (Peebles & Xie 2023, table 4).
  func testTransformers() throws {
    XCTAssertEqual(try products(XCTUnwrap(DiTPreset(rawValue: "dit-xl-2")).config, 32), 118.67, accuracy: 1.2)
    XCTAssertEqual(try products(XCTUnwrap(DiTPreset(rawValue: "dit-s-2")).config, 32), 6.06, accuracy: 0.06)
  }

  /// Within 5 %.
  func testUNets() throws {
    XCTAssertEqual(try products(UNet2DPreset.cifar32.config, 32), 6.22, accuracy: 0.31)
    XCTAssertEqual(try products(UNet2DConditionPreset.sd15.config, 64), 401.6, accuracy: 20)
  }

  /// A ControlNet is the way down, which is the smaller half: Stable Diffusion's has 361 of 859 million parameters.
  func testControlNets() throws {
    let base = UNet2DConditionPreset.sd15.config
    let control = try XCTUnwrap(ControlNetFamilies.config(for: base, downsampling: 8))
    let share =
      try XCTUnwrap(control.cost(height: 64, width: 64)).products
      / XCTUnwrap(base.cost(height: 64, width: 64)).products
    XCTAssertEqual(share, 0.35, accuracy: 0.08)
    let transformer = try XCTUnwrap(DiTPreset(rawValue: "dit-s-2")).config
    let half = try XCTUnwrap(ControlNetFamilies.config(for: transformer, downsampling: 8))
    XCTAssertEqual(
      try XCTUnwrap(half.cost(height: 32, width: 32)).products,
      try XCTUnwrap(transformer.cost(height: 32, width: 32)).products / 2, accuracy: 1)
  }

  /// Four times the pixels, four times the memory; attention makes the work grow faster.
  func testGrowth() throws {
    for config in [UNet2DPreset.cifar32.config, UNet2DPreset.small64.config] {
      let (small, large) = (
        try XCTUnwrap(config.cost(height: 64, width: 64)), try XCTUnwrap(config.cost(height: 128, width: 128))
      )
      XCTAssertEqual(large.values / small.values, 4, accuracy: 1e-9)
      XCTAssertGreaterThan(large.products / small.products, 4)
    }
  }
}
