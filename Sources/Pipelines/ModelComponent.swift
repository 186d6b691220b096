import Foundation
import Models
import NN
import Schedulers

/// One part of a model's folder: opened, its descriptions read and its files' headers checked; nothing large is loaded.
///
/// A kind of part (a tokenizer, a text encoder, a ControlNet) is a type that conforms to this and stands in
/// `ModelFolder.kinds`.
public protocol ModelComponent {
  /// The classes that it can read, as diffusers and transformers name them.
  static var classNames: [String] { get }
  /// Where it is.
  var place: ComponentPlace { get }
  /// Its weights, of which only headers were read; nil for a part without.
  var weights: Checkpoint? { get }

  /// Opens it.
  ///
  /// - Throws: an error of one sentence that names the file.
  init(_ place: ComponentPlace) throws

  /// Whether its weights will fit its configuration, told from headers alone; called once all parts are open and found to
  /// go together. Does nothing unless given.
  ///
  /// - Throws: `CheckpointError` or `ConfigError`.
  func checkWeights() throws
}

extension ModelComponent {
  /// Most parts that are no networks have none.
  public var weights: Checkpoint? { nil }

  /// A part without weights has none to check.
  public func checkWeights() throws {}
}

/// Where a part of a pipeline lies, and what the index says of it.
public struct ComponentPlace: Sendable, Equatable {
  /// Its name in the index, such as `unet` or `text_encoder_2`.
  public let name: String
  /// Its class, where the index names one.
  public let className: String?
  /// The folder of its files: its own, or the model's where all files lie flat.
  public let url: URL

  /// A place by its values.
  public init(name: String, className: String?, url: URL) {
    (self.name, self.className, self.url) = (name, className, url)
  }
}

/// The network of a model's folder that denoises.
public struct DenoiserComponent: ModelComponent {
  /// The classes of all families.
  public static var classNames: [String] {
    DenoiserFamilies.all.flatMap { family in [family.className] + family.formerClassNames }
  }

  /// Where it is.
  public let place: ComponentPlace
  /// `config.json`.
  public let config: any DenoiserConfig
  /// Its weights, of which only headers were read.
  public let checkpoint: Checkpoint

  /// The same as `checkpoint`.
  public var weights: Checkpoint? { checkpoint }

  /// - Throws: `ConfigError`, or `CheckpointError` or `SafetensorsError` where there are no weights that can be read.
  public init(_ place: ComponentPlace) throws {
    self.place = place
    config = try DenoiserFamilies.config(contentsOf: place.url.appending(path: "config.json"))
    checkpoint = try Checkpoint(folder: place.url, stem: ModelFolder.weightsStem)
  }

  /// - Throws: `CheckpointError`.
  public func checkWeights() throws { _ = try config.build(ParameterStore(.headers(checkpoint))) }

  /// The network with its weights.
  ///
  /// - Throws: `CheckpointError` or `SafetensorsError`.
  public func network() throws -> any Denoiser { try config.build(ParameterStore(.checkpoint(checkpoint))) }
}

/// The scheduler of a model's folder: `scheduler_config.json`.
///
/// One of an unknown class does not keep a model from being opened, since another can take its place.
public struct SchedulerComponent: ModelComponent {
  /// Its name in every index.
  public static let name = "scheduler"
  /// Every class that can be put in its place.
  public static var classNames: [String] { SchedulerConfig.ClassName.allCases.map(\.rawValue) }

  /// Where it is.
  public let place: ComponentPlace
  private let own: Result<SchedulerConfig, SchedulerError>

  private var file: URL { place.url.appending(path: "scheduler_config.json") }

  /// Reads it, or remembers why it could not be read.
  public init(_ place: ComponentPlace) {
    self.place = place
    let file = place.url.appending(path: "scheduler_config.json")
    own = Result { () throws(SchedulerError) in try SchedulerConfig(contentsOf: file) }
  }

  /// The model's own schedule.
  ///
  /// - Throws: `SchedulerError`, which says what can be put in its place.
  public var config: SchedulerConfig {
    get throws(SchedulerError) {
      switch own {
      case .success(let config): return config
      case .failure(let error):
        throw SchedulerError(
          file: error.file, error.problem + "; --sampler or --schedule puts another in its place")
      }
    }
  }

  /// The schedule that is asked for, or the model's own.
  ///
  /// - Parameters:
  ///   - schedule: a schedule in place of the model's own: a preset's name or a file.
  ///   - sampler: how steps are taken on that noise: a short name, a preset's, a file, or a model's folder.
  /// - Throws: `SchedulerError`.
  public func config(schedule: String?, sampler: String?) throws -> SchedulerConfig {
    var config: SchedulerConfig
    if case .failure = own, let name = schedule ?? sampler {
      // What an unknown class has in common with the one asked for: its noise and its prediction.
      let className = try SamplerNames.className(of: name)
      let isThere = FileManager.default.fileExists(atPath: file.path)
      config =
        isThere || schedule == nil
        ? try SchedulerConfig(contentsOf: file, as: className) : SchedulerConfig(className)
    } else {
      config = try self.config
    }
    if let schedule { config = try config.replaced(by: schedule) }
    if let sampler { config = try config.under(sampler) }
    try config.validate()
    return config
  }
}
