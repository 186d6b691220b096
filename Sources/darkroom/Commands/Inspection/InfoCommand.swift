import ArgumentParser
import Foundation
import Models
import NN
import Pictures
import Pipelines
import Schedulers

/// `darkroom info`: what a model, an autoencoder, a classifier, a ControlNet, a file of tensors, a picture or a plot is.
struct InfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract:
      "Describe a folder of a model or of a part of one, a file of tensors, or a picture and the recipe in it.",
    discussion: """
      Of weights only headers are read.

      EXAMPLES
        darkroom info run
        darkroom info run/unet/diffusion_pytorch_model.safetensors
        darkroom info picture.png
      """)

  @Argument(
    help:
      "A folder of a model, an autoencoder, a classifier or a ControlNet, a .safetensors, a PNG or JPEG, or an SVG.",
    completion: .file())
  var path: String

  func run() throws {
    let url = try URL(argument: path, "<path>")
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
      throw Failure("\(path) does not exist.")
    }
    let report =
      try isFolder.boolValue ? folder(url) : file(url)
    try Console.print(report.text(width: InfoReport.width))
  }

  private func folder(_ url: URL) throws -> InfoReport {
    if Self.isAutoencoder(url) { return try .autoencoder(VAEFolder(url)) }
    if ClassifierFolder.isDescribed(in: url) { return try .classifier(ClassifierFolder(url)) }
    if ControlNetFolder.isDescribed(in: url) { return try .controlNet(ControlNetFolder(url)) }
    return try .model(ModelFolder(url))
  }

  /// Told from contents, whatever the name says.
  private func file(_ url: URL) throws -> InfoReport {
    let handle = try? FileHandle(forReadingFrom: url)
    let start = (try? handle?.read(upToCount: 4096)).flatMap { $0 } ?? Data()
    try? handle?.close()
    let text = String(decoding: start, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    if text.hasPrefix("<svg") || (text.hasPrefix("<?xml") && text.contains("<svg")) { return .plot(text) }
    // Eight bytes of length, then a JSON object.
    if start.count > 8, start[start.startIndex + 8] == UInt8(ascii: "{") || url.pathExtension == "safetensors"
    {
      return .tensors(try SafetensorsFile(url))
    }
    if text.hasPrefix("{"), let name = ModelClass.name(in: url) {
      throw Failure(
        "\(path) is the configuration of a \(name); give the folder that it lies in, or the model's folder.")
    }
    do { return try .picture(try DecodedPicture(contentsOf: url), file: path) } catch let error
      as PictureError
    {
      // A file that does not call itself a picture is none that is damaged.
      guard PictureFormat(extension: url.pathExtension) == nil else { throw error }
      throw Failure(
        "\(path) is nothing that is described here: no folder of a model, .safetensors, PNG, JPEG or SVG.")
    }
  }

  private static func isAutoencoder(_ url: URL) -> Bool {
    let index = url.appending(path: PipelineIndex.fileName)
    let config = url.appending(path: "config.json")
    return !FileManager.default.fileExists(atPath: index.path)
      && ModelClass.name(in: config).map(VAEFolder.classNames.contains) ?? false
  }
}

/// Facts about one thing, a name and a text each.
struct InfoReport {
  private var lines: [(name: String, text: String)] = []
  private static let command = "command"
  /// What stands below the facts as it is.
  private var appendix = ""

  /// Of the terminal where there is one, and of a page otherwise.
  static var width: Int {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col >= 40 else { return 100 }
    return min(Int(size.ws_col), 160)
  }

  private mutating func add(_ name: String, _ value: (some CustomStringConvertible)?) {
    if let value { lines.append((name, value.description)) }
  }

  /// All of it, lines of more than `width` characters folded between words.
  func text(width: Int) -> String {
    let indent = 14
    var rows: [String] = []
    for (name, text) in lines {
      let parts = text.folded(width: width - indent - 2)
      for (i, part) in parts.enumerated() {
        // A command is to be pasted into a shell.
        let isContinued = name == Self.command && i < parts.count - 1
        rows.append((i == 0 ? name : "").padding(to: indent) + part + (isContinued ? " \\" : ""))
      }
    }
    if !appendix.isEmpty { rows.append(appendix) }
    return rows.joined(separator: "\n")
  }

