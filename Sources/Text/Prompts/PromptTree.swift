/// A prompt taken apart into texts, changes and alternations; see `PromptSchedule`.
struct PromptTree {
  private indirect enum Node {
    case text(String)
    case all([Node])
    case change(from: Node, to: Node, when: Double, isShare: Bool)
    case turns([Node])
  }

  private let root: Node

  /// Nil where the prompt is not of A1111's grammar: a `|` outside square brackets, or a backslash before nothing.
  init?(_ prompt: String) {
    var reader = Reader(text: Array(prompt.unicodeScalars))
    guard let root = reader.all() else { return nil }
    self.root = root
  }

  /// The steps after which the text may change, the last one included.
  func changes(steps: Int) -> [Int] {
    var result: Set<Int> = [steps]
    func visit(_ node: Node) {
      switch node {
      case .text: break
      case .all(let nodes): nodes.forEach(visit)
      case .change(let from, let to, let when, let isShare):
        let step = Self.step(when, isShare, steps)
        if step >= 1 { result.insert(step) }
        visit(from)
        visit(to)
      case .turns(let nodes):
        result.formUnion(1...steps)
        nodes.forEach(visit)
      }
    }
    visit(root)
    return result.sorted()
  }

  /// The text at a step, from 1.
  func text(at step: Int, of steps: Int) -> String {
    func text(_ node: Node) -> String {
      switch node {
      case .text(let text): text
      case .all(let nodes): nodes.map(text).joined()
      case .change(let from, let to, let when, let isShare):
        text(step <= Self.step(when, isShare, steps) ? from : to)
      case .turns(let nodes): text(nodes[(step - 1) % nodes.count])
      }
    }
    return text(root)
  }

  private static func step(_ when: Double, _ isShare: Bool, _ steps: Int) -> Int {
    let step = isShare ? when * Double(steps) : when
    return Int(min(max(step, -1), Double(steps)))
  }

  private struct Reader {
    let text: [Unicode.Scalar]
    var at = 0
    /// Brackets that are known to be closed nowhere, so that none is tried twice.
    var unclosed: Set<Int> = []

    /// Deeper brackets are text; the program's stack is not endless.
    private static let deepest = 200

    init(text: [Unicode.Scalar]) { self.text = text }

    /// The whole prompt, brackets and colons that are part of nothing taken as text.
    mutating func all() -> Node? {
      var nodes: [Node] = []
      while at < text.count {
        if let item = item(depth: 0) {
          nodes.append(item)
        } else if "()[]:".unicodeScalars.contains(text[at]) {
          nodes.append(.text(String(text[at])))
          at += 1
        } else {
          return nil
        }
      }
      return .all(nodes)
    }

    /// Items up to a closing bracket, a colon or a bar, or to what cannot be read.
    private mutating func sequence(depth: Int) -> Node {
      var nodes: [Node] = []
      while at < text.count, let item = item(depth: depth) { nodes.append(item) }
      return .all(nodes)
    }

    private mutating func item(depth: Int) -> Node? {
      switch text[at] {
      case "(", "[":
        guard depth < Self.deepest, !unclosed.contains(at) else { return nil }
        let start = at
        if let group = text[at] == "(" ? round(depth: depth + 1) : square(depth: depth + 1) { return group }
        unclosed.insert(start)
        at = start
        return nil
      default: return plain()
      }
    }

    private mutating func plain() -> Node? {
      let start = at
      while at < text.count, !"()[]:|".unicodeScalars.contains(text[at]) {
        let isEscape = text[at] == "\\"
        if isEscape, at + 1 == text.count || text[at + 1] == "\n" { break }
        at += isEscape ? 2 : 1
      }
      return at > start ? .text(text[start..<at].text) : nil
    }

    /// `(…)` or `(…:…)`, which only weights look at.
    private mutating func round(depth: Int) -> Node? {
      at += 1
      var nodes: [Node] = [.text("("), sequence(depth: depth)]
      if take(":") { nodes += [.text(":"), sequence(depth: depth)] }
      guard take(")") else { return nil }
      return .all(nodes + [.text(")")])
    }

    private mutating func square(depth: Int) -> Node? {
      at += 1
      var start = at
      var parts = [sequence(depth: depth)]
      if take("|") {
        repeat { parts.append(sequence(depth: depth)) } while take("|")
        return take("]") ? .turns(parts) : nil
      }
      while take(":") {
        start = at
        parts.append(sequence(depth: depth))
      }
      let last = text[start..<at]
      guard take("]") else { return nil }
      switch parts.count {
      case 1: return .all([.text("["), parts[0], .text("]")])
      case 2, 3:
        guard let when = Self.number(last) else { return nil }
        return .change(
          from: parts.count == 3 ? parts[0] : .text(""), to: parts[parts.count - 2], when: when,
          isShare: last.contains("."))
      default: return nil
      }
    }

    private mutating func take(_ sign: Unicode.Scalar) -> Bool {
      guard at < text.count, text[at] == sign else { return false }
      at += 1
      return true
    }

    /// A decimal number with white space around it; Swift's other forms (hexadecimal, "inf") are no numbers here.
    private static func number(_ text: ArraySlice<Unicode.Scalar>) -> Double? {
      let number = text.trimmed
      guard number.allSatisfy({ $0.isDigit || "+-.eE".unicodeScalars.contains($0) }) else { return nil }
      return Double(number.text)
    }
  }
}
