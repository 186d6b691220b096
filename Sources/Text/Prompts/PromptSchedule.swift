/// How a prompt changes while a picture is made, in A1111's syntax ("Prompt editing", "Alternating words").
///
///     [from:to:when]   from, and after step `when` to      [to:when]   nothing, then to
///     [from::when]     from, then nothing                  [a|b|c]     a, b, c in turn, a step each
///
/// A `when` with a dot is a share of the steps. They nest. What is not of this form is text: brackets that are not closed,
/// colons, and the whole prompt where a `|` stands outside square brackets.
public struct PromptSchedule: Sendable, Equatable {
  /// A text and the last step, from 1, that it holds for.
  public struct Span: Sendable, Equatable {
    /// From 1.
    public let lastStep: Int
    /// Weights and breaks still in it.
    public let text: String

    /// A text up to a step.
    public init(lastStep: Int, text: String) { (self.lastStep, self.text) = (lastStep, text) }
  }

  /// In order; the last one ends with the last step.
  public let spans: [Span]

  /// - Parameter steps: of the sampler, at least 1.
  public init(_ prompt: String, steps: Int) {
    guard let tree = PromptTree(prompt) else {
      spans = [Span(lastStep: steps, text: prompt)]
      return
    }
    spans = tree.changes(steps: steps).map { Span(lastStep: $0, text: tree.text(at: $0, of: steps)) }
  }

  /// A text that does not change, whatever signs it has.
  init(plain text: String, steps: Int) { spans = [Span(lastStep: steps, text: text)] }

  /// What holds at a step, from 1.
  public func text(at step: Int) -> String { (spans.first { step <= $0.lastStep } ?? spans.last!).text }
}
