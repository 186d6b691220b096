import Foundation

/// Where an axis has its ticks and how they are labelled.
struct AxisTicks: Equatable {
  /// Values in rising order, all within the range.
  let values: [Double]
  /// One label a value.
  let labels: [String]

  /// Ticks at multiples of 1, 2 or 5 times a power of ten, about `count` of them.
  ///
  /// - Parameter whole: whether the values are whole numbers, between which a tick would say nothing.
  static func linear(_ range: ClosedRange<Double>, count: Int, whole: Bool = false) -> AxisTicks {
    let span = range.upperBound - range.lowerBound
    let power = pow(10, (log10(span / Double(count))).rounded(.down))
    let fine = [1, 2, 5, 10].map { $0 * power }.first { span / $0 <= Double(count) } ?? 10 * power
    let step = whole ? max(1, fine) : fine
    let first = (range.lowerBound / step - 1e-9).rounded(.up)
    let last = (range.upperBound / step + 1e-9).rounded(.down)
    let values = stride(from: first, through: last, by: 1).map { $0 * step }
    let decimals = max(0, Int(-log10(step).rounded(.down)))
    return AxisTicks(values: values, labels: values.map { label($0, decimals: decimals, step: step) })
  }

  /// Ticks at powers of ten, with 2 and 5 between them where there are few powers; at round distances, as on a linear axis,
  /// where fewer than three of those lie in the range.
  static func logarithmic(_ range: ClosedRange<Double>) -> AxisTicks {
    let (low, high) = (log10(range.lowerBound), log10(range.upperBound))
    let everyPower = Int(low.rounded(.down))...Int(high.rounded(.up))
    let stepOfPowers = max(1, everyPower.count / 8)
    let factors: [Double] = high - low < 2.5 ? [1, 2, 5] : [1]
    let slack = 1e-9 * range.upperBound
    var values: [Double] = []
    for power in everyPower where power % stepOfPowers == 0 {
      values += factors.map { $0 * pow(10, Double(power)) }
    }
    values.removeAll { $0 < range.lowerBound || $0 > range.upperBound + slack }
    if values.count < 3, high - low < 2.5 { return linear(range, count: 6) }
    return AxisTicks(values: values, labels: values.map(scientific))
  }

  private static func label(_ value: Double, decimals: Int, step: Double) -> String {
    if value == 0 { return "0" }
    if decimals > 5 { return scientific(value) }
    if step >= 1_000_000 { return "\(fixed(value / 1_000_000, decimals: 0))M" }
    if step >= 1_000 { return "\(fixed(value / 1_000, decimals: 0))k" }
    return fixed(value, decimals: decimals)
  }

  /// Plain decimals near 1, else `1e-5`.
  private static func scientific(_ value: Double) -> String {
    if value >= 0.001 && value < 10_000 {
      let text = fixed(value, decimals: 4)
      let trimmed = text.reversed().drop { $0 == "0" }.drop { $0 == "." }.reversed()
      return text.contains(".") ? String(trimmed) : text
    }
    return String(format: "%.0e", value)
      .replacingOccurrences(of: "e-0", with: "e-").replacingOccurrences(of: "e+0", with: "e")
  }

  private static func fixed(_ value: Double, decimals: Int) -> String {
    String(format: "%.\(decimals)f", value)
  }
}
