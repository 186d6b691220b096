/// What each of diffusers' classes knows, and its defaults where they are not the common ones.
extension SchedulerConfig.ClassName {
  typealias Key = SchedulerConfig.Key

  /// The keys of its configuration.
  var keys: Set<Key> {
    let betas: Set<Key> = [
      .className, .numTrainTimesteps, .betaStart, .betaEnd, .betaSchedule, .trainedBetas, .predictionType,
    ]
    let spacing: Set<Key> = [.timestepSpacing, .stepsOffset]
    let clip: Set<Key> = [.clipSample, .clipSampleRange]
    let threshold: Set<Key> = [.thresholding, .dynamicThresholdingRatio, .sampleMaxValue]
    let sigmas: Set<Key> = [.useKarrasSigmas, .useExponentialSigmas, .useBetaSigmas]
    let flow: Set<Key> = [.useFlowSigmas, .flowShift]
    let solver: Set<Key> = [.solverOrder, .solverType, .lowerOrderFinal]
    let edm: Set<Key> = [
      .className, .numTrainTimesteps, .predictionType, .sigmaMin, .sigmaMax, .sigmaData, .sigmaSchedule, .rho,
      .finalSigmasType,
    ]
    let consistency: Set<Key> = [
      .originalInferenceSteps, .timestepScaling, .setAlphaToOne, .rescaleBetasZeroSNR,
    ]
    switch self {
    case .ddpm:
      return betas.union(spacing).union(clip).union(threshold).union([.varianceType, .rescaleBetasZeroSNR])
    case .ddim:
      return betas.union(spacing).union(clip).union(threshold).union([.setAlphaToOne, .rescaleBetasZeroSNR])
    case .pndm: return betas.union(spacing).union([.skipPRKSteps, .setAlphaToOne])
    case .lms, .dpm2, .dpm2Ancestral: return betas.union(spacing).union(sigmas)
    case .euler:
      return betas.union(spacing).union(sigmas).union([
        .interpolationType, .timestepType, .sigmaMin, .sigmaMax, .rescaleBetasZeroSNR, .finalSigmasType,
      ])
    case .eulerAncestral: return betas.union(spacing).union([.rescaleBetasZeroSNR])
    case .heun: return betas.union(spacing).union(sigmas).union(clip)
    case .dpmSolverMultistep:
      return betas.union(spacing).union(sigmas).union(threshold).union(flow).union(solver).union([
        .algorithmType, .eulerAtFinal, .useLuLambdas, .finalSigmasType, .lambdaMinClipped, .varianceType,
        .rescaleBetasZeroSNR,
      ])
    case .dpmSolverSinglestep:
      return betas.union(sigmas).union(threshold).union(flow).union(solver).union([
        .algorithmType, .finalSigmasType, .lambdaMinClipped, .varianceType,
      ])
    case .uniPC:
      return betas.union(spacing).union(sigmas).union(threshold).union(flow).union(solver).union([
        .predictX0, .disableCorrector, .finalSigmasType, .rescaleBetasZeroSNR, .sigmaMin, .sigmaMax,
      ])
    case .deis:
      return betas.union(spacing).union(sigmas).union(threshold).union(flow).union(solver).union([
        .algorithmType
      ])
    case .lcm, .tcd: return betas.union(spacing).union(clip).union(threshold).union(consistency)
    case .edmEuler: return edm
    case .edmDPMSolver: return edm.union(threshold).union(solver).union([.algorithmType, .eulerAtFinal])
    case .flowMatchEuler:
      return sigmas.union([.className, .numTrainTimesteps, .shift, .stochasticSampling])
    case .flowMatchHeun: return [.className, .numTrainTimesteps, .shift]
    }
  }

  var betaSchedules: [SchedulerConfig.BetaSchedule] {
    switch self {
    case .ddpm: [.linear, .scaledLinear, .squaredcosCapV2, .sigmoid]
    case .heun: [.linear, .scaledLinear, .squaredcosCapV2, .exp]
    default: [.linear, .scaledLinear, .squaredcosCapV2]
    }
  }

  var predictionTypes: [SchedulerConfig.PredictionType] {
    switch self {
    case .flowMatchEuler, .flowMatchHeun: [.flow]
    case .eulerAncestral, .dpm2, .dpm2Ancestral, .pndm, .edmEuler: [.epsilon, .vPrediction]
    case .dpmSolverMultistep, .dpmSolverSinglestep, .uniPC, .deis: [.epsilon, .sample, .vPrediction, .flow]
    // diffusers lists "sample" for the last, but has no c_out for it.
    case .edmDPMSolver: [.epsilon, .vPrediction]
    default: [.epsilon, .sample, .vPrediction]
    }
  }

  var algorithmTypes: [SchedulerConfig.AlgorithmType] {
    switch self {
    case .dpmSolverMultistep: [.dpmSolver, .dpmSolverPlusPlus, .sdeDPMSolver, .sdeDPMSolverPlusPlus]
    case .dpmSolverSinglestep: [.dpmSolver, .dpmSolverPlusPlus, .sdeDPMSolverPlusPlus]
    case .edmDPMSolver: [.dpmSolverPlusPlus, .sdeDPMSolverPlusPlus]
    case .deis: [.deis]
    default: []
    }
  }

  var solverTypes: [SchedulerConfig.SolverType] {
    switch self {
    case .uniPC: [.bh1, .bh2]
    case .deis: [.logrho]
    case .dpmSolverMultistep: [.midpoint, .heun, .taylor]
    default: [.midpoint, .heun]
    }
  }

  var varianceTypes: [SchedulerConfig.VarianceType] {
    self == .ddpm ? SchedulerConfig.VarianceType.allCases : [.fixedSmall, .learned, .learnedRange]
  }

  /// Whether the last ᾱ of a rescaled schedule is 2⁻²⁴ and not 0, so that σ = √((1 − ᾱ)/ᾱ) stays finite.
  var endsNearZeroSNR: Bool {
    switch self {
    case .euler, .eulerAncestral, .dpmSolverMultistep, .uniPC: true
    default: false
    }
  }
}

extension SchedulerConfig {
  /// Where a class's defaults are not those of the declarations.
  mutating func applyDefaults() {
    switch className {
    case .lms, .euler, .eulerAncestral, .dpmSolverMultistep, .dpmSolverSinglestep, .uniPC, .deis:
      timestepSpacing = .linspace
      clipSample = false
    case .heun, .dpm2, .dpm2Ancestral:
      (betaStart, betaEnd) = (0.00085, 0.012)
      timestepSpacing = .linspace
      clipSample = false
    case .lcm, .tcd:
      (betaStart, betaEnd, betaSchedule) = (0.00085, 0.012, .scaledLinear)
      clipSample = false
    case .pndm: (setAlphaToOne, clipSample) = (false, false)
    case .edmEuler, .edmDPMSolver:
      (sigmaMin, sigmaMax) = (0.002, 80)
      clipSample = false
    case .flowMatchEuler, .flowMatchHeun:
      predictionType = .flow
      clipSample = false
    case .ddpm, .ddim: break
    }
    switch className {
    case .dpmSolverSinglestep: lowerOrderFinal = false
    case .uniPC: solverType = .bh2
    case .deis: (algorithmType, solverType) = (.deis, .logrho)
    default: break
    }
  }
}
