extension SchedulerConfig {
  /// - Throws: `SchedulerError` where no schedule can be made of these values.
  public func validate() throws(SchedulerError) {
    func require(_ holds: Bool, _ problem: @autoclosure () -> String) throws(SchedulerError) {
      if !holds { throw SchedulerError(problem()) }
    }
    try require(
      (1...100_000).contains(numTrainTimesteps),
      "has num_train_timesteps \(numTrainTimesteps); 1 to 100000 are possible")
    if let trainedBetas {
      try require(!trainedBetas.isEmpty, "has no value in trained_betas")
      try require(
        trainedBetas.count == numTrainTimesteps,
        "has \(trainedBetas.count) trained_betas for num_train_timesteps \(numTrainTimesteps)")
      try require(trainedBetas.allSatisfy { $0 > 0 && $0 < 1 }, "has trained_betas outside (0, 1)")
    }
    try require(
      betaStart > 0 && betaStart < 1 && betaEnd > 0 && betaEnd < 1,
      "has beta_start \(betaStart) and beta_end \(betaEnd); both must lie between 0 and 1")
    try require(betaStart <= betaEnd, "has beta_start \(betaStart) above beta_end \(betaEnd)")
    try require(clipSampleRange > 0, "has clip_sample_range \(clipSampleRange); it must be positive")
    try require(
      (0...1).contains(dynamicThresholdingRatio),
      "has dynamic_thresholding_ratio \(dynamicThresholdingRatio); it must lie in 0 to 1")
    try require(
      (0..<numTrainTimesteps).contains(stepsOffset),
      "has steps_offset \(stepsOffset) outside the training timesteps")
    try validateClass(require)
  }

  /// What single classes cannot do.
  private func validateClass(
    _ require: (Bool, @autoclosure () -> String) throws(SchedulerError) -> Void
  ) throws(SchedulerError) {
    let name = className.rawValue
    if trainedBetas == nil, className.keys.contains(.betaSchedule) {
      try require(
        className.betaSchedules.contains(betaSchedule),
        "has beta_schedule '\(betaSchedule.rawValue)', which \(name) does not know")
    }
    try require(
      className.predictionTypes.contains(predictionType),
      "has prediction_type '\(predictionType.rawValue)', which \(name) does not know; possible are "
        + className.predictionTypes.map(\.rawValue).joined(separator: ", "))
    if className.keys.contains(.rescaleBetasZeroSNR), !className.endsNearZeroSNR {
      try require(
        !rescaleBetasZeroSNR || predictionType != .epsilon,
        "has rescale_betas_zero_snr with prediction_type 'epsilon', which cannot say anything where nothing but noise "
          + "is left; use v_prediction or sample")
    }
    let spacings = [useKarrasSigmas, useExponentialSigmas, useBetaSigmas, useLuLambdas].count { $0 }
    try require(
      spacings <= 1,
      "asks for more than one of use_karras_sigmas, use_exponential_sigmas, use_beta_sigmas and use_lu_lambdas"
    )
    try require(
      useFlowSigmas == (predictionType == .flow) || !className.keys.contains(.useFlowSigmas),
      "has use_flow_sigmas \(useFlowSigmas) with prediction_type '\(predictionType.rawValue)'; a flow needs both, any other "
        + "network neither")
    try require(flowShift > 0 && shift > 0, "has a shift that is not positive")
    if className.keys.contains(.solverOrder) {
      try require((1...3).contains(solverOrder), "has solver_order \(solverOrder); 1, 2 and 3 are possible")
      try require(
        className.algorithmTypes.isEmpty || className.algorithmTypes.contains(algorithmType),
        "has algorithm_type '\(algorithmType.rawValue)', which \(name) does not know")
      try require(
        className.solverTypes.contains(solverType),
        "has solver_type '\(solverType.rawValue)', which \(name) does not know")
      let isNoise = algorithmType == .dpmSolver || algorithmType == .sdeDPMSolver
      try require(
        !(isNoise && finalSigmasType == .zero && className.keys.contains(.finalSigmasType)),
        "has algorithm_type '\(algorithmType.rawValue)' with final_sigmas_type 'zero', at which it is not defined; use sigma_min"
      )
      try require(
        algorithmType != .sdeDPMSolver || solverOrder < 3,
        "has solver_order 3 with algorithm_type 'sde-dpmsolver', of which there are orders 1 and 2")
      try require(
        className != .edmDPMSolver || algorithmType != .sdeDPMSolverPlusPlus || solverOrder < 3,
        "has solver_order 3 with algorithm_type 'sde-dpmsolver++', of which \(name) has orders 1 and 2")
    }
    try require(
      (1...numTrainTimesteps).contains(originalInferenceSteps)
        || !className.keys.contains(.originalInferenceSteps),
      "has original_inference_steps \(originalInferenceSteps) outside 1 to \(numTrainTimesteps)")
    if let sigmaMin, let sigmaMax {
      try require(
        0 < sigmaMin && sigmaMin < sigmaMax,
        "has sigma_min \(sigmaMin) and sigma_max \(sigmaMax); 0 < min < max is needed")
    }
    try require(sigmaData > 0 && rho > 0, "has a sigma_data or rho that is not positive")
  }
}
