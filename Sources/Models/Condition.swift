import TensorCore

/// What a network is told about a batch besides the noisy pictures and their timesteps, a row a picture.
///
/// Each network takes the parts that it was made for; what it does not know of is left nil.
public struct Condition {
  /// N classes.
  public var labels: [Int]?
  /// Other classes that the pictures lie on the way to.
  public var blend: ClassBlend?
  /// What the network's cross-attention reads.
  public var text: TextStates?
  /// N texts of T tokens each, for a network that encodes them itself (`TextDenoiser`).
  public var tokens: [[Int]]?
  /// A text encoder's pooled state, `[N, D]` (SDXL: Podell et al. 2023).
  public var pooledText: Tensor?
  /// Numbers that say a size each, `[N, K]`: SDXL's original height and width, top and left of the crop, and target height
  /// and width.
  public var sizes: Tensor?
  /// Scales of guidance, `[N, 1]`, for networks that were taught to follow them by themselves (Meng et al. 2023, "On
  /// distillation of guided diffusion models").
  public var guidance: Tensor?
  /// What a ControlNet adds inside the network (Zhang et al. 2023).
  public var control: ControlResiduals?
  /// Channels that follow the noisy picture's own, `[N, C, H, W]`: an inpainting network's mask and masked picture.
  public var channels: Tensor?
  /// The picture that a ControlNet reads, `[N, C, H, W]` in 0 … 1; a network alone does not look at it.
  public var hint: Tensor?

  /// Nothing is known.
  public static var none: Condition { Condition() }

  /// - Parameters:
  ///   - labels: N classes.
  ///   - blend: classes on the way to which the pictures lie; N of them, where there are labels.
  ///   - text: what cross-attention reads.
  ///   - tokens: N texts of T tokens each, in place of their states.
  ///   - pooledText: `[N, D]`.
  ///   - sizes: `[N, K]`.
  ///   - guidance: `[N, 1]`.
  ///   - control: what a ControlNet adds.
  ///   - channels: `[N, C, H, W]`.
  ///   - hint: `[N, C, H, W]`.
  public init(
    labels: [Int]? = nil, blend: ClassBlend? = nil, text: TextStates? = nil, tokens: [[Int]]? = nil,
    pooledText: Tensor? = nil, sizes: Tensor? = nil, guidance: Tensor? = nil,
    control: ControlResiduals? = nil, channels: Tensor? = nil, hint: Tensor? = nil
  ) {
    (self.labels, self.blend) = (labels, blend)
    (self.text, self.tokens) = (text, tokens)
    (self.pooledText, self.sizes, self.guidance) = (pooledText, sizes, guidance)
    (self.control, self.channels, self.hint) = (control, channels, hint)
  }

  /// The classes as a network is told them.
  public var classLabels: ClassLabels? {
    labels.map { labels in blend.map { .blends(labels, $0.labels, shares: $0.shares) } ?? .indices(labels) }
  }

  /// The noisy pictures with `channels` after their own: `[N, C, H, W]` → `[N, C + C′, H, W]`.
  public func joined(to x: Tensor) -> Tensor { channels.map { .concatenatedChannels([x, $0]) } ?? x }
}

/// The states of a text's tokens.
public struct TextStates {
  /// `[N, T, D]`
  public var states: Tensor
  /// `[N, T]`, 1 where a token counts and 0 where it does not; nil where all count.
  public var mask: Tensor?

  /// - Parameters:
  ///   - states: `[N, T, D]`.
  ///   - mask: `[N, T]`; nil where all tokens count.
  public init(_ states: Tensor, mask: Tensor? = nil) { (self.states, self.mask) = (states, mask) }
}

/// What a ControlNet adds to a network's feature maps, or to the tokens between a transformer's blocks.
public struct ControlResiduals {
  /// One a skip connection or block, from the input on, `[N, C, H, W]` or `[N, T, D]` each.
  public var blocks: [Tensor]
  /// For the block in the middle, where there is one.
  public var middle: Tensor?

  /// - Parameters:
  ///   - blocks: one a skip connection or block, from the input on.
  ///   - middle: for the block in the middle, where there is one.
  public init(blocks: [Tensor], middle: Tensor? = nil) { (self.blocks, self.middle) = (blocks, middle) }
}

// MARK: - Rows

