import Foundation

// By hand: absent keys take the class's defaults, an unknown key is refused by name, and each class writes the keys
// that diffusers gives it and no others.
extension SchedulerConfig: Codable {
  enum Key: String, CodingKey, CaseIterable {
    case className = "_class_name"
    case numTrainTimesteps = "num_train_timesteps"
    case betaStart = "beta_start"
    case betaEnd = "beta_end"
    case betaSchedule = "beta_schedule"
    case trainedBetas = "trained_betas"
    case predictionType = "prediction_type"
    case timestepSpacing = "timestep_spacing"
    case stepsOffset = "steps_offset"
    case rescaleBetasZeroSNR = "rescale_betas_zero_snr"
    case clipSample = "clip_sample"
    case clipSampleRange = "clip_sample_range"
    case thresholding
    case dynamicThresholdingRatio = "dynamic_thresholding_ratio"
    case sampleMaxValue = "sample_max_value"
    case varianceType = "variance_type"
    case setAlphaToOne = "set_alpha_to_one"
  }

  private struct AnyKey: CodingKey {
    let stringValue: String
    let intValue: Int? = nil
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// - Throws: `SchedulerError`, which names the key.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    func list<T: CaseIterable & RawRepresentable>(_: T.Type) -> String where T.RawValue == String {
      "one of " + T.allCases.map(\.rawValue).joined(separator: ", ")
    }
    guard let name = try? values.decode(String.self, forKey: .className) else {
      throw SchedulerError("has no '_class_name'; it must be \(list(ClassName.self))")
    }
    guard let className = ClassName(rawValue: name) else {
      throw SchedulerError("is of the unknown class '\(name)'; it must be \(list(ClassName.self))")
    }
    self.init(className)
    // diffusers' keys that begin with an underscore say who wrote the file; `skip_prk_steps` and `clip_sample_range`
    // of another class are kept by `from_config`, so keys of known schedulers pass, and anything else is a mistake.
    let known = Set(Key.allCases.map(\.rawValue))
    for key in try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue).sorted()
    where !known.contains(key) && !key.hasPrefix("_") {
      throw SchedulerError(
        "has the unknown key '\(key)'; \(name) knows \(known.sorted().dropFirst().joined(separator: ", "))")
    }
    func read<T: Decodable>(_ key: Key, _ target: inout T, _ form: String) throws {
      guard values.contains(key) else { return }
      do { target = try values.decode(T.self, forKey: key) } catch {
        throw SchedulerError("has a value of '\(key.rawValue)' that is not \(form)")
      }
    }
    try read(.numTrainTimesteps, &numTrainTimesteps, "a whole number")
    try read(.betaStart, &betaStart, "a number")
    try read(.betaEnd, &betaEnd, "a number")
    try read(.betaSchedule, &betaSchedule, list(BetaSchedule.self))
    do { trainedBetas = try values.decodeIfPresent([Double].self, forKey: .trainedBetas) } catch {
      throw SchedulerError("has a value of 'trained_betas' that is not a list of numbers or null")
    }
    try read(.predictionType, &predictionType, list(PredictionType.self))
    try read(.timestepSpacing, &timestepSpacing, list(TimestepSpacing.self))
    try read(.stepsOffset, &stepsOffset, "a whole number")
    try read(.rescaleBetasZeroSNR, &rescaleBetasZeroSNR, "true or false")
    try read(.clipSample, &clipSample, "true or false")
    try read(.clipSampleRange, &clipSampleRange, "a number")
    try read(.thresholding, &thresholding, "true or false")
    try read(.dynamicThresholdingRatio, &dynamicThresholdingRatio, "a number")
    try read(.sampleMaxValue, &sampleMaxValue, "a number")
    try read(.varianceType, &varianceType, list(VarianceType.self))
    try read(.setAlphaToOne, &setAlphaToOne, "true or false")
  }

  /// Writes the keys of its class.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(className, forKey: .className)
    try values.encode(numTrainTimesteps, forKey: .numTrainTimesteps)
    try values.encode(betaStart, forKey: .betaStart)
    try values.encode(betaEnd, forKey: .betaEnd)
    try values.encode(betaSchedule, forKey: .betaSchedule)
    try values.encode(trainedBetas, forKey: .trainedBetas)
    try values.encode(predictionType, forKey: .predictionType)
    try values.encode(timestepSpacing, forKey: .timestepSpacing)
    try values.encode(stepsOffset, forKey: .stepsOffset)
    try values.encode(rescaleBetasZeroSNR, forKey: .rescaleBetasZeroSNR)
    try values.encode(clipSample, forKey: .clipSample)
    try values.encode(clipSampleRange, forKey: .clipSampleRange)
    try values.encode(thresholding, forKey: .thresholding)
    try values.encode(dynamicThresholdingRatio, forKey: .dynamicThresholdingRatio)
    try values.encode(sampleMaxValue, forKey: .sampleMaxValue)
    switch className {
    case .ddpm: try values.encode(varianceType, forKey: .varianceType)
    case .ddim: try values.encode(setAlphaToOne, forKey: .setAlphaToOne)
    }
  }

  /// Reads a `scheduler_config.json`.
  ///
  /// - Throws: `SchedulerError`, naming the file.
  public init(contentsOf url: URL) throws {
    let name = url.relativePath
    guard let data = try? Data(contentsOf: url) else {
      throw SchedulerError(file: name, "cannot be read")
    }
    do {
      self = try JSONDecoder().decode(SchedulerConfig.self, from: data)
      try validate()
    } catch var error as SchedulerError {
      error.file = name
      throw error
    } catch {
      throw SchedulerError(file: name, "is not JSON of a scheduler's configuration")
    }
  }

  /// As the JSON text of a `scheduler_config.json`: sorted keys, two spaces.
  public var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    // Numbers, names and lists of them alone: nothing that encoding could refuse.
    guard let data = try? encoder.encode(self) else { preconditionFailure("a configuration is always JSON") }
    return String(decoding: data, as: UTF8.self) + "\n"
  }
}
