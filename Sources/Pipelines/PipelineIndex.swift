import Files
import Foundation
import Models
import Schedulers

/// `model_index.json`: which parts a pipeline has, each as the library and the class that diffusers makes it with.
struct PipelineIndex: Codable {
  var className: String
  var diffusersVersion: String?
  var unet: [String?]?
  var transformer: [String?]?
  var vae: [String?]?
  var vqvae: [String?]?
  var scheduler: [String?]?
  /// A `DiTPipeline`'s classes: index to names, with commas between where there are several.
  var id2label: [String: String]?

  static let fileName = "model_index.json"

  private enum CodingKeys: String, CodingKey {
    case className = "_class_name"
    case diffusersVersion = "_diffusers_version"
    case unet, transformer, vae, vqvae, scheduler, id2label
  }

  /// - Throws: `ModelFolderError`, naming the folder or the file.
  init(in folder: URL) throws {
    let url = folder.appending(path: Self.fileName)
    guard let data = try? Data(contentsOf: url) else {
      throw ModelFolderError(
        folder: folder.relativePath, problem: "is no model folder: it has no \(Self.fileName)")
    }
    guard let index = try? JSONDecoder().decode(Self.self, from: data) else {
      throw ModelFolderError(folder: url.relativePath, problem: "is not the JSON of a pipeline's index")
    }
    self = index
  }

  /// The index of a pipeline that diffusers has: DDPM's or DDIM's for pixels and `LDMPipeline` for latents of a U-Net;
  /// `DiTPipeline` for a transformer, without its autoencoder where it works on pixels.
  init(_ denoiser: DenoiserConfig, isLatent: Bool, _ scheduler: SchedulerConfig, classes: [String]?) {
    let part: [String?] = ["diffusers", denoiser.className]
    let autoencoder: [String?] = ["diffusers", AutoencoderKLConfig.className]
    diffusersVersion = Models.diffusersVersion
    self.scheduler = ["diffusers", scheduler.className.rawValue]
    switch denoiser {
    case .unet:
      unet = part
      vqvae = isLatent ? autoencoder : nil
      className = isLatent ? "LDMPipeline" : scheduler.className == .ddpm ? "DDPMPipeline" : "DDIMPipeline"
    case .dit:
      transformer = part
      vae = isLatent ? autoencoder : [nil, nil]
      className = "DiTPipeline"
      id2label = classes.map { names in
        Dictionary(uniqueKeysWithValues: names.enumerated().map { ("\($0)", $1) })
      }
    }
  }

  /// The denoiser's place, or nil for a kind that is not known here. Before diffusers 0.29 a DiT was a
  /// `Transformer2DModel`.
  var denoiser: DenoiserConfig.Component? {
    if unet?.last == UNet2DConfig.className { return .unet }
    return [DiTConfig.className, "Transformer2DModel"].contains(transformer?.last) ? .transformer : nil
  }

  /// The autoencoder's place, or nil where there is none.
  var autoencoder: (component: String, className: String)? {
    for (name, part) in zip(AutoencoderFolder.components, [vae, vqvae]) {
      if let className = part?.last ?? nil { return (name, className) }
    }
    return nil
  }

  /// The classes' names by index, as many as there are without a gap.
  var classes: [String]? {
    guard let id2label else { return nil }
    return Array((0..<id2label.count).map { id2label["\($0)"] }.prefix { $0 != nil }.compactMap { $0 })
  }
}
