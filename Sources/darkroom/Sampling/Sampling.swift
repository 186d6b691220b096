import Foundation
import Models
import Pictures
import Pipelines
import Schedulers
import TensorCore

/// What a model is asked: its folder, the classes, texts and size that are wanted of it, and who steers it. Everything that
/// can be refused is refused when it is made, before any weights are loaded.
struct Sampling {
  let folder: ModelFolder
  let labels: ClassChoice.Labels
  /// Of the pictures, in pixels.
  private(set) var size: (height: Int, width: Int)
  /// What a model that reads texts is told; nil for another.
  let prompting: Prompting?
  /// How many pictures are frames on the way along the classes or prompts, the first at the first and the last at the last;
  /// nil where they go through them in turn.
  var frames: Int?
  private let guidance: GuidanceChoice
  private var steering: SteeringFiles
  private let classifier: ClassifierChoice?
  /// The folder as the command line has it.
  private let name: String

  /// - Parameters:
  ///   - folder: of the model.
  ///   - name: the folder as the command line has it.
  ///   - lines: the prompts of a file, in place of the one that is asked for.
  ///   - perPrompt: how many pictures are made of each prompt.
  ///   - size: width and height where the command names them; the model's own otherwise.
  ///   - hasHole: whether a picture with a hole is shown, which some models need.
  /// - Throws: `Failure`, or the folder's errors.
  init(
    _ folder: ModelFolder, named name: String, _ request: RequestOptions, lines: [String]? = nil,
    perPrompt: Int = 1, size: (width: Int?, height: Int?) = (nil, nil), hasHole: Bool = false
  ) throws {
    (self.folder, self.name) = (folder, name)
    let config = folder.config
    guard hasHole || !config.isInpainting else {
      throw Failure(
        "\(name) paints holes in pictures (its network takes \(config.inChannels) channels, a mask and the masked picture "
          + "among them); use 'darkroom inpaint'.")
    }
    self.size = try Self.pixels(folder, size)
    let channels = folder.vae?.config.outChannels ?? config.denoisedChannels
    // A network that also says how sure it is has twice the channels.
    guard [1, 3].contains(channels),
      [1, 2].map({ $0 * config.denoisedChannels }).contains(config.predictedChannels)
    else {
      throw Failure(
        "\(folder.url.relativePath) makes \(config.predictedChannels) channels of \(config.denoisedChannels); pictures have 1 or 3, or "
          + "twice as many where the network predicts a variance too.")
    }
    if let text = folder.text {
      prompting = try Prompting(folder, text, request.prompts, lines: lines, perPrompt: perPrompt)
    } else {
      guard !request.prompts.areGiven && lines == nil else {
        throw Failure(
          "\(folder.url.relativePath) reads no texts; leave --prompt and what goes with it out"
            + (config.isClassConditional ? ", and name a --class." : "."))
      }
      prompting = nil
    }
    // The classes of a model that knows none are its classifier's.
    let isLedAlone = request.guide.classifier != nil && !config.isClassConditional
    labels = try ClassChoice(folder).labels(
      isLedAlone ? [] : request.classes, guided: prompting == nil && request.guidance.needsNullClass)
    guidance = try GuidanceChoice(
      request.guidance, folder, nullClass: labels.nullClass, readsText: prompting != nil)
    if let text = guidance.weak?.text { try prompting?.check(text, of: guidance.weak?.url) }
    if prompting?.negative != nil, !guidance.isOn {
      Console.note(
        (guidance.followsGuidance ? "this model is guided by itself; " : "at --guidance-scale 1 ")
          + "nothing leads away from the negative prompt; it is not used")
    }
    steering = try SteeringFiles(request.control, folder, size: self.size)
    classifier = try request.guide.choice(
      folder, size: self.size, labels: labels, classes: request.classes)
  }

  /// Whether everything that is asked goes with a schedule.
  ///
  /// - Throws: `Failure`.
  func check(_ scheduler: SchedulerConfig) throws { try classifier?.check(scheduler) }

  /// The same of pictures of another size, to which the pictures that steer are resized.
  ///
  /// - Throws: `Failure` for a size that the model cannot make, or the classifier does not know.
  func at(_ size: (width: Int?, height: Int?)) throws -> Sampling {
    var copy = self
    copy.size = try Self.pixels(folder, size)
    copy.steering = steering.at(copy.size)
    try classifier?.check(copy.size)
    return copy
  }

  /// Networks that were loaded for another size, shown what steers at this one.
  func steered(_ networks: SamplingNetworks) -> SamplingNetworks {
    var networks = networks
    networks.steering = steering.replacingImages(of: networks.steering)
    return networks
  }

  /// Height and width of what is denoised.
  var latentSize: (height: Int, width: Int) { (size.height / factor, size.width / factor) }

