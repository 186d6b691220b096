/// Which examples are learned, and which are only measured by.
public struct HeldOut: Sendable, Equatable {
  /// The numbers of the examples that are learned.
  public let learned: [Int]
  /// The numbers of those that never are.
  public let heldOut: [Int]
  /// What is measured by: the examples held out, or else a few of those that are learned.
  public let measured: [Int]

  /// The most that are held out: more would measure no better and teach nothing.
  public static let most = 256

  /// Holds out every so many-th example, so that all classes are among them.
  ///
  /// - Parameters:
  ///   - count: of all examples, at least 1.
  ///   - share: of them to hold out, at least 0 and below 0.5. Where that comes to less than one example, none is.
  public init(count: Int, share: Double) {
    let every =
      share > 0 ? max(2, Int(min(1 / share, 1e9).rounded()), (count + Self.most - 1) / Self.most) : Int.max
    let heldOut = (0..<count).filter { $0 % every == every - 1 }
    let learned = (0..<count).filter { $0 % every != every - 1 }
    let some = min(learned.count, 16)
    (self.heldOut, self.learned) = (heldOut, learned)
    measured = heldOut.isEmpty ? (0..<some).map { learned[$0 * learned.count / some] } : heldOut
  }

  /// What a measurement is of, for a sentence.
  public var description: String {
    func pictures(_ count: Int) -> String { count == 1 ? "1 picture" : "\(count) pictures" }
    return heldOut.isEmpty
      ? "\(pictures(measured.count)) that it learns from, none being held out"
      : "\(pictures(heldOut.count)) held out"
  }
}
