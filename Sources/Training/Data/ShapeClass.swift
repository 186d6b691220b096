import Foundation

/// The classes of the data set that Darkroom draws itself.
public enum ShapeClass: String, Sendable, CaseIterable {
  /// A disc.
  case circle
  /// Two crossing bars, upright.
  case cross
  /// A rhombus, higher than wide.
  case diamond
  /// A heart.
  case heart
  /// A disc with a hole.
  case ring
  /// A square, upright.
  case square
  /// A star of five points.
  case star
  /// A triangle, pointing up.
  case triangle

  /// Whether (`x`, `y`) lies inside the shape of radius 1 about the origin; y points up.
  func contains(_ x: Double, _ y: Double) -> Bool {
    switch self {
    case .circle:
      return x * x + y * y <= 0.9
    case .cross:
      return min(abs(x), abs(y)) <= 0.32 && max(abs(x), abs(y)) <= 0.98
    case .diamond:
      return abs(x) / 0.64 + abs(y) / 0.98 <= 1
    case .heart:
      // The sextic (x² + y² - 1)³ = x² y³, moved and scaled into the unit circle.
      let (u, v) = (x * 1.2, y * 1.2 + 0.12)
      let r = u * u + v * v - 1
      return r * r * r <= u * u * v * v * v
    case .ring:
      return (0.3...0.95).contains(x * x + y * y)
    case .square:
      return max(abs(x), abs(y)) <= 0.82
    case .star:
      return Self.insideStar(x, y)
    case .triangle:
      return y >= -0.72 && abs(x) * 1.65 <= 0.95 - y
    }
  }

  /// Inside the pentagram's outline: in the arm nearest to the point, below the edge from tip to notch.
  private static func insideStar(_ x: Double, _ y: Double) -> Bool {
    let tipRadius = 1.05
    let notchRadius = 0.48
    let halfArm = Double.pi / 5
    // The angle from the nearest tip, one of which points up; symmetry leaves its absolute value.
    let turn = atan2(x, y) / (2 * halfArm)
    let angle = abs(turn - turn.rounded()) * 2 * halfArm
    let radius = (x * x + y * y).squareRoot()
    let (px, py) = (radius * sin(angle), radius * cos(angle))
    let (nx, ny) = (notchRadius * sin(halfArm), notchRadius * cos(halfArm))
    return nx * (py - tipRadius) - (ny - tipRadius) * px <= 0
  }
}