  /// What an evaluation of one picture costs, by all that take part; nil where that of the network is not known.
  var evaluationCost: ForwardCost? {
    let (height, width) = latentSize
    guard let network = folder.config.cost(height: height, width: width) else { return nil }
    let sides = Double(guidance.sides)
    var cost = ForwardCost(products: sides * network.products, values: network.values)
    for part in steering.costs(height: height, width: width) {
      cost.products += sides * part.products
      cost.values += part.values
    }
    if let part = classifier?.cost(height: height, width: width) {
      // The way back takes twice as much as the way there, and keeps what was met on it.
      cost.products += 3 * part.products
      cost.values = max(cost.values, 2 * part.values)
    }
    return cost
  }

  /// Pixels that one of the denoiser's stands for.
  private var factor: Int { Self.factor(folder) }

  /// Of the noise that `count` pictures begin with.
  func shape(count: Int) -> [Int] {
    [count, folder.config.denoisedChannels, latentSize.height, latentSize.width]
  }

  /// A picture in [-1, 1] with the model's channels, `[1, C, H, W]`.
  func tensor(of picture: Picture) -> Tensor {
    let channels = folder.vae?.config.outChannels ?? folder.config.denoisedChannels
    return Tensor(
      picture.planarFloats(channels: channels), shape: [1, channels, picture.height, picture.width])
  }

  /// What the networks are told of the prompts in a sampler's steps; nothing where they read none. The text encoders are in
  /// memory only meanwhile, so this is best asked before the networks are loaded.
  func prompts(_ sampler: any Sampler) throws -> EncodedPrompts {
    guard let text = folder.text, let prompting else { return EncodedPrompts() }
    func conditions(_ text: TextParts, _ folder: ModelFolder) throws -> [PromptConditions] {
      try prompting.conditions(
        text, of: folder, steps: sampler.stepStarts.count, size: size,
        hasNegativeBranch: guidance.hasNegativeBranch, areStops: frames != nil)
    }
    let strong = try conditions(text, folder)
    if frames != nil {
      for (i, (a, b)) in zip(strong, strong.dropFirst()).enumerated()
      where PromptConditions.between(a, b, 0.5) == nil {
        throw Failure(
          "nothing lies between '\(prompting.prompts[i])' and '\(prompting.prompts[i + 1])': one is composed of more parts "
            + "(AND) than the other.")
      }
    }
    return EncodedPrompts(
      strong: strong,
      weak: try guidance.weak.flatMap { weak in try weak.text.map { try conditions($0, weak) } })
  }

  /// Loads the networks.
  ///
  /// - Parameter batchSize: the most pictures that go through one at a time.
  /// - Throws: `CheckpointError` or `SafetensorsError`.
  func networks(batchSize: Int) throws -> SamplingNetworks {
    SamplingNetworks(
      guidance: GuidanceNetworks(
        strong: NetworkPredictor(try folder.denoiser(), batchSize: batchSize),
        weak: try guidance.weak.map { NetworkPredictor(try $0.denoiser(), batchSize: batchSize) }),
      steering: try steering.loaded(batchSize: batchSize),
      classifier: try classifier?.network(batchSize: batchSize))
  }

  /// The way of the pictures of these numbers, from where they start.
  ///
  /// - Parameters:
  ///   - networks: who predicts.
  ///   - prompts: what the networks are told of the prompts in the sampler's steps.
  ///   - route: of the sampler's evaluations, those that are visited; all where it is nil.
  ///   - concatenated: channels that the network is shown beside the noisy pictures, a row each.
  ///   - afterVisit: what holds after each visit.
  /// - Throws: `SchedulerError`.
  func loop(
    _ networks: SamplingNetworks, _ pictures: Range<Int>, prompts: EncodedPrompts,
    _ scheduler: SchedulerConfig,
    _ visits: Visits, eta: Float? = nil, along route: Route? = nil, concatenated: Tensor? = nil,
    afterVisit: DenoisingLoop.AfterVisit? = nil
  ) throws -> DenoisingLoop {
    let sampler = try scheduler.sampler(visits, eta: eta)
    let steered = networks.steering.steering(networks.guidance, route ?? Route(sampler))
    let scales = guidance.followsGuidance ? Tensor.full([pictures.count, 1], guidance.scale) : nil
    let condition = condition(pictures, guidance: scales, channels: concatenated)
    let picturePrompts = prompting.map { prompting in
      PicturePrompts(
        strong: texts(pictures, prompting, prompts.strong),
        weak: prompts.weak.map { texts(pictures, prompting, $0) })
    }
    return try DenoisingLoop(
      scheduler, visits, eta: eta,
      predictor: guidance.predictor(steered, condition, prompts: picturePrompts, for: sampler),
      condition: condition,
      classifier: networks.classifier?.guidance(pictures), afterVisit: afterVisit)
  }

