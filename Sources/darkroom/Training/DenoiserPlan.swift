import Foundation
import Models
import NN
import Pipelines
import Schedulers
import Training

/// What is asked of a denoiser's training, found and checked before any picture is opened.
struct DenoiserPlan {
  /// The model that it begins with; nil where it begins anew.
  let start: StartingModel?
  /// Of the latents that are learned; nil where pixels are.
  let vae: VAEFolder?
  /// The network, not yet of the pictures' size and classes.
  let network: any DenoiserConfig
  let scheduler: SchedulerConfig
  var options: TrainingOptions
  let forecast: Forecast
  private let startHash: String?

  /// - Throws: what reading the files of the model that it begins with throws.
  init(
    _ start: StartingModel?, _ vae: VAEFolder?, _ network: any DenoiserConfig, _ scheduler: SchedulerConfig,
    _ options: TrainingOptions, _ forecast: Forecast
  ) throws {
    (self.start, self.vae, self.network, self.scheduler) = (start, vae, network, scheduler)
    (self.options, self.forecast) = (options, forecast)
    startHash = try start?.hash()
  }

  /// What decides the run, as far as it is known without the pictures.
  var identity: RunIdentity {
    var identity = RunIdentity(options)
    identity.add("--init-from with the hash", startHash ?? "none")
    identity.add("the schedule's", configuration: Data(scheduler.json.utf8))
    return identity
  }

  /// The network, of the pictures' size and classes.
  func prepared(classes: Int) -> any DenoiserConfig {
    network.prepared(size: options.resolution / (vae?.config.downsampling ?? 1), classes: classes)
  }
}

/// The pictures of a denoiser's training.
struct DenoiserPictures {
  let folder: ImageFolder
  let store: PictureStore
  let split: HeldOut

  init(_ folder: ImageFolder, _ options: TrainingOptions) {
    self.folder = folder
    store = PictureStore(folder, resolution: options.resolution, crop: options.crop)
    split = HeldOut(count: store.count, share: options.heldOut)
  }

  /// As many as are previewed.
  private static let mostPreviewed = 8

  /// Captions for previews, from all of those that are measured by.
  var previewedCaptions: [String] {
    let count = min(Self.mostPreviewed, split.measured.count)
    return (0..<count).compactMap { folder.items[split.measured[$0 * split.measured.count / count]].caption }
  }
}
