import Foundation
import Models
import TensorCore

/// Examples, and the captions that a network is told of each.
public final class CaptionedExamples: ExampleSource {
  private let examples: any ExampleSource
  private let captions: [[String]]
  private let reader: any CaptionReader
  private let shufflesTags: Bool
  private let seed: UInt64

  /// - Parameters:
  ///   - examples: pictures or their latents.
  ///   - captions: of each, in the same order; at least one.
  ///   - shufflesTags: whether what stands between a caption's commas is put into another order at each visit.
  ///   - seed: by which one of several captions is drawn at each visit.
  public init(
    _ examples: any ExampleSource, captions: [[String]], _ reader: any CaptionReader, shufflesTags: Bool,
    seed: UInt64
  ) {
    precondition(examples.count == captions.count, "examples without captions")
    precondition(captions.allSatisfy { !$0.isEmpty }, "an example without a caption")
    (self.examples, self.captions, self.reader) = (examples, captions, reader)
    (self.shufflesTags, self.seed) = (shufflesTags, seed)
  }

  /// How many there are.
  public var count: Int { examples.count }
  /// `[C, H, W]` of one.
  public var shape: [Int] { examples.shape }

  /// One of the example's captions.
  public func condition(_ index: Int, visit: UInt64?) throws -> Condition? {
    try reader.condition(of: caption(index, visit: visit))
  }

  /// One of the example's captions, its tags in an order of the visit's own where they are shuffled.
  ///
  /// - Parameter visit: the number that the example has over the run; nil for the first caption as it stands.
  public func caption(_ index: Int, visit: UInt64?) -> String {
    guard let visit, captions[index].count > 1 || shufflesTags else { return captions[index][0] }
    let key = BatchPlan.key(seed, Int(visit), .caption)
    let caption = captions[index][Philox(key).integers(1, below: captions[index].count)[0]]
    guard shufflesTags else { return caption }
    let tags = caption.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty }
    // The stream's first word, which chose the caption, takes no part in a permutation.
    return Philox(key).permutation(tags.count).map { tags[$0] }.joined(separator: ", ")
  }

  /// One example's values.
  public func planes(_ index: Int, place: (x: Float, y: Float), mirrored: Bool) throws -> [Float] {
    try examples.planes(index, place: place, mirrored: mirrored)
  }
}

extension ExampleSource {
  /// The same examples, each told by its captions where there is a reader of them.
  ///
  /// - Parameter folder: of the pictures, in the same order; each has a caption where there is a reader.
  public func captioned(
    by folder: ImageFolder, _ reader: (any CaptionReader)?, _ options: TrainingOptions
  ) -> any ExampleSource {
    guard let reader, let captions = options.captions else { return self }
    return CaptionedExamples(
      self, captions: folder.items.map(\.captions), reader, shufflesTags: captions.shufflesTags,
      seed: options.seed)
  }
}
