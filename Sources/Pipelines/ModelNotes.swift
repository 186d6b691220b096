import Foundation

/// What a model folder says beyond diffusers' files, in `darkroom.json`; diffusers does not look at it.
public struct ModelNotes: Codable, Sendable, Equatable {
  static let fileName = "darkroom.json"

  /// The classes' names by index.
  public var classes: [String]?
  /// The index that stands for no class, which guidance compares with.
  public var nullClass: Int?
  /// How many steps it was trained for.
  public var trainedSteps: Int?
  /// The share of labels that were hidden in training, without which guidance has nothing to compare with.
  public var labelDropout: Float?

  /// Nothing known, unless given.
  public init(
    classes: [String]? = nil, nullClass: Int? = nil, trainedSteps: Int? = nil, labelDropout: Float? = nil
  ) {
    (self.classes, self.nullClass, self.trainedSteps) = (classes, nullClass, trainedSteps)
    self.labelDropout = labelDropout
  }

  /// Those of a folder; nil where there are none that can be read.
  init?(in folder: URL) {
    guard let data = try? Data(contentsOf: folder.appending(path: Self.fileName)),
      let notes = try? JSONDecoder().decode(ModelNotes.self, from: data)
    else { return nil }
    self = notes
  }

  private enum CodingKeys: String, CodingKey {
    case classes
    case nullClass = "null_class"
    case trainedSteps = "trained_steps"
    case labelDropout = "label_dropout"
  }
}
