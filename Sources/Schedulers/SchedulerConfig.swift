import Foundation

/// A scheduler's configuration: diffusers' `scheduler_config.json`.
public struct SchedulerConfig: Sendable, Equatable {
  /// Which of diffusers' classes it configures.
  public enum ClassName: String, Codable, Sendable, CaseIterable {
    case ddpm = "DDPMScheduler"
    case ddim = "DDIMScheduler"
    case pndm = "PNDMScheduler"
    case lms = "LMSDiscreteScheduler"
    case euler = "EulerDiscreteScheduler"
    case eulerAncestral = "EulerAncestralDiscreteScheduler"
    case heun = "HeunDiscreteScheduler"
    case dpm2 = "KDPM2DiscreteScheduler"
    case dpm2Ancestral = "KDPM2AncestralDiscreteScheduler"
    case dpmSolverSinglestep = "DPMSolverSinglestepScheduler"
    case dpmSolverMultistep = "DPMSolverMultistepScheduler"
    case uniPC = "UniPCMultistepScheduler"
    case deis = "DEISMultistepScheduler"
    case lcm = "LCMScheduler"
    case tcd = "TCDScheduler"
    case edmEuler = "EDMEulerScheduler"
    case edmDPMSolver = "EDMDPMSolverMultistepScheduler"
    case flowMatchEuler = "FlowMatchEulerDiscreteScheduler"
    case flowMatchHeun = "FlowMatchHeunDiscreteScheduler"
  }

  /// The form of βₜ.
  public enum BetaSchedule: String, Codable, Sendable, CaseIterable {
    /// β linear in t (Ho et al. 2020).
    case linear
    /// √β linear in t (Rombach et al. 2022); latent diffusion's own files call this "linear".
    case scaledLinear = "scaled_linear"
    /// ᾱ a squared cosine (Nichol & Dhariwal 2021).
    case squaredcosCapV2 = "squaredcos_cap_v2"
    /// β a sigmoid of t (GeoDiff, Xu et al. 2022).
    case sigmoid
    /// ᾱ = exp(−12·t); diffusers' Heun alone.
    case exp
  }

  /// What a network predicts.
  public enum PredictionType: String, Codable, Sendable, CaseIterable {
    /// The noise ε.
    case epsilon
    /// The clean picture x₀.
    case sample
    /// The velocity v = √ᾱ·ε − √(1 − ᾱ)·x₀ (Salimans & Ho 2022).
    case vPrediction = "v_prediction"
    /// The velocity ε − x₀ of a rectified flow x = (1 − σ)·x₀ + σ·ε (Liu et al. 2022).
    case flow = "flow_prediction"
  }

  /// Which of the training timesteps are visited (Lin et al. 2023, table 2).
  public enum TimestepSpacing: String, Codable, Sendable, CaseIterable { case leading, linspace, trailing }

  /// The variance of DDPM's reverse step.
  public enum VarianceType: String, Codable, Sendable, CaseIterable {
    case fixedSmall = "fixed_small"
    case fixedSmallLog = "fixed_small_log"
    case fixedLarge = "fixed_large"
    case fixedLargeLog = "fixed_large_log"
    /// The network's second half is the variance itself.
    case learned
    /// It says where between log β̃ and log β the variance's logarithm lies (Nichol & Dhariwal 2021, equation 15).
    case learnedRange = "learned_range"
  }

  /// Which integral DPM-Solver discretises, and whether along the ODE or the SDE (Lu et al. 2022).
  public enum AlgorithmType: String, Codable, Sendable, CaseIterable {
    case dpmSolver = "dpmsolver"
    case dpmSolverPlusPlus = "dpmsolver++"
    case sdeDPMSolver = "sde-dpmsolver"
    case sdeDPMSolverPlusPlus = "sde-dpmsolver++"
    case deis
  }

  /// How a solver's higher orders are discretised.
  public enum SolverType: String, Codable, Sendable, CaseIterable {
    case midpoint, heun, bh1, bh2, logrho
    /// The paper's third order for the multistep DPM-Solver, which diffusers does not have: see `DPMSolverMultistep`.
    case taylor
  }

  /// The last noise level of a solver.
  public enum FinalSigmas: String, Codable, Sendable, CaseIterable {
    case zero
    case smallest = "sigma_min"
  }

  /// How Euler's levels are found between the training ones.
  public enum InterpolationType: String, Codable, Sendable, CaseIterable {
    case linear
    case logLinear = "log_linear"
  }

  /// What Euler tells the network: a timestep, or 0.25·log σ.
  public enum TimestepType: String, Codable, Sendable, CaseIterable { case discrete, continuous }

  /// How EDM's levels are spaced.
  public enum SigmaSchedule: String, Codable, Sendable, CaseIterable { case karras, exponential }

