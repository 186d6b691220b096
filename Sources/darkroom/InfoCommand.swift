import ArgumentParser
import Foundation
import Models
import NN
import Pictures
import Pipelines
import Schedulers

/// `darkroom info`: what a model or a picture is.
struct InfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Describe a model's folder, or a picture and the recipe in it.")

  @Argument(help: "A model's folder, or a PNG or JPEG.")
  var path: String

  func run() throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw Failure("\(path) does not exist.")
    }
    try isFolder.boolValue ? model() : picture()
  }

  private func model() throws {
    let folder = try ModelFolder(URL(fileURLWithPath: path))
    let config = folder.denoiserConfig
    let network = try folder.denoiser()
    print("model         \(config.className), \(grouped(network.parameters.parameterCount)) parameters")
    if let size = config.sampleSize {
      let factor = folder.pixelsPerValue
      print("size          \(size[1] * factor)x\(size[0] * factor), \(folder.pictureChannels) channels")
    }
    switch config {
    case .unet(let config):
      let down = config.downBlockTypes.map(\.rawValue).joined(separator: ", ")
      print(
        "blocks        \(down); channels \(config.blockOutChannels.map(String.init).joined(separator: ", "))")
    case .dit(let config):
      print(
        "blocks        \(config.numLayers); \(config.numAttentionHeads) heads of \(config.attentionHeadDim) channels, "
          + "patches of \(config.patchSize)x\(config.patchSize)")
    }
    if let autoencoder = folder.autoencoder {
      let latents = autoencoder.config
      let count = try autoencoder.autoencoder().parameters.parameterCount
      print(
        "latents       \(latents.latentChannels) channels, \(latents.downsampling) times smaller, scaled by "
          + "\(latents.scalingFactor); \(AutoencoderKLConfig.className), \(grouped(count)) parameters")
    }
    if let classes = folder.notes.classes { print("classes       \(ClassChoice.listed(classes))") }
    if let steps = folder.notes.trainedSteps { print("trained       \(grouped(steps)) steps") }
    let s = folder.scheduler
    let noise = s.trainedBetas == nil ? s.betaSchedule.rawValue : "trained_betas"
    print(
      "scheduler     \(s.className.rawValue), \(noise), \(s.numTrainTimesteps) timesteps, predicts \(s.predictionType.rawValue)"
    )
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    print("configuration " + String(decoding: try encoder.encode(config.wrapped), as: UTF8.self))
  }

  private func picture() throws {
    let decoded = try DecodedPicture(contentsOf: URL(fileURLWithPath: path))
    print(
      "picture       \(decoded.format.name), \(decoded.storedWidth)x\(decoded.storedHeight), \(decoded.bitDepth) bits"
    )
    if let recipe = try Recipe.find(in: decoded.texts, file: path) {
      func line(_ name: String, _ value: Any?) {
        if let value { print(name.padding(toLength: 14, withPad: " ", startingAt: 0) + "\(value)") }
      }
      line("made by", "darkroom \(recipe.version)")
      line("model", recipe.model)
      line("model hash", recipe.modelHash)
      line("seed", "\(recipe.seed), picture \(recipe.imageIndex), \(recipe.rng)")
      line("sampler", "\(recipe.sampler), \(recipe.steps) steps" + (recipe.eta.map { ", eta \($0)" } ?? ""))
      line("guidance", recipe.guidanceScale)
      line("class", recipe.className ?? recipe.classLabel.map { String($0) })
      line("command", recipe.commandLine)
    } else if let text = decoded.texts.first(where: { $0.keyword == GenerationParameters.keyword })?.text {
      print(text)
    } else {
      print("recipe        none: this picture does not say how it was made")
    }
  }

  private func grouped(_ number: Int) -> String {
    var digits = String(number)
    var at = digits.count - 3
    while at > 0 {
      digits.insert(",", at: digits.index(digits.startIndex, offsetBy: at))
      at -= 3
    }
    return digits
  }
}
