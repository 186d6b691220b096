import Models
import NN
import Pipelines
import TensorCore
import Training

/// What a denoiser's training moves: the network, of the pictures' size and classes, and what tells it captions.
struct DenoiserLearner {
  private let plan: DenoiserPlan
  private let pictures: DenoiserPictures
  private let config: any DenoiserConfig
  private let nullClass: Int?
  private let reader: (any CaptionReader)?

  /// - Throws: `Failure` for classes that the model that it begins with does not have; what loading its text encoders throws.
  init(_ plan: DenoiserPlan, _ pictures: DenoiserPictures, _ captions: CaptionArguments) throws {
    (self.plan, self.pictures) = (plan, pictures)
    let folder = pictures.folder
    config = plan.prepared(classes: folder.classes.count)
    nullClass = config.nullClass ?? (folder.classes.isEmpty ? nil : folder.classes.count)
    try plan.start?.checkClasses(folder.classes)
    reader = try captions.reader(folder, config, plan.start, resolution: plan.options.resolution)
  }

  /// All that decides the run.
  ///
  /// - Throws: what writing a configuration throws.
  func identity() throws -> RunIdentity {
    var identity = plan.identity
    identity.add("the network's", configuration: try config.json())
    identity.add(pictures.store, classes: pictures.folder.classes)
    if reader != nil { identity.add(captionsOf: pictures.folder) }
    if let text = reader?.learned { identity.add("the text encoder's", configuration: try text.json()) }
    return identity
  }

  /// What moves the weights, begun or gone on with, and what is written of them.
  ///
  /// - Throws: what loading models throws; errors of the latents' files.
  func begin(in run: RunFolder) throws -> (Trainer, DenoiserProduct) {
    let (options, classes) = (plan.options, pictures.folder.classes)
    let fresh = { ParameterStore(.fresh(seed: options.seed)) }
    let model = try reader?.network(config) { _ in fresh() } ?? config.build(fresh())
    if let start = plan.start, run.state == nil {
      let known = try start.fill(model, classes: classes, nullClass: nullClass)
      Console.note("beginning with \(start.url.relativePath)\(known)")
    }
    let codec = try plan.vae.map { LatentSpace(try $0.vae()) }
    let stored =
      try codec.map { try TrainingSession.latents(pictures.store, $0, options, in: run.url) }
      ?? pictures.store
    let objective = try DenoisingObjective(
      model, plan.scheduler, stored.captioned(by: pictures.folder, reader, options),
      unconditional: try reader?.condition(of: "") ?? nullClass.map { Condition(labels: [$0]) }, options)
    let trainer = try Trainer(model.parameters, objective, options, resuming: run.state)
    let product = DenoiserProduct(
      config, plan.scheduler, classes: classes, nullClass: nullClass, codec: codec,
      captions: reader.map { ($0, pictures.previewedCaptions) }, shape: stored.shape)
    return (trainer, product)
  }
}
