import Files
import Foundation
import Models
import NN
import Schedulers
import TensorCore

extension ModelFolder {
  /// Writes a model folder, each file beside its place and then renamed; what else the folder holds stays.
  ///
  /// - Parameters:
  ///   - vae: of a model of latents; written once, since it does not change.
  ///   - text: what tells the network texts, where it reads them.
  /// - Throws: `FileError`.
  public static func save(
    _ tensors: [(key: String, tensor: Tensor)], _ config: any DenoiserConfig, _ scheduler: SchedulerConfig,
    _ notes: ModelNotes, vae: AutoencoderKL? = nil, text: SavedText? = nil, to url: URL
  ) throws {
    let component = url.appending(path: type(of: config).component)
    let schedulerFolder = url.appending(path: SchedulerComponent.name)
    for folder in [component, schedulerFolder] { try AtomicFile.makeFolder(folder) }
    try SafetensorsWriter.write(tensors, to: component.appending(path: "\(weightsStem).safetensors"))
    try AtomicFile.write(try config.json(), to: component.appending(path: "config.json"))
    try AtomicFile.write(
      Data(scheduler.json.utf8), to: schedulerFolder.appending(path: "scheduler_config.json"))
    try AtomicFile.write(try JSONForm.encoder.encode(notes), to: url.appending(path: ModelNotes.fileName))
    try text?.write(to: url)
    let index = index(for: config, scheduler, notes, isLatent: vae != nil, text)
    if let vae,
      let name = index.parts.first(where: { $0.value.className == AutoencoderKLConfig.className })?.key
    {
      let folder = url.appending(path: name)
      if (try? Checkpoint(folder: folder, stem: weightsStem)) == nil {
        try VAEFolder.save(vae.parameters.all, vae.config, to: folder)
      }
    }
    try AtomicFile.write(
      try JSONForm.encoder.encode(index), to: url.appending(path: PipelineIndex.fileName))
  }

  /// The pipeline of diffusers that samples from such a model, and what it calls the parts.
  private static func index(
    for config: any DenoiserConfig, _ scheduler: SchedulerConfig, _ notes: ModelNotes, isLatent: Bool,
    _ text: SavedText?
  ) -> PipelineIndex {
    let family = type(of: config)
    let autoencoder = PipelineIndex.Part(library: "diffusers", className: AutoencoderKLConfig.className)
    var index = PipelineIndex(
      className: "",
      parts: [
        SchedulerComponent.name: .init(library: "diffusers", className: scheduler.className.rawValue),
        family.component: .init(library: "diffusers", className: family.className),
      ])
    switch config {
    case is DiTConfig:
      index.className = "DiTPipeline"
      let names = notes.classes ?? []
      index.labels = Dictionary(uniqueKeysWithValues: names.indices.map { ("\($0)", names[$0]) })
      index.parts["vae"] = isLatent ? autoencoder : PipelineIndex.Part.none
    case _ where text != nil:
      let isXL = config.textInput?.pooledChannels != nil
      index.className = isXL ? "StableDiffusionXLPipeline" : "StableDiffusionPipeline"
      // Of pixels there is none, which the pipeline opens where it is told so: from_pretrained(model, vae=None).
      index.parts["vae"] = isLatent ? autoencoder : PipelineIndex.Part.none
      for name in passedOver where !(isXL && name == "safety_checker") {
        index.parts[name] = PipelineIndex.Part.none
      }
      text?.describe(&index)
    case _ where isLatent:
      index.className = "LDMPipeline"
      index.parts["vqvae"] = autoencoder
    default:
      // Of the two pipelines the one that takes the scheduler as it is.
      index.className = scheduler.className == .ddim ? "DDIMPipeline" : "DDPMPipeline"
    }
    return index
  }
}
