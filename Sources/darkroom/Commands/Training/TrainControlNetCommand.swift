import ArgumentParser
import Foundation
import Models
import NN
import Pipelines
import Schedulers
import TensorCore
import Training

/// `darkroom train controlnet`: pairs of pictures to what steers a model from the one to the other.
struct TrainControlNetCommand: TrainingCommand {
  static let configuration = CommandConfiguration(
    commandName: "controlnet",
    abstract: "Train a ControlNet, by which a picture (edges, strokes, a mask) steers a model.",
    discussion: """
      The model stays as it is; a copy of its first half, begun with its weights, learns to add to it what the other picture \
      of a pair shows. The pairs are lines of `file_name` and `conditioning_image` in the folder's metadata.jsonl, or two \
      folders (--conditions) with the same names; both pictures of a pair have one size. The output folder is a ControlNet \
      as diffusers keeps one, for 'darkroom sample --controlnet', beside report.html, metrics.jsonl, loss.svg and previews/ \
      (what steers, over what is made). For a model that reads texts each picture has a caption, `text` on its line of \
      metadata.jsonl; the model's own text encoders read it. A run that was stopped goes on with 'darkroom resume'.

      EXAMPLES
        darkroom train controlnet model pairs --output outlines
        darkroom train controlnet model photos --conditions edges --steps 5000 --output edges-net
      """)

  @Argument(help: "The folder of the model that is steered.", completion: .directory)
  var model: String

  @Argument(
    help: "The folder of the pictures to be made, with metadata.jsonl unless --conditions is given.",
    completion: .directory)
  var pairs: String

  @OptionGroup var place: PlaceOptions

  @Option(
    help: "The folder of the pictures that steer, each named as the one that it steers to.",
    completion: .directory)
  var conditions: String?

  @OptionGroup(title: "Data") var data: DataOptions

  @Option(
    help:
      "For a model that reads texts: where captions are, metadata, sidecar or any (either). (default: metadata)"
  )
  var captions: ImageFolder.CaptionSource?

  @Option(
    name: [.long, .customLong("caption-dropout")],
    help: "Share of classes or captions hidden in training, so that the picture alone must tell.")
  var labelDropout: Float = 0.5

  @Option(help: "Decay of averaged weights, which are then what is saved; 0 for no average.")
  var ema: Float = 0

  @OptionGroup(title: "Optimisation") var updates: UpdateOptions
  @OptionGroup(title: "Outputs") var outputs: OutputOptions
  @OptionGroup(title: "Machine") var compute: ComputeOptions

  func validate() throws {
    try require((0...1).contains(labelDropout), "--label-dropout must be from 0 to 1.")
    try require((0..<1).contains(ema), "--ema must be at least 0 and below 1.")
  }

  func train(_ command: RunCommand) throws {
    try compute.apply()
    let start = try StartingModel(URL(argument: model, "<model>"))
    let base = start.folder
    let scheduler = try base.scheduler
    let config = try self.config(base)
    var options = try self.options(base)
    let forecast = try forecast(config, base, options)
    try forecast.refuse(options.extent)
    let run = try RunFolder(place, describedBy: "config.json", images: pairs)
    run.settle(&options, updates.seed, compute)
    let baseHash = try start.hash()
    func known(_ options: TrainingOptions) throws -> RunIdentity {
      var identity = RunIdentity(options)
      identity.add("a model with the hash", baseHash)
      identity.add("the schedule's", configuration: Data(scheduler.json.utf8))
      identity.add("the ControlNet's", configuration: try config.json())
      return identity
    }
    // Before the pictures are opened, which may take long.
    try run.refuse(known(options).without(updates.epochs == nil ? [] : ["--steps"]))

    let (folder, steering) = try opened(options)
    let classes = try self.classes(folder, base)
    let store = PictureStore(folder, resolution: options.resolution, crop: data.crop)
    let hints = PictureStore(steering, resolution: options.resolution, crop: data.crop)
    let split = HeldOut(count: store.count, share: options.heldOut)
    options.steps = run.steps(try updates.steps(or: Self.defaults.steps, pictures: split.learned.count))
    var identity = try known(options)
    identity.add(store, classes: folder.classes)
    identity.add("the pictures that steer", "of the fingerprint \(hints.contents.prefix(16))")
    if options.captions != nil { identity.add(captionsOf: folder) }
    try run.refuse(identity)

    let lock = try run.claim(command)
    let network = try base.denoiser()
    let control = try config.build(ParameterStore(.fresh(seed: options.seed)))
    control.copyWeights(of: network.parameters)
    let codec = try base.codec()
    let reader = try base.text.map { try FrozenReader(base, $0, resolution: options.resolution) }
    let stored = try codec.map { try TrainingSession.latents(store, $0, options, in: run.url) } ?? store
    let examples = SteeredExamples(
      stored.captioned(by: folder, reader, options), conditions: hints, classes: classes)
    let unconditional =
      try reader?.condition(of: "")
      ?? (base.config.isClassConditional ? Condition(labels: [base.notes.nullClass ?? 0]) : nil)
    let objective = try DenoisingObjective(
      SteeredDenoiser(network, control), scheduler, examples, unconditional: unconditional, options)
    let trainer = try Trainer(control.parameters, objective, options, resuming: run.state)
    let product = ControlNetProduct(
      config, base: network, scheduler, examples: examples, previewed: split.measured,
      unconditional: unconditional, codec: codec)
    let training = try TrainingRun(
      trainer, product, outputs.outputs, identity: identity, lock: lock, command: command.quoted,
      folder: run.url)
    try TrainingSession.run(training, of: run, on: split, classes: folder.classes.count, forecast)
  }

