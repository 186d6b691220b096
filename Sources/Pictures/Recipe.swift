import Foundation

/// Everything that made a picture, so that it can be made again.
///
/// It travels in the PNG or JPEG as JSON under the keyword `darkroom`, with the web UI's `parameters` beside it for
/// every other program. Fields that do not apply are absent from the JSON.
public struct Recipe: Codable, Sendable, Hashable {
  /// The keyword under which the JSON stands.
  public static let keyword = "darkroom"

  /// The version of Darkroom that made the picture.
  public var version: String
  /// The model folder as it was named on the command line.
  public var model: String
  /// SHA-256 of the model's weights, 64 hexadecimal digits.
  public var modelHash: String?
  /// SHA-256 of each part's weights, by the part's name in the model's index.
  public var parts: [String: String]?
  /// SHA-256 of each other file that decided the picture, by its path on the command line.
  public var inputs: [String: String]?
  /// How products were summed, which decides bits: `fma`, alike on all processors but AMX, or AMX's `split`.
  public var arithmetic: String?
  /// What products were computed in where that was not f32: `bf16`.
  public var precision: String?
  /// The seed of all noise.
  public var seed: UInt64
  /// Which picture of the seed this is, from 0: noise is keyed by both.
  public var imageIndex: Int
  /// The generator of the noise, `philox` or `torch`.
  public var rng: String
  /// The seed that the noise was led towards, and how far, from 0 to 1.
  public var variationSeed: UInt64?, variationStrength: Double?
  /// Denoising steps.
  public var steps: Int
  /// The sampler as on the command line, such as `ddim`.
  public var sampler: String
  /// DDIM's η, from 0 (no noise added) to 1.
  public var eta: Double?
  /// The scheduler's configuration, the text of its `scheduler_config.json`.
  public var scheduler: String?
  /// The strength of guidance; 1 is none.
  public var guidanceScale: Double?
  /// How far guidance's contrast was taken back, from 0 to 1.
  public var guidanceRescale: Double?
  /// The share of the steps at which guidance began and ended, where it did not hold for all.
  public var guidanceStart, guidanceEnd: Double?
  /// The classes that were avoided, by index.
  public var negativeClasses: [Int]?
  /// How strongly, where that was a strength of its own.
  public var negativeScale: Double?
  /// Whether only what they do not share with the class was avoided.
  public var perpendicularNegative: Bool?
  /// The folder of the weaker model that was guided away from, and SHA-256 of its weights.
  public var autoguidance, autoguidanceHash: String?
  /// The folder of the classifier that led the picture to its class, whose files' hashes are among `inputs`, and how strongly.
  public var classifier: String?, classifierScale: Double?
  /// The picture that it was made of, as it was named; its hash is among `inputs`.
  public var image: String?
  /// The share of the schedule that the picture went through, and the steps of the whole schedule.
  public var strength: Double?, scheduleSteps: Int?
  /// By what factor it was enlarged after a first pass, what was enlarged (`latent` or `pixels`), and the share of the
  /// schedule that the second pass went through.
  public var upscale: Double?, upscaleMode: String?, upscaleStrength: Double?
  /// What of a run is shown where that is not its pictures: `steps` for their way.
  public var shows: String?
  /// How the picture was brought to the size: `crop`, `pad` or `stretch`.
  public var fit: String?
  /// How a part was painted anew, and what it started from.
  public var method, fill: String?
  /// The mask, as it was named; its hash is among `inputs`.
  public var mask: String?
  /// RePaint's jumps.
  public var jumpLength, resamplings: Int?
  /// The class by its index.
  public var classLabel: Int?
  /// The class by its name.
  public var className: String?
  /// What was asked for.
  public var prompt: String?
  /// What was to be avoided.
  public var negativePrompt: String?
  /// Width in pixels.
  public var width: Int
  /// Height in pixels.
  public var height: Int
  /// The command that made the picture, quoted for a shell.
  public var commandLine: String?