  /// The class.
  public var className: ClassName
  /// How many noise levels a network is trained on, T.
  public var numTrainTimesteps = 1000
  /// β of the first timestep.
  public var betaStart = 0.0001
  /// β of the last timestep.
  public var betaEnd = 0.02
  /// The form between them.
  public var betaSchedule = BetaSchedule.linear
  /// All β by hand, in place of the three above.
  public var trainedBetas: [Double]?
  /// What the network predicts.
  public var predictionType = PredictionType.epsilon
  /// Which timesteps are visited.
  public var timestepSpacing = TimestepSpacing.leading
  /// Added to every timestep of the leading spacing.
  public var stepsOffset = 0
  /// Whether the last timestep is made pure noise.
  public var rescaleBetasZeroSNR = false
  /// Whether predicted pictures are clipped.
  public var clipSample = true
  /// To plus and minus this.
  public var clipSampleRange: Float = 1
  /// Whether they are clipped to a quantile of their own instead.
  public var thresholding = false
  /// Which quantile, in 0 to 1.
  public var dynamicThresholdingRatio = 0.995
  /// The most that the quantile may be.
  public var sampleMaxValue: Float = 1
  /// The variance of a step.
  public var varianceType = VarianceType.fixedSmall
  /// Whether the last step ends at ᾱ = 1, and not at that of timestep 0.
  public var setAlphaToOne = true
  /// Whether PNDM begins with multistep at once, without its Runge–Kutta steps.
  public var skipPRKSteps = false
  /// Levels spaced as Karras et al. 2022 do.
  public var useKarrasSigmas = false
  /// Levels spaced evenly in log σ.
  public var useExponentialSigmas = false
  /// Levels spaced by quantiles of a beta distribution.
  public var useBetaSigmas = false
  /// Levels spaced evenly in λ (Lu et al. 2022).
  public var useLuLambdas = false
  /// Whether the network is a flow's, x = (1 − σ)·x₀ + σ·ε.
  public var useFlowSigmas = false
  /// Moves a flow's levels towards noise (Esser et al. 2024, equation 23); of the DPM-Solver family.
  public var flowShift = 1.0
  /// The same of the flow-matching classes.
  public var shift = 1.0
  /// Whether flow-matching Euler goes to x₀ and back with new noise.
  public var stochasticSampling = false
  /// The last level.
  public var finalSigmasType = FinalSigmas.zero
  /// How Euler's levels are found between the training ones.
  public var interpolationType = InterpolationType.linear
  /// What Euler tells the network.
  public var timestepType = TimestepType.discrete
  /// The smallest level, where it is not the schedule's own; EDM's is 0.002.
  public var sigmaMin: Double?
  /// The largest level, where it is not the schedule's own; EDM's is 80.
  public var sigmaMax: Double?
  /// The data's deviation; EDM alone.
  public var sigmaData: Float = 0.5
  /// How EDM's levels are spaced.
  public var sigmaSchedule = SigmaSchedule.karras
  /// The exponent of that.
  public var rho = 7.0
  /// Of a multistep or singlestep solver, 1 to 3.
  public var solverOrder = 2
  /// Which integral is discretised.
  public var algorithmType = AlgorithmType.dpmSolverPlusPlus
  /// How higher orders are discretised.
  public var solverType = SolverType.midpoint
  /// Whether the last steps of fewer than 15 are of lower order, which is steadier.
  public var lowerOrderFinal = true
  /// Whether the very last step is Euler's.
  public var eulerAtFinal = false
  /// Levels of λ below this are not visited: for schedules whose end is all noise.
  public var lambdaMinClipped = -Double.infinity
  /// Whether UniPC works on x₀, not on ε.
  public var predictX0 = true
  /// Steps after which UniPC does not correct.
  public var disableCorrector: [Int] = []
  /// Steps of the schedule that a consistency model was distilled on.
  public var originalInferenceSteps = 50
  /// What timesteps are multiplied by in a consistency model's boundary condition.
  public var timestepScaling: Float = 10

  /// The class's defaults.
  public init(_ className: ClassName) {
    self.className = className
    applyDefaults()
  }

  /// The same noise and prediction under another sampler, as diffusers' `from_config` takes over what both know.
  public func with(_ className: ClassName) -> SchedulerConfig {
    var copy = SchedulerConfig(className)
    for field in Self.fields where field.key != .className && self.className.keys.contains(field.key) {
      if className.keys.contains(field.key) { field.copy(self, &copy) }
    }
    // What both know by name, but of which each has its own kinds.
    if !copy.className.solverTypes.contains(copy.solverType) {
      copy.solverType = SchedulerConfig(className).solverType
    }
    if !copy.className.algorithmTypes.contains(copy.algorithmType) {
      copy.algorithmType = SchedulerConfig(className).algorithmType
    }
    if !copy.className.varianceTypes.contains(copy.varianceType) { copy.varianceType = .fixedSmall }
    copy.predictionType = predictionType
    return copy
  }

  /// How the network's output is to be read.
  public var parametrization: Parametrization {
    switch className {
    case .edmEuler, .edmDPMSolver:
      .preconditioned(sigmaData: sigmaData, negated: predictionType == .vPrediction)
    default: .prediction(predictionType)
    }
  }

  /// Whether noise is mixed along a straight line, and not by a table of β.
  public var isFlow: Bool {
    className == .flowMatchEuler || className == .flowMatchHeun || useFlowSigmas
  }

  /// Whether the network has EDM's preconditioning.
  public var isPreconditioned: Bool {
    if case .preconditioned = parametrization { true } else { false }
  }

  /// Whether the network has twice the picture's channels, the second half being about the variance.
  public var learnsVariance: Bool { varianceType == .learned || varianceType == .learnedRange }
}

/// Why a schedule cannot be used.
public struct SchedulerError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
  /// The file or preset, where it came from one.
  public var file: String
  /// The rest of a sentence that begins with the file's name.
  public let problem: String

  /// - Parameter problem: the rest of a sentence that begins with the file's name.
  public init(file: String = "the schedule", _ problem: String) {
    (self.file, self.problem) = (file, problem)
  }

  /// One sentence for the user.
  public var description: String { "\(file) \(problem)." }
  /// The same sentence, for code that only knows `Error`.
  public var errorDescription: String? { description }
}
