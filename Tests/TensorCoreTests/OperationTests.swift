import Foundation
import NN
import TensorCore
import TestSupport
import XCTest

/// Every operation and its gradients against PyTorch's; fixtures by `make_ops.py`.
final class OperationTests: XCTestCase {
  private struct Cases: Decodable {
    let cases: [Case]
  }

  struct Case: Decodable {
    let op: String
    let inputs: [String]
    let parameters: Parameters
  }

  /// Whatever a case may have.
  struct Parameters: Decodable {
    var stride: Int?, padding: [Int]?, groups: Int?, epsilon: Float?, activation: String?, heads: Int?,
      scale: Float?
    var indices: [Int]?, factor: Float?, offset: Float?, factors: [Float]?, a: [Float]?, b: [Float]?
    var low: Float?, high: Float?, weights: [Float]?, height: Int?, width: Int?, sizes: [Int]?, shape: [Int]?
    var first: Int?, last: Int?, constants: [Float]?, variances: [Double]?
  }

  private struct Unknown: Error { let op: String }

  /// What a loss compares with: no gradient is asked for it.
  private struct Constants {
    let target: Tensor, x0: Tensor, error: Tensor

    init(_ file: SafetensorsFile) throws {
      target = try file.tensor("target")
      (x0, error) = try (file.tensor("variational/x0"), file.tensor("variational/error"))
    }
  }

  private func run(_ c: Case, _ inputs: [String: Tensor], _ constants: Constants) throws -> Tensor {
    func t(_ name: String) throws -> Tensor { try XCTUnwrap(inputs[name], "\(c.op) has no \(name)") }
    let p = c.parameters
    let target = constants.target
    switch c.op {
    case "conv2D":
      let pads = p.padding ?? [0, 0, 0, 0]
      return conv2D(
        try t("x"), weight: try t("weight"), bias: try t("bias"), stride: p.stride ?? 1,
        padding: Padding(top: pads[0], left: pads[1], bottom: pads[2], right: pads[3]))
    case "conv2D-adding":
      return conv2D(
        try t("x"), weight: try t("weight"), bias: try t("bias"), padding: .all(1), adding: try t("residual"))
    case "conv2D-plain": return conv2D(try t("x"), weight: try t("weight"), bias: nil, padding: .all(0))
    case "groupNorm", "groupNorm-shift", "groupNorm-modulation":
      let isFused = c.op != "groupNorm"
      return groupNorm(
        try t("x"), groups: p.groups ?? 0, weight: try t("weight"), bias: try t("bias"),
        epsilon: p.epsilon ?? 0,
        shift: inputs["shift"], modulation: inputs["scale"].flatMap { s in inputs["offset"].map { (s, $0) } },
        activation: isFused ? .silu : try XCTUnwrap(Activation(rawValue: p.activation ?? "")))
    case "layerNorm":
      return layerNorm(try t("x"), weight: try t("weight"), bias: try t("bias"), epsilon: p.epsilon ?? 0)
    case "layerNorm-plain": return layerNorm(try t("x"), weight: nil, bias: nil, epsilon: p.epsilon ?? 0)
    case "linear": return linear(try t("input"), weight: try t("weight"), bias: try t("bias"))
    case "linear-plain": return linear(try t("input"), weight: try t("weight"), bias: nil)
    case "attention":
      return attention(try t("q"), try t("k"), try t("v"), heads: p.heads ?? 0, scale: p.scale ?? 0)
    case "embedding": return embedding(p.indices ?? [], table: try t("table"))
    case "activated": return try t("x").activated(try XCTUnwrap(Activation(rawValue: p.activation ?? "")))
    case "add": return try t("a") + t("b")
    case "subtract": return try t("a") - t("b")
    case "multiply": return try t("a") * t("b")
    case "scale": return try (p.factor ?? 0) * t("x")
    case "offset": return try t("x") + (p.offset ?? 0)
    case "combination":
      return try .combination(zip(p.factors ?? [], [t("a"), t("b"), t("c")]).map { ($0, $1) })
    case "combination-per-sample": return try .combination(perSample: p.a ?? [], t("a"), p.b ?? [], t("b"))
    case "clamp": return try t("x").clamped(p.low ?? 0, p.high ?? 0)
    case "addingChannels": return try t("x").addingChannels(t("t"))
    case "sum": return try t("x").sum()
    case "meanSquaredError": return meanSquaredError(try t("a"), target)
    case "meanSquaredError-weighted": return meanSquaredError(try t("a"), target, sampleWeights: p.weights)
    case "weightedMean": return try t("x").weightedMean(p.weights ?? [])
    case "squaredErrors": return squaredErrors(try t("a"), target)
    case "pseudoHuberErrors": return pseudoHuberErrors(try t("a"), target, constants: p.constants ?? [])
    case "variationalTerms":
      let divergences = zip(p.factors ?? [], p.variances ?? []).map {
        VariationalTerm.divergence(meanFactor: Double($0), logVariance: $1)
      }
      let rows = (p.first ?? 0)..<(p.last ?? 0)
      return variationalTerms(
        error: constants.error.rows(rows), x0: constants.x0.rows(rows), logVariance: try t("logVariance"),
        divergences.isEmpty ? rows.map { _ in .decoder } : divergences)
    case "tokens": return try t("x").tokens()
    case "featureMap": return try t("x").featureMap(height: p.height ?? 0, width: p.width ?? 0)
    case "upsampledNearest": return try t("x").upsampledNearest()
    case "averagePooled": return try t("x").averagePooled()
    case "maxPooled": return try t("x").maxPooled()
    case "firUpsampled": return try t("x").firUpsampled(taps: [1, 3, 3, 1])
    case "firDownsampled": return try t("x").firDownsampled(taps: [1, 3, 3, 1])
    case "concatenatedChannels": return try .concatenatedChannels([t("a"), t("b")])
    case "splitChannels": return try t("x").splitChannels(p.sizes ?? [])[1]
    case "reshaped": return try t("x").reshaped(p.shape ?? [])
    case "rows": return try t("x").rows((p.first ?? 0)..<(p.last ?? 0))
    case "stacked": return try .stacked([t("a"), t("b")])
    case "modulatedLayerNorm", "modulatedLayerNorm-affine":
      return modulatedLayerNorm(
        try t("x"), scale: try t("scale"), shift: try t("shift"), weight: inputs["weight"],
        bias: inputs["bias"], epsilon: p.epsilon ?? 0)
    case "adding-gated": return try t("x").adding(t("y"), gate: t("gate"))
    case "adding-each": return try t("x").adding(each: t("each"))
    case "patches": return try t("x").patches(p.sizes?[0] ?? 0, .channelsFirst)
    case "picture":
      return try t("x").picture(
        height: p.height ?? 0, width: p.width ?? 0, patch: p.sizes?[0] ?? 0, .channelsLast)
    case "gaussianSample":
      return gaussianSample(
        mean: try t("mean"), logVariance: try t("logVariance"), noise: try t("noise"))
    case "gaussianDivergence":
      return gaussianDivergence(mean: try t("mean"), logVariance: try t("logVariance"))
    default: throw Unknown(op: c.op)
    }
  }

