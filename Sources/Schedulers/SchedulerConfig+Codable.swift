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
    case skipPRKSteps = "skip_prk_steps"
    case useKarrasSigmas = "use_karras_sigmas"
    case useExponentialSigmas = "use_exponential_sigmas"
    case useBetaSigmas = "use_beta_sigmas"
    case useLuLambdas = "use_lu_lambdas"
    case useFlowSigmas = "use_flow_sigmas"
    case flowShift = "flow_shift"
    case shift
    case stochasticSampling = "stochastic_sampling"
    case finalSigmasType = "final_sigmas_type"
    case interpolationType = "interpolation_type"
    case timestepType = "timestep_type"
    case sigmaMin = "sigma_min"
    case sigmaMax = "sigma_max"
    case sigmaData = "sigma_data"
    case sigmaSchedule = "sigma_schedule"
    case rho
    case solverOrder = "solver_order"
    case algorithmType = "algorithm_type"
    case solverType = "solver_type"
    case lowerOrderFinal = "lower_order_final"
    case eulerAtFinal = "euler_at_final"
    case lambdaMinClipped = "lambda_min_clipped"
    case predictX0 = "predict_x0"
    case disableCorrector = "disable_corrector"
    case originalInferenceSteps = "original_inference_steps"
    case timestepScaling = "timestep_scaling"
  }

  /// One key, and how it is read, written and taken over.
  struct Field {
    let key: Key
    let read: (KeyedDecodingContainer<Key>, inout SchedulerConfig) throws -> Void
    let write: (SchedulerConfig, inout KeyedEncodingContainer<Key>) throws -> Void
    let copy: (SchedulerConfig, inout SchedulerConfig) -> Void
  }

  private static func field<T: Codable>(
    _ key: Key, _ path: WritableKeyPath<SchedulerConfig, T>, _ form: String
  )
    -> Field
  {
    Field(
      key: key,
      read: { values, config in
        guard values.contains(key) else { return }
        do { config[keyPath: path] = try values.decode(T.self, forKey: key) } catch {
          throw SchedulerError("has a value of '\(key.rawValue)' that is not \(form)")
        }
      },
      write: { config, values in try values.encode(config[keyPath: path], forKey: key) },
      copy: { from, to in to[keyPath: path] = from[keyPath: path] })
  }

  /// A value that may be null, which is the class's default.
  private static func field<T: Codable>(
    optional key: Key, _ path: WritableKeyPath<SchedulerConfig, T>, _ form: String
  ) -> Field {
    let plain = field(key, path, form)
    return Field(
      key: key,
      read: { values, config in
        if (try? values.decodeNil(forKey: key)) != true { try plain.read(values, &config) }
      }, write: plain.write, copy: plain.copy)
  }

  private static func list<T: CaseIterable & RawRepresentable>(_: T.Type) -> String
  where T.RawValue == String {
    "one of " + T.allCases.map(\.rawValue).joined(separator: ", ")
  }

  static var fields: [Field] {
    let (whole, number, truth) = ("a whole number", "a number", "true or false")
    return [
      field(.numTrainTimesteps, \.numTrainTimesteps, whole),
      field(.betaStart, \.betaStart, number), field(.betaEnd, \.betaEnd, number),
      field(.betaSchedule, \.betaSchedule, list(BetaSchedule.self)),
      field(optional: .trainedBetas, \.trainedBetas, "a list of numbers or null"),
      field(.predictionType, \.predictionType, list(PredictionType.self)),
      field(.timestepSpacing, \.timestepSpacing, list(TimestepSpacing.self)),
      field(.stepsOffset, \.stepsOffset, whole),
      field(.rescaleBetasZeroSNR, \.rescaleBetasZeroSNR, truth),
      field(.clipSample, \.clipSample, truth), field(.clipSampleRange, \.clipSampleRange, number),
      field(.thresholding, \.thresholding, truth),
      field(.dynamicThresholdingRatio, \.dynamicThresholdingRatio, number),
      field(.sampleMaxValue, \.sampleMaxValue, number),
      field(optional: .varianceType, \.varianceType, list(VarianceType.self)),
      field(.setAlphaToOne, \.setAlphaToOne, truth),
      field(.skipPRKSteps, \.skipPRKSteps, truth),
      field(optional: .useKarrasSigmas, \.useKarrasSigmas, truth),
      field(optional: .useExponentialSigmas, \.useExponentialSigmas, truth),
      field(optional: .useBetaSigmas, \.useBetaSigmas, truth),
      field(optional: .useLuLambdas, \.useLuLambdas, truth),
      field(optional: .useFlowSigmas, \.useFlowSigmas, truth),
      field(optional: .flowShift, \.flowShift, number), field(.shift, \.shift, number),
      field(.stochasticSampling, \.stochasticSampling, truth),
      field(optional: .finalSigmasType, \.finalSigmasType, list(FinalSigmas.self)),
      field(.interpolationType, \.interpolationType, list(InterpolationType.self)),
      field(.timestepType, \.timestepType, list(TimestepType.self)),
      field(optional: .sigmaMin, \.sigmaMin, "a number or null"),
      field(optional: .sigmaMax, \.sigmaMax, "a number or null"),
      field(.sigmaData, \.sigmaData, number),
      field(.sigmaSchedule, \.sigmaSchedule, list(SigmaSchedule.self)), field(.rho, \.rho, number),
      field(.solverOrder, \.solverOrder, whole),
      field(.algorithmType, \.algorithmType, list(AlgorithmType.self)),
      field(.solverType, \.solverType, list(SolverType.self)),
      field(.lowerOrderFinal, \.lowerOrderFinal, truth), field(.eulerAtFinal, \.eulerAtFinal, truth),
      field(optional: .lambdaMinClipped, \.lambdaMinClipped, number),
      field(.predictX0, \.predictX0, truth),
      field(optional: .disableCorrector, \.disableCorrector, "a list of whole numbers"),
      field(.originalInferenceSteps, \.originalInferenceSteps, whole),
      field(.timestepScaling, \.timestepScaling, number),
    ]
  }

  private struct AnyKey: CodingKey {
    let stringValue: String
    let intValue: Int? = nil
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Keys of diffusers' classes that change nothing here; values that would are refused.
  private static let inert: [String: Bool] = ["use_dynamic_shifting": false, "invert_sigmas": false]
  private static let ignored: Set<String> = [
    "base_shift", "max_shift", "base_image_seq_len", "max_image_seq_len", "shift_terminal", "time_shift_type",
    "solver_p",
  ]

  /// - Throws: `SchedulerError`, which names the key.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    if let className = decoder.userInfo[Self.readAs] as? ClassName {
      self.init(className)
      try readFields(values)
      return
    }
    guard let name = try? values.decode(String.self, forKey: .className) else {
      throw SchedulerError("has no '_class_name'; it must be \(Self.list(ClassName.self))")
    }
    guard let className = ClassName(rawValue: name) else {
      throw SchedulerError("is of the unknown class '\(name)'; it must be \(Self.list(ClassName.self))")
    }
    self.init(className)
    // diffusers' keys that begin with an underscore say who wrote the file, and `from_config` keeps keys of other classes:
    // keys of known schedulers pass, and anything else is a mistake.
    let known = Set(Key.allCases.map(\.rawValue)).union(Self.ignored)
    let all = try decoder.container(keyedBy: AnyKey.self)
    for key in all.allKeys.sorted(by: { $0.stringValue < $1.stringValue })
    where !known.contains(key.stringValue) {
      let text = key.stringValue
      if let only = Self.inert[text] {
        if (try? all.decode(Bool.self, forKey: key)) ?? only == only { continue }
        throw SchedulerError("has '\(text)' \(!only), which is not supported")
      }
      if text.hasPrefix("_") { continue }
      throw SchedulerError(
        "has the unknown key '\(text)'; \(name) knows "
          + className.keys.map(\.rawValue).filter { !$0.hasPrefix("_") }.sorted().joined(separator: ", "))
    }
    try readFields(values)
  }

  private mutating func readFields(_ values: KeyedDecodingContainer<Key>) throws {
    for field in Self.fields where className.keys.contains(field.key) { try field.read(values, &self) }
    if lambdaMinClipped < -1e300 { lambdaMinClipped = -.infinity }
  }

  /// The class that a file is read as, whatever it calls itself.
  private static let readAs = CodingUserInfoKey(rawValue: "darkroom.read-as")!

  /// Writes the keys of its class.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(className, forKey: .className)
    for field in Self.fields where className.keys.contains(field.key) {
      // JSON has no infinity; diffusers reads its absence as one.
      if field.key == .lambdaMinClipped, lambdaMinClipped == -.infinity { continue }
      if field.key == .varianceType, className != .ddpm, !learnsVariance { continue }
      try field.write(self, &values)
    }
  }

  /// Reads a `scheduler_config.json`.
  ///
  /// - Parameter className: reads it as one of this class, whatever it calls itself, and passes over keys that this class
  ///   does not know.
  /// - Throws: `SchedulerError`, naming the file.
  public init(contentsOf url: URL, as className: ClassName? = nil) throws(SchedulerError) {
    let name = url.relativePath
    guard let data = try? Data(contentsOf: url) else {
      throw SchedulerError(file: name, "cannot be read")
    }
    // Python writes infinities as bare words, which JSON does not know.
    let text = String(decoding: data, as: UTF8.self).replacingOccurrences(of: ": -Infinity", with: ": -1e308")
    let decoder = JSONDecoder()
    if let className { decoder.userInfo[Self.readAs] = className }
    do {
      self = try decoder.decode(SchedulerConfig.self, from: Data(text.utf8))
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