  static func model(_ folder: ModelFolder) throws -> InfoReport {
    var report = InfoReport()
    let config = folder.config
    let plan = try config.build(ParameterStore(.plan))
    report.add("model", "\(type(of: config).className), \(plan.parameters.parameterCount.grouped) parameters")
    let factor = folder.vae?.config.downsampling ?? 1
    if let size = config.nativeSize {
      let channels = folder.vae?.config.outChannels ?? config.denoisedChannels
      report.add("size", "\(size.width * factor)x\(size.height * factor), \(channels.counted("channel"))")
    }
    if let vae = folder.vae { report.add("latents", vae.config.summary) }
    if config.isInpainting {
      report.add("use", "darkroom inpaint: it takes a mask and the masked picture too")
    }
    for (_, part) in folder.text?.encoders ?? [] {
      report.add(
        "text",
        "\(part.config.architecture.rawValue), \(part.config.vocabSize.counted("token")), "
          + "\(part.config.maxPositionEmbeddings) at a time, \(part.config.hiddenSize.counted("channel"))")
    }
    report.add("blocks", config.structure)
    report.add("classes", folder.notes.classes?.joined(separator: ", "))
    report.add("trained", folder.notes.trainedSteps.map { "\($0.grouped) step\($0 == 1 ? "" : "s")" })
    report.add("parts", folder.components.map(\.place.name).joined(separator: ", "))
    do {
      let s = try folder.scheduler
      let noise = s.trainedBetas == nil ? s.betaSchedule.rawValue : "trained_betas"
      report.add(
        "scheduler",
        "\(s.className.rawValue), \(noise), \(s.numTrainTimesteps) timesteps, predicts \(s.predictionType.rawValue)"
      )
    } catch {
      report.add("scheduler", "\(error)")
    }
    report.add("configuration", "")
    report.appendix = String(decoding: try config.json(), as: UTF8.self)
    return report
  }

  static func classifier(_ folder: ClassifierFolder) throws -> InfoReport {
    var report = InfoReport()
    let plan = try NoisyClassifier(folder.config, ParameterStore(.plan))
    report.add("classifier", "NoisyClassifier, \(plan.parameters.parameterCount.grouped) parameters")
    if let size = folder.size { report.add("size", "\(size.width)x\(size.height)") }
    report.add("classes", folder.classes.joined(separator: ", "))
    report.add("trained", folder.trainedSteps.map { "\($0.grouped) step\($0 == 1 ? "" : "s")" })
    report.add(
      "noise",
      folder.scheduler.map { "\($0.className.rawValue), \($0.numTrainTimesteps) timesteps" }
        ?? "none: pictures as they are")
    report.add(
      "use", "darkroom evaluate classify" + (folder.scheduler == nil ? "" : ", darkroom sample --classifier"))
    report.add("configuration", "")
    report.appendix = String(decoding: try folder.config.json(), as: UTF8.self)
    return report
  }

  static func controlNet(_ folder: ControlNetFolder) throws -> InfoReport {
    var report = InfoReport()
    let config = folder.config
    let plan = try config.build(ParameterStore(.plan))
    report.add(
      "ControlNet", "\(type(of: config).className), \(plan.parameters.parameterCount.grouped) parameters")
    let factor = config.conditioningDownsampling
    report.add(
      "reads",
      "pictures of \(config.conditioningChannels.counted("channel"))"
        + (factor == 1 ? "" : ", \(factor) times larger than what its base denoises"))
    report.add("use", "--controlnet and --control-image of darkroom sample, img2img, inpaint and compare")
    report.add("configuration", "")
    report.appendix = String(decoding: try config.json(), as: UTF8.self)
    return report
  }

  static func autoencoder(_ folder: VAEFolder) throws -> InfoReport {
    var report = InfoReport()
    let plan = try AutoencoderKL(folder.config, ParameterStore(.plan))
    report.add("autoencoder", "AutoencoderKL, \(plan.parameters.parameterCount.grouped) parameters")
    report.add("latents", folder.config.summary)
    if let size = folder.config.sampleSize { report.add("size", "\(size[1])x\(size[0])") }
    report.add("use", "darkroom vae check, encode and decode; darkroom train --vae")
    report.add("configuration", "")
    report.appendix = String(decoding: try folder.config.json(), as: UTF8.self)
    return report
  }