extension Condition {
  /// What is known about the pictures `range` of the batch.
  public func rows(_ range: Range<Int>) -> Condition {
    Condition(
      labels: labels.map { Array($0[range]) },
      blend: blend.map { ClassBlend(labels: Array($0.labels[range]), shares: Array($0.shares[range])) },
      tokens: tokens.map { Array($0[range]) },
      tensors: tensors.mapValues { $0.rows(range) })
  }

  /// What is known about one picture, said of `count`.
  public func repeated(_ count: Int) -> Condition { .stacked(Array(repeating: self, count: count)) }

  /// Whether the rows of both may be rows of one batch: the same parts are known, and texts are of one length.
  public func isStackable(with other: Condition) -> Bool {
    (labels == nil) == (other.labels == nil) && tokens?.first?.count == other.tokens?.first?.count
      && tensors.mapValues { $0.shape.dropFirst() } == other.tensors.mapValues { $0.shape.dropFirst() }
  }

  /// The rows of all `parts`, one after the other; any two must be stackable.
  public static func stacked(_ parts: [Condition]) -> Condition {
    precondition(!parts.isEmpty, "nothing to stack")
    if parts.count == 1 { return parts[0] }
    precondition(parts.allSatisfy { $0.isStackable(with: parts[0]) }, "stacking unlike conditions")
    let all = parts.map(\.tensors)
    return Condition(
      labels: parts[0].labels == nil ? nil : parts.flatMap { $0.labels ?? [] },
      blend: parts.allSatisfy { $0.blend == nil }
        ? nil
        : ClassBlend(
          labels: parts.flatMap { $0.blend?.labels ?? $0.labels ?? [] },
          shares: parts.flatMap { part in part.blend?.shares ?? (part.labels ?? []).map { _ in 0 } }),
      tokens: parts[0].tokens == nil ? nil : parts.flatMap { $0.tokens ?? [] },
      tensors: Dictionary(
        uniqueKeysWithValues: all[0].keys.map { key in (key, .stacked(all.compactMap { $0[key] })) }))
  }

  /// What lies between two conditions, row by row: classes become blends, whose embeddings are mixed, and all else is mixed
  /// as it is.
  ///
  /// - Parameters:
  ///   - share: how far it lies from `a` to `b`, from 0 to 1; at either end it is that condition itself.
  ///   - b: stackable with `a`, and as many rows; neither holds blends.
  public static func between(_ a: Condition, _ b: Condition, _ share: Float) -> Condition {
    precondition(a.isStackable(with: b) && a.blend == nil && b.blend == nil, "between unlike conditions")
    precondition(a.tokens == b.tokens, "between tokens there is nothing; their states have a between")
    if share == 0 { return a }
    if share == 1 { return b }
    let others = b.tensors
    return Condition(
      labels: a.labels,
      blend: b.labels.map { ClassBlend(labels: $0, shares: $0.map { _ in share }) },
      tokens: a.tokens,
      tensors: Dictionary(
        uniqueKeysWithValues: a.tensors.map { part, x in
          (part, others[part].map { .combination([(1 - share, x), (share, $0)]) } ?? x)
        }))
  }

  /// The parts that are tensors, by name: what holds of rows is written once for all of them.
  private enum Part: Hashable {
    case states, mask, pooledText, sizes, guidance, block(Int), middle, channels, hint
  }

  private var tensors: [Part: Tensor] {
    var parts: [Part: Tensor] = [:]
    (parts[.states], parts[.mask]) = (text?.states, text?.mask)
    (parts[.pooledText], parts[.sizes], parts[.channels]) = (pooledText, sizes, channels)
    for (i, block) in (control?.blocks ?? []).enumerated() { parts[.block(i)] = block }
    (parts[.middle], parts[.hint], parts[.guidance]) = (control?.middle, hint, guidance)
    return parts
  }

  private init(labels: [Int]?, blend: ClassBlend?, tokens: [[Int]]?, tensors: [Part: Tensor]) {
    let blocks = (0..<tensors.count).compactMap { tensors[.block($0)] }
    self.init(
      labels: labels, blend: blend, text: tensors[.states].map { TextStates($0, mask: tensors[.mask]) },
      tokens: tokens, pooledText: tensors[.pooledText], sizes: tensors[.sizes],
      guidance: tensors[.guidance],
      control: blocks.isEmpty && tensors[.middle] == nil
        ? nil : ControlResiduals(blocks: blocks, middle: tensors[.middle]),
      channels: tensors[.channels], hint: tensors[.hint])
  }
}
