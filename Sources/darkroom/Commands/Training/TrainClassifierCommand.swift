import ArgumentParser
import Foundation
import Models
import NN
import Pipelines
import Schedulers
import TensorCore
import Training

/// `darkroom train classifier`: a folder of pictures to what tells their classes apart, under noise too.
struct TrainClassifierCommand: TrainingCommand {
  static let configuration = CommandConfiguration(
    commandName: "classifier",
    abstract: "Train a classifier of noisy pictures, which guides sampling, or of plain ones, which judges.",
    discussion: """
      The network is the contracting half of a U-Net with attention pooling. It learns the classes of pictures noised to every \
      timestep of the schedule; with --clean those of pictures without noise, a little better at them and no guide for a \
      sampler. The output folder is the classifier (config.json, weights, classes in darkroom.json, the noise in \
      scheduler_config.json), beside report.html, metrics.jsonl, loss.svg, quality.json (the accuracy over pictures that \
      were held out, over all and by a quarter of the timesteps) and previews/ (a row a class, a column what it is taken for, darker for \
      more often). A run that was stopped goes on with 'darkroom resume'.

      EXAMPLES
        darkroom train classifier photos --classes folders --output guide
        darkroom train classifier photos --classes folders --clean --output judge
        darkroom evaluate classify judge pictures
      """)

  @Argument(
    help: "The folder of PNG and JPEG pictures; its sub-folders are the classes.", completion: .directory)
  var images: String

  @OptionGroup var place: PlaceOptions

  @Option(
    help: ArgumentHelp(
      "A U-Net by name, whose contracting half it is.",
      discussion: UNet2DPreset.allCases.map(\.rawValue).joined(separator: ", ") + "."))
  var preset = UNet2DPreset.tiny32

  @Option(
    help: "A U-Net by a JSON file with the keys of diffusers' UNet2DModel, in place of --preset.",
    completion: .file(extensions: ["json"]))
  var config: String?

  @Option(
    help:
      "The noise, that of the model to be guided: its folder, a schedule's name or a scheduler_config.json. (default: ddpm-cosine-1000)"
  )
  var schedule: String?

  @Flag(help: "Learn pictures without noise alone.")
  var clean = false

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Optimisation") var updates: UpdateOptions
  @OptionGroup(title: "Outputs") var outputs: OutputOptions
  @OptionGroup(title: "Machine") var compute: ComputeOptions

  func validate() throws {
    try require(data.classes == .folders, "a classifier needs classes; add --classes folders.")
    try require(!clean || schedule == nil, "--clean and --schedule exclude each other: there is no noise.")
  }

  func train(_ command: RunCommand) throws {
    try compute.apply()
    var unet =
      try config.map { try UNet2DConfig(contentsOf: URL(argument: $0, "--config")) } ?? preset.config
    guard unet.inChannels == 3 else {
      throw Failure("this network has \(unet.inChannels) input channels; pictures have 3.")
    }
    let resolution = data.resolution ?? unet.sampleSize?[0] ?? 32
    try DataOptions.check(resolution, multipleOf: unet.sizeMultiple, for: "network")
    unet.sampleSize = [resolution, resolution]
    let scheduler =
      clean ? nil : try SchedulerConfig(argument: schedule ?? "ddpm-cosine-1000", "--schedule")
    if let known = unet.knownTimesteps, let scheduler, known < scheduler.numTrainTimesteps {
      throw Failure(
        "this network knows \(known) timesteps and the schedule has \(scheduler.numTrainTimesteps); name a shorter --schedule."
      )
    }
    let run = try RunFolder(place, describedBy: "config.json", images: images)
    var options = TrainingOptions(Self.defaults, resolution: resolution, data, updates, place)
    // Its head, of which classes are to be found in the folder, is small beside it.
    let plan = try NoisyClassifier(Self.network(unet, classes: 2), ParameterStore(.plan))
    let forecast = Forecast(
      plan.config.cost(height: resolution, width: resolution), learning: plan.parameters.parameterCount,
      options)
    try forecast.refuse(options.extent)
    run.settle(&options, updates.seed, compute)
    func known(_ options: TrainingOptions) -> RunIdentity {
      var identity = RunIdentity(options)
      identity.add("--clean", "\(clean)")
      if let scheduler { identity.add("the schedule's", configuration: Data(scheduler.json.utf8)) }
      return identity
    }
    // Before the pictures are opened, which may take long.
    try run.refuse(known(options).without(updates.epochs == nil ? [] : ["--steps"]))

    let folder = try data.checked(images, resolution: resolution)
    guard folder.classes.count > 1 else {
      throw Failure("\(images) has the one class '\(folder.classes[0])'; there is nothing to tell apart.")
    }
    let pictures = PictureStore(folder, resolution: resolution, crop: data.crop)
    let split = HeldOut(count: pictures.count, share: options.heldOut)
    options.steps = run.steps(try updates.steps(or: Self.defaults.steps, pictures: split.learned.count))
    let network = Self.network(unet, classes: folder.classes.count)
    try network.validate()
    var identity = known(options)
    identity.add("the network's", configuration: try network.json())
    identity.add(pictures, classes: folder.classes)
    try run.refuse(identity)

    let lock = try run.claim(command)
    let model = try NoisyClassifier(network, ParameterStore(.fresh(seed: options.seed)))
    let objective = try ClassifierObjective(model, pictures, scheduler, options)
    let trainer = try Trainer(model.parameters, objective, options, resuming: run.state)
    let training = try TrainingRun(
      trainer, ClassifierProduct(objective, scheduler, classes: folder.classes), outputs.outputs,
      identity: identity, lock: lock, command: command.quoted, folder: run.url)
    try TrainingSession.run(training, of: run, on: split, classes: folder.classes.count, forecast)
  }

  private static let usualHead = 32

  private static func network(_ unet: UNet2DConfig, classes: Int) -> NoisyClassifierConfig {
    let channels = unet.blockOutChannels.last ?? usualHead
    return NoisyClassifierConfig(
      unet: unet, classes: classes, poolHeadDim: channels % usualHead == 0 ? usualHead : channels)
  }

  private static let defaults: TrainingOptions = {
    var options = TrainingOptions()
    options.steps = 2_000
    options.learningRate = LearningRate(peak: 1e-3, warmup: 50, decay: .cosine)
    // What is saved are the weights themselves, and no label is hidden.
    (options.emaDecay, options.labelDropout) = (0, 0)
    return options
  }()
}