  /// The prompts of pictures, each with how many in a row are of it.
  private func texts(
    _ pictures: Range<Int>, _ prompting: Prompting, _ prompts: [PromptConditions]
  ) -> [(PromptConditions, Int)] {
    guard frames != nil, prompts.count > 1 else {
      return prompting.runs(pictures).map { (prompts[$0.prompt], $0.count) }
    }
    return pictures.map { picture in
      let frame = place(picture, stops: prompts.count).between(prompts) {
        PromptConditions.between($0, $1, $2) ?? $0
      }
      return (frame, 1)
    }
  }

  private func condition(_ pictures: Range<Int>, guidance: Tensor?, channels: Tensor?) -> Condition {
    var condition = Condition(labels: labels[pictures])
    if frames != nil, labels.cycle.count > 1 {
      let stops = labels.cycle.map { Condition(labels: [$0]) }
      condition = .stacked(pictures.map { place($0, stops: stops.count).between(stops, Condition.between) })
    }
    (condition.guidance, condition.channels) = (guidance, channels)
    return condition
  }

  private func place(_ frame: Int, stops: Int) -> WalkPlace {
    WalkPlace(frame, of: frames ?? 1, stops: stops)
  }

  /// Which of so many classes or prompts a picture of a number is of; nil for a frame that lies between two.
  private func turn(_ number: Int, of stops: Int) -> Int? {
    guard frames != nil else { return number }
    let place = place(number, stops: stops)
    return place.share == 0 ? place.stop : place.share == 1 ? place.stop + 1 : nil
  }

  /// SHA-256 of the parts of the model by their names, and of every other file that decides the pictures by its path.
  ///
  /// - Throws: what reading a file throws.
  func hashes() throws -> (parts: [String: String], inputs: [String: String]) {
    let inputs = try [steering.hashes(), classifier?.hashes() ?? [:], guidance.hashes()].reduce([:]) {
      $0.merging($1) { first, _ in first }
    }
    return (try folder.hashes(), inputs)
  }

  /// How the picture of a number is made, as far as the model and what is asked of it tell.
  ///
  /// - Parameters:
  ///   - hashes: as `hashes()` has them.
  ///   - samplers: the sampler, or several.
  func recipe(
    _ number: Int, _ hashes: (parts: [String: String], inputs: [String: String]), seed: Seed,
    rng: Generator = .philox, steps: Int, _ samplers: String
  ) -> Recipe {
    var recipe = Recipe(
      version: DarkroomVersion.current, model: name,
      modelHash: hashes.parts[folder.denoiserComponent.place.name], parts: hashes.parts,
      inputs: hashes.inputs.isEmpty ? nil : hashes.inputs,
      arithmetic: Processor.current.arithmetic.rawValue, seed: seed.value, imageIndex: number,
      rng: rng.rawValue, steps: steps, sampler: samplers, width: size.width, height: size.height,
      commandLine: seed.command)
    if let turn = turn(number, of: labels.cycle.count) {
      (recipe.classLabel, recipe.className) = (labels[turn], labels.name(turn))
    }
    if let prompting {
      recipe.prompt = turn(number, of: prompting.prompts.count).map(prompting.prompt)
      recipe.negativePrompt = prompting.negative
    }
    recipe.precision = Precision.current == .f32 ? nil : Precision.current.rawValue
    guidance.record(in: &recipe)
    classifier?.record(number, in: &recipe)
    return recipe
  }

  private static func factor(_ folder: ModelFolder) -> Int { folder.vae?.config.downsampling ?? 1 }

  private static func pixels(
    _ folder: ModelFolder, _ requested: (width: Int?, height: Int?)
  ) throws -> (height: Int, width: Int) {
    let factor = factor(folder)
    let own = folder.config.nativeSize.map { (height: $0.height * factor, width: $0.width * factor) }
    guard let width = requested.width ?? own?.width, let height = requested.height ?? own?.height else {
      throw Failure("\(folder.url.relativePath) does not say its size; add --size WIDTHxHEIGHT.")
    }
    let multiple = folder.config.sizeMultiple * factor
    guard height % multiple == 0, width % multiple == 0, min(height, width) > 0, max(height, width) <= 8192
    else {
      throw Failure(
        "this model cannot make \(width)x\(height): both sides must be multiples of \(multiple), up to 8192.")
    }
    return (height, width)
  }
}

/// Everything with weights that a run asks while it denoises.
struct SamplingNetworks {
  let guidance: GuidanceNetworks
  var steering: Steering
  let classifier: ClassifierNetwork?
}