  /// 2e-5 for results and 5e-5 for gradients, relative to the largest value: f32 sums of up to a few hundred terms in
  /// another order than PyTorch's, and Winograd's 1e-6.
  func testResultsAndGradientsEqualPyTorchOnEachProcessor() throws {
    try onEachProcessor { try assertEqualToPyTorch($0) }
  }

  private func assertEqualToPyTorch(_ processor: Processor) throws {
    let cases = try JSONDecoder().decode(Cases.self, from: Data(contentsOf: Fixtures.url("ops.json"))).cases
    let file = try Fixtures.tensors("ops.safetensors")
    let constants = try Constants(file)
    XCTAssertGreaterThan(cases.count, 70)
    for (n, c) in cases.enumerated() {
      let what = "case \(n), \(c.op) \(c.parameters), \(processor)"
      let list = try c.inputs.map { try file.tensor("\(n)/in/\($0)") }
      var inputs = Dictionary(uniqueKeysWithValues: zip(c.inputs, list))
      inputs["noise"] = try file.tensor("noise")
      let (y, dy) = (try file.tensor("\(n)/y"), try file.tensor("\(n)/dy"))
      assertClose(
        try withoutGradients { try run(c, inputs, constants) }, y, relative: 2e-5, "\(what), inferred")
      var taped: Tensor?
      let (_, gradients) = try valueAndGradients(of: list) {
        let y = try run(c, inputs, constants)
        taped = y
        return (y * dy).sum()
      }
      assertClose(try XCTUnwrap(taped), y, relative: 2e-5, "\(what), taped")
      for (name, gradient) in zip(c.inputs, gradients) {
        assertClose(
          gradient, try file.tensor("\(n)/d/\(name)"), relative: 5e-5, "\(what), gradient of \(name)")
      }
    }
  }

