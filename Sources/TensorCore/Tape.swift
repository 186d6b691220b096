import Synchronization

/// The record of the operations between parameters and a loss: an array of entries with indices.
///
/// It is an array and not a graph of linked objects, whose release would recurse as deep as the network. A node's number
/// holds that of its tape, so that a tensor left over from an earlier tape, or of another thread's, is seen to be a
/// constant.
package final class Tape {
  /// Given the gradient of an operation's result and which of its inputs need theirs, the inputs' gradients.
  package typealias Backward = (_ dy: Tensor, _ needed: [Bool]) -> [Tensor?]
  /// The same of an operation with several results, some of which nothing may have been made of.
  typealias BackwardOfSeveral = (_ dys: [Tensor?], _ needed: [Bool]) -> [Tensor?]

  struct Entry {
    let inputs: [Int]  // 0 for a constant
    /// How many results the operation has: this entry's, and those of the entries that follow.
    var results = 1
    var backward: BackwardOfSeveral?
    /// Makes the entry's value again, where that is cheaper than keeping it.
    var remake: (() -> Tensor)?
  }

  /// One tape at a time on a thread that runs a model.
  static var current: Tape? {
    get { threadTape.value }
    set { threadTape.value = newValue }
  }

  private static let threadTape = ThreadLocal<Tape>()
  private static let tapesMade = Atomic<Int>(0)

  /// The number of the first node; the tape's own number is in the upper half.
  private let base: Int
  private var nodes: Range<Int> { base..<base + entries.count }
  private var entries: [Entry] = []
  private var leaves: [ObjectIdentifier: Int] = [:]

  init(parameters: [Tensor]) {
    base = Tape.tapesMade.add(1, ordering: .relaxed).newValue << 32
    for p in parameters where leaves[ObjectIdentifier(p.storage)] == nil {
      leaves[ObjectIdentifier(p.storage)] = append(Entry(inputs: [], backward: nil))
    }
  }

  private func append(_ entry: Entry) -> Int {
    entries.append(entry)
    return base + entries.count - 1
  }

  /// The tensor's node on this tape, or 0 where it is a constant.
  func node(of t: Tensor) -> Int {
    if nodes.contains(t.node) { return t.node }
    return t.node == Tensor.detachedNode ? 0 : leaves[ObjectIdentifier(t.storage)] ?? 0
  }

  func remake(of t: Tensor) -> (() -> Tensor)? {
    let n = node(of: t)
    return n > 0 ? entries[n - base].remake : nil
  }

  func record(
    _ y: Tensor, inputs: [Tensor], remake: (() -> Tensor)?, backward: @escaping Backward
  ) -> Tensor {
    let nodes = inputs.map { node(of: $0) }
    guard nodes.contains(where: { $0 > 0 }) else { return y }
    return y.with(
      node: append(
        Entry(inputs: nodes, backward: { dys, needed in backward(dys[0]!, needed) }, remake: remake)))
  }

  func record(_ results: [Tensor], inputs: [Tensor], backward: @escaping BackwardOfSeveral) -> [Tensor] {
    let nodes = inputs.map { node(of: $0) }
    guard nodes.contains(where: { $0 > 0 }) else { return results }
    return results.enumerated().map { i, y in
      y.with(
        node: append(
          i == 0
            ? Entry(inputs: nodes, results: results.count, backward: backward)
            : Entry(inputs: [], backward: nil)))
    }
  }

  /// Walks the entries from the last to the first, freeing each as it goes.
  func gradients(of loss: Tensor, for parameters: [Tensor]) -> [Tensor] {
    var slots = [Tensor?](repeating: nil, count: entries.count)
    let top = node(of: loss)
    if top > 0 { slots[top - base] = .full(loss.shape, 1) }
    for i in entries.indices.reversed() {
      guard let backward = entries[i].backward else { continue }
      entries[i].backward = nil
      entries[i].remake = nil
      let results = i..<i + entries[i].results
      let dys = Array(slots[results])
      if dys.allSatisfy({ $0 == nil }) { continue }
      for result in results { slots[result] = nil }
      let inputs = entries[i].inputs
      let gradients = backward(dys, inputs.map { $0 > 0 })
      for (node, gradient) in zip(inputs, gradients) where node > 0 {
        guard let gradient else { continue }
        slots[node - base] = slots[node - base].map { $0.accumulating(gradient) } ?? gradient
      }
    }
    return parameters.map { p in
      leaves[ObjectIdentifier(p.storage)].flatMap { slots[$0 - base] } ?? .zeros(p.shape)
    }
  }
}

/// The value of `body`, a scalar, and its gradient for each of `parameters` (zeros where it does not depend on one).
public func valueAndGradients(of parameters: [Tensor], _ body: () throws -> Tensor) rethrows -> (
  value: Tensor, gradients: [Tensor]
) {
  precondition(Tape.current == nil, "valueAndGradients inside valueAndGradients")
  let tape = Tape(parameters: parameters)
  let loss = try Tape.using(tape, body)
  precondition(loss.count == 1, "a loss is one value, not \(loss.shape)")
  return (loss.detached, tape.gradients(of: loss, for: parameters))
}

/// Runs `body` with no tape kept: memory is reused as soon as a value is no longer referred to, and convolutions take
/// the path whose result does not depend on the batch.
public func withoutGradients<R>(_ body: () throws -> R) rethrows -> R { try Tape.using(nil, body) }

extension Tape {
  fileprivate static func using<R>(_ tape: Tape?, _ body: () throws -> R) rethrows -> R {
    let outer = current
    current = tape
    defer { current = outer }
    return try body()
  }
}

extension Tensor {
  /// Puts this value on the tape, if one is kept, as the result of an operation on `inputs`.
  ///
  /// - Parameter remake: makes the value again from what the closure keeps. Given where the value is large and cheap
  ///   (an activation, a normalisation): operations on it then keep this closure and not the value.
  package func recorded(
    inputs: [Tensor], remake: (() -> Tensor)? = nil, backward: @escaping Tape.Backward
  ) -> Tensor {
    Tape.current?.record(self, inputs: inputs, remake: remake, backward: backward) ?? self
  }

  /// Puts several results of one operation on the tape, if one is kept.
  static func recorded(_ results: [Tensor], inputs: [Tensor], backward: @escaping Tape.BackwardOfSeveral)
    -> [Tensor]
  {
    Tape.current?.record(results, inputs: inputs, backward: backward) ?? results
  }

  /// For a backward pass to keep: gives the value again, by remaking it where that is cheap.
  package var saved: () -> Tensor {
    if let remake = Tape.current?.remake(of: self) { return remake }
    let value = detached
    return { value }
  }
}