  private static let defaults: TrainingOptions = {
    var options = TrainingOptions()
    options.steps = 10_000
    options.learningRate = LearningRate(peak: 1e-5, warmup: 0, decay: .cosine)
    return options
  }()

  private func config(_ base: ModelFolder) throws -> any ControlNetConfig {
    guard !base.config.isInpainting else {
      throw Failure(
        "\(model) paints holes in pictures; a ControlNet for such a model cannot be trained here yet."
      )
    }
    guard base.text == nil || !base.config.isClassConditional else {
      throw Failure(
        "\(model) reads texts and is told classes; a ControlNet for such a model cannot be trained here.")
    }
    guard base.text != nil || captions == nil else {
      throw Failure("\(model) reads no texts; leave --captions out.")
    }
    guard let config = ControlNetFamilies.config(for: base.config, downsampling: downsampling(base)) else {
      throw Failure("\(model) is of a kind that no ControlNet here can steer.")
    }
    do { try config.validate() } catch {
      throw Failure("no ControlNet for \(model) can be: it \(error.problem).")
    }
    return config
  }

  /// The copy of the first half saves what the first half of the model, which nothing before it learns from, does not.
  private func forecast(
    _ config: any ControlNetConfig, _ base: ModelFolder, _ options: TrainingOptions
  ) throws -> Forecast {
    let side = options.resolution / downsampling(base)
    return Forecast(
      base.config.cost(height: side, width: side),
      learning: try config.build(ParameterStore(.plan)).parameters.parameterCount,
      frozen: try base.config.build(ParameterStore(.plan)).parameters.parameterCount, options)
  }

  private func downsampling(_ base: ModelFolder) -> Int { base.vae?.config.downsampling ?? 1 }

  /// Everything but the number of updates, which may follow from the pictures.
  private func options(_ base: ModelFolder) throws -> TrainingOptions {
    let factor = downsampling(base)
    guard let side = data.resolution ?? base.config.nativeSize.map({ $0.height * factor }) else {
      throw Failure("\(model) does not say its size; add --resolution.")
    }
    try DataOptions.check(side, multipleOf: base.config.sizeMultiple * factor, for: "model")
    if base.vae != nil && data.crop == .random {
      throw Failure(
        "--crop random does not go with a model of latents, which are encoded once; use --crop center.")
    }
    var options = TrainingOptions(Self.defaults, resolution: side, data, updates, place)
    options.emaDecay = ema
    // One that knows no class for none has nothing to hide a class behind.
    options.labelDropout = base.text == nil && base.notes.nullClass == nil ? 0 : labelDropout
    if base.text != nil {
      var captioning = CaptionOptions()
      (captioning.source, captioning.freezesEncoder) = (captions ?? .metadata, true)
      options.captions = captioning
    }
    options.vae = try base.vae?.hash()
    return options
  }

  /// Both pictures of each pair, checked, with captions where they are told.
  private func opened(_ options: TrainingOptions) throws -> (pictures: ImageFolder, conditions: ImageFolder) {
    let all = try ImageFolder(
      URL(argument: pairs, "<pairs>"), classes: data.classes, captions: options.captions?.source ?? .any)
    let pairs = try ControlPairs(
      all, conditions: try conditions.map { try ImageFolder(URL(argument: $0, "--conditions")) })
    var pictures = try data.checked(pairs.pictures, self.pairs, resolution: options.resolution)
    if options.captions != nil { pictures = try pictures.captioned(self.pairs, skipsBad: data.skipBad) }
    try pairs.checkSizes(of: pictures)
    return (pictures, pairs.conditions(of: pictures))
  }

  /// The model's classes by the pictures', both by name.
  private func classes(_ folder: ImageFolder, _ base: ModelFolder) throws -> [Int] {
    guard base.config.isClassConditional else {
      guard folder.classes.isEmpty else { throw Failure("\(model) knows no classes; leave --classes out.") }
      return []
    }
    guard !folder.classes.isEmpty || base.notes.nullClass != nil else {
      throw Failure("\(model) must be told a class; add --classes folders.")
    }
    let known = base.notes.classes ?? []
    return try zip(folder.classes, folder.classCounts).map { name, count in
      if let index = known.firstIndex(of: name) { return index }
      // A folder of pictures that steer is no class.
      guard count == 0 else { throw Failure("\(model) does not know the class '\(name)' of \(pairs).") }
      return 0
    }
  }
}