  /// A linear map that activates its results on the way out gives what the two operations give one after the other, also
  /// where they are recorded. The activation is the same code each time, hence 1e-6.
  func testALinearMapActivatesItsResults() {
    func wave(_ shape: [Int], _ step: Float) -> Tensor {
      Tensor((0..<shape.reduce(1, *)).map { sinf(Float($0) * step) }, shape: shape)
    }
    // Whole tiles and parts of them; few rows, few terms, few columns.
    for (m, k, n) in [(32, 32, 64), (70, 100, 50), (5, 33, 160), (3, 8, 40), (9, 40, 7)] {
      let (x, w, bias) = (wave([m, k], 0.3), wave([n, k], 0.17), wave([n], 0.9))
      for activation in Activation.allCases {
        let what = "\(m)×\(k)×\(n), \(activation)"
        let fused = withoutGradients { linear(x, weight: w, bias: bias, activation: activation) }
        let apart = withoutGradients { linear(x, weight: w, bias: bias).activated(activation) }
        assertClose(fused, apart, relative: 1e-6, what)
        var taped = fused
        _ = valueAndGradients(of: [x]) {
          taped = linear(x, weight: w, bias: bias, activation: activation)
          return taped.sum()
        }
        assertClose(taped, apart, relative: 1e-6, "\(what), taped")
      }
    }
  }

  /// Several maps of one input give what each gives alone, with one gradient for the input; of the results some may come to
  /// nothing. Only the order in which the input's gradient is summed differs, hence 2e-6.
  func testLinearMapsOfOneInput() {
    func wave(_ shape: [Int], _ step: Float) -> Tensor {
      Tensor((0..<shape.reduce(1, *)).map { sinf(Float($0) * step) }, shape: shape)
    }
    // Whole tiles and parts of them, and more terms than are summed at a time.
    for (m, k, n) in [(64, 32, 64), (70, 100, 50), (40, 600, 48)] {
      let x = wave([m, k], 0.3)
      let maps: [LinearMap] = [
        (wave([n, k], 0.17), wave([n], 0.9)), (wave([n, k], 0.11), nil), (wave([n, k], 0.7), wave([n], 0.4)),
      ]
      let parameters = [x] + maps.flatMap { [$0.weight] + ($0.bias.map { [$0] } ?? []) }
      onEachProcessor { processor in
        for used in [[0, 1, 2], [1], [0, 2]] {
          func loss(_ ys: [Tensor]) -> Tensor {
            used.map { (ys[$0] * ys[$0]).sum() }.reduce(Tensor([0], shape: [1]).sum(), +)
          }
          let what = "\(m)×\(k)×\(n), results \(used), \(processor)"
          let together = valueAndGradients(of: parameters) { loss(linear(x, maps)) }
          let apart = valueAndGradients(of: parameters) {
            loss(maps.map { linear(x, weight: $0.weight, bias: $0.bias) })
          }
          XCTAssertEqual(together.value.item, apart.value.item, what)
          for (a, b) in zip(together.gradients, apart.gradients) { assertClose(a, b, relative: 2e-6, what) }
          let plain = withoutGradients { linear(x, maps) }
          for (y, map) in zip(plain, maps) {
            XCTAssertEqual(
              y.values, withoutGradients { linear(x, weight: map.weight, bias: map.bias) }.values, what)
          }
        }
      }
    }
  }

  /// A value used more than once has the sum of its uses' gradients, also where one use is a remade value.
  func testGradientsAddUp() {
    let x = Tensor([0.5, -1, 2, 0.25], shape: [1, 4])
    let (_, gradients) = valueAndGradients(of: [x]) {
      let y = x.activated(.silu)
      return (y * y + x * x + 3 * x).sum()
    }
    let expected = x.values.map { v -> Float in
      let s = 1 / (1 + expf(-v))
      return 2 * v * s * s * (1 + v * (1 - s)) + 2 * v + 3
    }
    assertClose(gradients[0].values, expected, relative: 1e-6, "∂(silu² + x² + 3x)")
  }

  func testParametersThatAreNotUsedHaveZeroGradients() {
    let (a, b) = (Tensor([1, 2], shape: [2]), Tensor([3, 4, 5], shape: [3]))
    let (value, gradients) = valueAndGradients(of: [a, b]) { a.sum() }
    XCTAssertEqual(value.item, 3)
    XCTAssertEqual(gradients.map(\.values), [[1, 1], [0, 0, 0]])
  }

  func testDropoutKeepsTheMeanAndItsKey() {
    let x = Tensor.full([100, 100], 1)
    let key = NoiseKey(seed: 1, index: 2, step: 3, purpose: .dropout)
    let y = dropout(x, probability: 0.3, key: key).values
    XCTAssertEqual(y, dropout(x, probability: 0.3, key: key).values)
    XCTAssertEqual(Set(y), [0, 1 / 0.7])
    // Five deviations of 10⁴ draws.
    XCTAssertEqual(Double(y.filter { $0 == 0 }.count), 3000, accuracy: 5 * (1e4 * 0.21).squareRoot())
  }
}
