import ArgumentParser
import Foundation
import Models
import Pipelines
import Training

/// Whether and how a network is told captions.
struct CaptionArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Learn to draw what captions say, and where they are: metadata, sidecar, or any (either).",
      discussion: """
        metadata reads lines of file_name and text, one or a list, in metadata.jsonl; sidecar a .txt or .caption beside each \
        picture, a caption a line. Of several one is drawn at each visit. A small text encoder and its tokenizer are learned \
        with the network, which --preset text-tiny, or --config with a UNet2DConditionModel's keys, names.
        """))
  var captions: ImageFolder.CaptionSource?

  @Option(help: "Share of captions hidden in training, so that guidance works; 0 for none. (default: 0.1)")
  var captionDropout: Float?

  @Flag(help: "Put what stands between a caption's commas into another order at each visit.")
  var shuffleTags = false

  @Option(help: "The most tokens of the tokenizer that is learned from the captions. (default: 4096)")
  var vocabulary: Int?

  @Flag(help: "With --init-from: leave the model's text encoders as they are, and train the network alone.")
  var freezeTextEncoder = false

  func validate() throws {
    try require((0...1).contains(captionDropout ?? 0), "--caption-dropout must be from 0 to 1.")
    try require((514...1_000_000).contains(vocabulary ?? 514), "--vocabulary must be from 514 to 1000000.")
    let idle = [
      ("--caption-dropout", captionDropout != nil), ("--shuffle-tags", shuffleTags),
      ("--vocabulary", vocabulary != nil), ("--freeze-text-encoder", freezeTextEncoder),
    ].first { $0.1 }
    if let idle, captions == nil { throw ValidationError("\(idle.0) goes with --captions; add it.") }
  }

  var options: CaptionOptions? {
    captions.map {
      var options = CaptionOptions()
      (options.source, options.shufflesTags, options.freezesEncoder) = ($0, shuffleTags, freezeTextEncoder)
      options.vocabularySize = vocabulary ?? options.vocabularySize
      return options
    }
  }

  /// - Throws: `Failure` for a network that cannot learn what is asked.
  func check(_ network: any DenoiserConfig, _ start: StartingModel?) throws {
    let name = type(of: network).className
    guard captions != nil else {
      guard network.textInput == nil else {
        throw Failure("this \(name) reads texts; add --captions, or name a network without cross-attention.")
      }
      return
    }
    guard let input = network.textInput else {
      throw Failure(
        "this \(name) reads no texts; name one that does, such as --preset text-tiny, or leave --captions out."
      )
    }
    guard !freezeTextEncoder else {
      guard start != nil else {
        throw Failure("--freeze-text-encoder goes with --init-from, whose text encoder stays as it is.")
      }
      return
    }
    guard input.pooledChannels == nil else {
      throw Failure(
        "this \(name) is told a pooled text too, and its encoders cannot learn here; begin with a whole model by --init-from "
          + "and add --freeze-text-encoder.")
    }
  }

  /// What tells the network captions; nil where none are told.
  ///
  /// - Throws: what loading a model's encoders throws.
  func reader(
    _ folder: ImageFolder, _ network: any DenoiserConfig, _ start: StartingModel?, resolution: Int
  ) throws -> (any CaptionReader)? {
    guard let options, let input = network.textInput else { return nil }
    guard let start, let parts = start.folder.text else {
      return LearningReader(
        captions: folder.items.flatMap(\.captions), vocabularySize: options.vocabularySize,
        width: input.channels)
    }
    return freezeTextEncoder
      ? try FrozenReader(start.folder, parts, resolution: resolution) : LearningReader(parts)
  }
}

extension ImageFolder {
  /// The pictures that have captions: all of them, unless those without are to be left out.
  ///
  /// - Parameter path: the folder, as the command was given it.
  /// - Throws: `Failure`, which names pictures without.
  func captioned(_ path: String, skipsBad: Bool) throws -> ImageFolder {
    let without = uncaptioned
    guard !without.isEmpty else { return self }
    let more = without.count > 4 ? " and \(without.count - 4) more" : ""
    let which = "\(without.prefix(4).joined(separator: ", "))\(more)"
    guard skipsBad, without.count < items.count else {
      throw Failure(
        "\(path) has no caption for \(without.count) of its \(items.count.counted("picture")): \(which); write them, "
          + "or add --skip-bad to leave such pictures out.")
    }
    Console.error("left out, since \(without.count) have no caption: \(which)")
    return excluding(Set(without))
  }
}

extension ImageFolder.CaptionSource: ExpressibleByArgument {}
