import Foundation
import Models

/// `model_index.json`: which of diffusers' pipelines a folder is, and of which class each of its parts.
public struct PipelineIndex: Sendable, Equatable {
  /// Its file's name.
  public static let fileName = "model_index.json"

  /// A part's library and class; both nil for one that the pipeline does without.
  public struct Part: Sendable, Equatable {
    /// Such as `diffusers` or `transformers`.
    public let library: String?
    /// Such as `UNet2DModel`.
    public let className: String?

    /// A class of a library.
    public init(library: String?, className: String?) {
      (self.library, self.className) = (library, className)
    }

    /// What the pipeline does without.
    static let none = Part(library: nil, className: nil)
  }

  /// Such as `DDPMPipeline`.
  public var className: String
  /// By name, such as `unet`.
  public var parts: [String: Part]
  /// Names of classes by number, of diffusers' DiTPipeline.
  public var labels: [String: String]?
  /// Whether a negative prompt that was not given is told as zeros, and not as the states of an empty text (SDXL).
  public var forcesZerosForEmptyPrompt = false

  /// An index of its values.
  public init(className: String, parts: [String: Part], labels: [String: String]? = nil) {
    (self.className, self.parts, self.labels) = (className, parts, labels)
  }

  /// The class of a part, where there is one.
  public func className(_ part: String) -> String? { parts[part]?.className }

  /// The classes' names in order, as far as their numbers follow each other; a class may have several names with commas
  /// between, of which the first is taken.
  public var classNames: [String]? {
    labels.map { labels in
      (0..<labels.count).map { labels["\($0)"]?.split(separator: ",").first.map(String.init) ?? "\($0)" }
    }
  }

  /// The index of a folder. One whose files lie flat may do without `model_index.json`: then `config.json` says what it is.
  ///
  /// - Throws: `ModelFolderError`.
  public init(of folder: URL) throws {
    let url = folder.appending(path: Self.fileName)
    guard FileManager.default.fileExists(atPath: url.path) else {
      self = try Self(flat: folder)
      return
    }
    guard let data = try? Data(contentsOf: url),
      let index = try? JSONDecoder().decode(PipelineIndex.self, from: data)
    else {
      throw ModelFolderError(folder: url.relativePath, problem: "is not the JSON of a pipeline's index")
    }
    self = index
  }

  private init(flat folder: URL) throws {
    let config = folder.appending(path: "config.json")
    let name = ModelClass.name(in: config)
    guard let name else {
      throw ModelFolderError(
        folder: folder.relativePath,
        problem: "is no model folder: it has no model_index.json, nor a config.json that says what it is of")
    }
    guard let family = DenoiserFamilies.named(name) else {
      throw ModelFolderError(
        folder: config.relativePath,
        problem: VAEFolder.classNames.contains(name)
          ? "is of an autoencoder, which draws nothing by itself; 'darkroom vae' and 'darkroom info' take it"
          : "describes a \(name), which is no network that can denoise here; these can: "
            + DenoiserFamilies.classNames.joined(separator: ", "))
    }
    self.init(
      className: "DDPMPipeline",
      parts: [
        family.component: Part(library: "diffusers", className: name),
        SchedulerComponent.name: Part(library: "diffusers", className: nil),
      ])
  }
}

extension PipelineIndex: Codable {
  private struct AnyKey: CodingKey {
    let stringValue: String
    let intValue: Int? = nil
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// - Throws: `DecodingError` where there is no `_class_name`.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: AnyKey.self)
    className = try values.decode(String.self, forKey: AnyKey(stringValue: "_class_name"))
    labels = try? values.decode([String: String].self, forKey: AnyKey(stringValue: "id2label"))
    forcesZerosForEmptyPrompt =
      (try? values.decode(Bool.self, forKey: AnyKey(stringValue: "force_zeros_for_empty_prompt"))) ?? false
    parts = [:]
    // A part is a pair; what else stands there (requires_safety_checker: true) is a setting.
    for key in values.allKeys where !key.stringValue.hasPrefix("_") {
      guard let pair = try? values.decode([String?].self, forKey: key), pair.count == 2 else { continue }
      parts[key.stringValue] = Part(library: pair[0], className: pair[1])
    }
  }

  /// Writes what diffusers reads.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: AnyKey.self)
    try values.encode(className, forKey: AnyKey(stringValue: "_class_name"))
    try values.encode(diffusersVersion, forKey: AnyKey(stringValue: "_diffusers_version"))
    if forcesZerosForEmptyPrompt {
      try values.encode(true, forKey: AnyKey(stringValue: "force_zeros_for_empty_prompt"))
    }
    try values.encodeIfPresent(labels, forKey: AnyKey(stringValue: "id2label"))
    for (name, part) in parts {
      try values.encode([part.library, part.className], forKey: AnyKey(stringValue: name))
    }
  }
}