  /// A recipe; what is not given does not apply.
  public init(
    version: String, model: String, modelHash: String? = nil, parts: [String: String]? = nil,
    inputs: [String: String]? = nil, arithmetic: String? = nil, seed: UInt64, imageIndex: Int = 0,
    rng: String = "philox", steps: Int, sampler: String, eta: Double? = nil, scheduler: String? = nil,
    guidanceScale: Double? = nil, classLabel: Int? = nil, className: String? = nil, prompt: String? = nil,
    negativePrompt: String? = nil, width: Int, height: Int, commandLine: String? = nil
  ) {
    self.version = version
    self.model = model
    self.modelHash = modelHash
    self.parts = parts
    self.inputs = inputs
    self.arithmetic = arithmetic
    self.seed = seed
    self.imageIndex = imageIndex
    self.rng = rng
    self.steps = steps
    self.sampler = sampler
    self.eta = eta
    self.scheduler = scheduler
    self.guidanceScale = guidanceScale
    self.classLabel = classLabel
    self.className = className
    self.prompt = prompt
    self.negativePrompt = negativePrompt
    self.width = width
    self.height = height
    self.commandLine = commandLine
  }

  /// The recipe as JSON, keys sorted, the same text for the same recipe.
  ///
  /// - Throws: `EncodingError` where a number is infinite or not a number.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  /// The two texts to be written into a picture: the JSON, and the web UI's `parameters`.
  ///
  /// - Throws: as `json()`.
  public func textChunks() throws -> [TextChunk] {
    [
      TextChunk(keyword: Self.keyword, text: try json()),
      TextChunk(keyword: GenerationParameters.keyword, text: generationParameters.text),
    ]
  }

  /// The recipe among a picture's chunks, or nil where no Darkroom made it.
  ///
  /// - Parameter file: the picture's name, for the error.
  /// - Throws: `PictureError` with `.unreadableRecipe`.
  public static func find(in texts: [TextChunk], file: String) throws(PictureError) -> Recipe? {
    guard let chunk = texts.first(where: { $0.keyword == keyword }) else { return nil }
    do {
      return try JSONDecoder().decode(Recipe.self, from: Data(chunk.text.utf8))
    } catch let DecodingError.keyNotFound(key, _) {
      throw PictureError(.unreadableRecipe(reason: "\"\(key.stringValue)\" is missing"), file: file)
    } catch let DecodingError.typeMismatch(_, context) {
      let key = context.codingPath.map(\.stringValue).joined(separator: ".")
      throw PictureError(.unreadableRecipe(reason: "\"\(key)\" has another type"), file: file)
    } catch {
      throw PictureError(.unreadableRecipe(reason: "it is no valid JSON"), file: file)
    }
  }

  /// What of this recipe the web UI has a word for.
  public var generationParameters: GenerationParameters {
    typealias Field = GenerationParameters.Field
    var fields = [Field("Steps", String(steps)), Field("Sampler", sampler)]
    if let guidanceScale { fields.append(Field("CFG scale", Self.short(guidanceScale))) }
    fields += [Field("Seed", String(seed)), Field("Size", "\(width)x\(height)")]
    if let modelHash { fields.append(Field("Model hash", String(modelHash.prefix(10)))) }
    fields.append(Field("Model", model))
    if let variationSeed, let variationStrength {
      fields.append(Field("Variation seed", String(variationSeed)))
      fields.append(Field("Variation seed strength", Self.short(variationStrength)))
    }
    if let upscale, let upscaleStrength {
      fields.append(Field("Denoising strength", Self.short(upscaleStrength)))
      fields.append(Field("Hires upscale", Self.short(upscale)))
      fields.append(Field("Hires upscaler", upscaleMode == "latent" ? "Latent" : "None"))
    }
    if let eta { fields.append(Field("Eta", Self.short(eta))) }
    if let name = className ?? classLabel.map({ String($0) }) { fields.append(Field("Class", name)) }
    fields += [Field("RNG", rng), Field("Image index", String(imageIndex))]
    fields.append(Field("Version", "darkroom \(version)"))
    return GenerationParameters(prompt: prompt ?? "", negativePrompt: negativePrompt ?? "", fields: fields)
  }

  /// `7` rather than `7.0`, as the web UI writes whole numbers.
  private static func short(_ value: Double) -> String {
    let text = String(value)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