  static func tensors(_ file: SafetensorsFile) -> InfoReport {
    var report = InfoReport()
    let entries = file.entries.sorted { $0.key < $1.key }
    let types = Set(entries.map(\.value.type)).sorted().joined(separator: ", ")
    let values = entries.reduce(0) { $0 + $1.value.shape.reduce(1, *) }
    report.add(
      "tensors", "safetensors, \(entries.count.counted("tensor")), \(values.grouped) values, \(types)")
    for (key, value) in file.metadata.sorted(by: { $0.key < $1.key }) where !value.isEmpty {
      report.add("metadata", "\(key): \(value.prefix(400))")
    }
    let listed = entries.prefix(200).map { key, entry in
      "  " + key.padding(to: 56) + " \(entry.type) \(entry.shape)"
    }
    let rest = entries.count > listed.count ? ["  … and \(entries.count - listed.count) more"] : []
    report.appendix = (listed + rest).joined(separator: "\n")
    return report
  }

  static func picture(_ picture: DecodedPicture, file: String) throws -> InfoReport {
    var report = InfoReport()
    report.add(
      "picture",
      "\(picture.format.name), \(picture.storedWidth)x\(picture.storedHeight), \(picture.bitDepth) bits")
    if let recipe = try Recipe.find(in: picture.texts, file: file) {
      report.add("made by", "darkroom \(recipe.version)")
      report.add("model", recipe.model)
      report.add("model hash", recipe.modelHash)
      report.add("seed", "\(recipe.seed), picture \(recipe.imageIndex), \(recipe.rng)")
      report.add(
        "sampler",
        "\(recipe.sampler), \(recipe.steps.counted("step"))" + (recipe.eta.map { ", eta \($0)" } ?? ""))
      report.add(
        "variation", recipe.variationSeed.map { "towards seed \($0), \(recipe.variationStrength ?? 0)" })
      report.add(
        "enlarged",
        recipe.upscale.map {
          "\($0) times (\(recipe.upscaleMode ?? "latent")), strength \(recipe.upscaleStrength ?? 0)"
        })
      report.add("precision", recipe.precision)
      report.add("guidance", recipe.guidanceScale)
      report.add("classifier", recipe.classifier.map { "\($0), scale \(recipe.classifierScale ?? 1)" })
      report.add("prompt", recipe.prompt)
      report.add("negative", recipe.negativePrompt)
      report.add("class", recipe.className ?? recipe.classLabel.map { String($0) })
      report.add(Self.command, recipe.commandLine)
    } else if let text = picture.texts.first(where: { $0.keyword == GenerationParameters.keyword })?.text {
      report.add("parameters", "")
      report.appendix = text
    } else {
      report.add("recipe", "none: this picture does not say how it was made")
    }
    return report
  }

  /// - Parameter text: how the file begins.
  static func plot(_ text: String) -> InfoReport {
    var report = InfoReport()
    let title = text.firstMatch(of: /<text [^>]*>([^<]+)<\/text>/).map { " '\($0.output.1)'" } ?? ""
    report.add("plot", "an SVG\(title), which a browser shows")
    return report
  }
}

extension AutoencoderKLConfig {
  fileprivate var summary: String {
    "AutoencoderKL, \(latentChannels.counted("channel")), \(downsampling) times smaller, scaled by \(scalingFactor)"
  }
}

extension Int {
  /// With commas between thousands.
  fileprivate var grouped: String {
    var digits = String(self)
    var at = digits.count - 3
    while at > 0 {
      digits.insert(",", at: digits.index(digits.startIndex, offsetBy: at))
      at -= 3
    }
    return digits
  }
}

extension String {
  /// Lines of at most `width` characters, folded between words where there are any; never none.
  func folded(width: Int) -> [String] {
    var lines: [String] = []
    for paragraph in split(separator: "\n", omittingEmptySubsequences: false) {
      var line = ""
      for word in paragraph.split(separator: " ", omittingEmptySubsequences: false) {
        if !line.isEmpty && line.count + 1 + word.count > width {
          lines.append(line)
          line = String(word)
        } else {
          line += line.isEmpty ? String(word) : " \(word)"
        }
      }
      lines.append(line)
    }
    return lines
  }
}
