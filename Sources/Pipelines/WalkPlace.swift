/// Where a frame lies on a way along several stops.
public struct WalkPlace: Sendable, Equatable {
  /// The stop that it has passed, by number.
  public let stop: Int
  /// How far it is from there to the next, from 0 to 1.
  public let share: Float

  /// The place of frame `frame` of `count` on a way of so many stops: the first is at the first, the last at the last.
  public init(_ frame: Int, of count: Int, stops: Int) {
    let (steps, last) = (frame * (stops - 1), max(1, count - 1))
    stop = min(steps / last, max(0, stops - 2))
    share = Float(steps - stop * last) / Float(last)
  }

  /// What lies there, between the stop that was passed and the next.
  public func between<Stop>(_ stops: [Stop], _ mix: (Stop, Stop, Float) -> Stop) -> Stop {
    mix(stops[stop], stops[min(stop + 1, stops.count - 1)], share)
  }
}
