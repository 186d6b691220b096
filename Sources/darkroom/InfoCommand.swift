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
    let plan = try folder.config.build(ParameterStore(.plan))
    print(
      "model         \(type(of: folder.config).className), \(grouped(plan.parameters.parameterCount)) parameters"
    )
    let factor = folder.vae?.config.downsampling ?? 1
    if let size = folder.config.nativeSize {
      let channels = folder.vae?.config.outChannels ?? folder.config.inChannels
      print("size          \(size.width * factor)x\(size.height * factor), \(channels) channels")
    }
    if let vae = folder.vae {
      print(
        "latents       AutoencoderKL, \(vae.config.latentChannels) channels, \(factor) times smaller, scaled by "
          + "\(vae.config.scalingFactor)")
    }
    print("blocks        \(folder.config.structure)")
    if let classes = folder.notes.classes { print("classes       \(classes.joined(separator: ", "))") }
    if let steps = folder.notes.trainedSteps { print("trained       \(grouped(steps)) steps") }
    let s = try folder.scheduler
    let noise = s.trainedBetas == nil ? s.betaSchedule.rawValue : "trained_betas"
    print(
      "scheduler     \(s.className.rawValue), \(noise), \(s.numTrainTimesteps) timesteps, predicts \(s.predictionType.rawValue)"
    )
    print("configuration " + String(decoding: try folder.config.json(), as: UTF8.self))
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
