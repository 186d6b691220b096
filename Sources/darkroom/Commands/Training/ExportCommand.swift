import ArgumentParser
import Foundation
import Pipelines
import TensorCore

/// `darkroom export`: a run's model by itself, smaller.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write a model by itself, in half the size, to keep or to pass on.",
    discussion: """
      Of a run's folder the model alone is written: what a resume needs, previews and plots stay behind. What is written is a \
      diffusers folder as before, with weights of 16 bits; every command reads it.

      EXAMPLES
        darkroom export run --output model
        darkroom export stable-diffusion --precision bf16 --output smaller
      """)

  @Argument(help: "The model's folder, or a run's.", completion: .directory)
  var model: String

  @Option(
    name: .shortAndLong, help: "The folder to write; there must be none yet.", completion: .directory)
  var output: String

  @Option(help: "What each weight is rounded to: f16, bf16 (a wider range, fewer digits) or f32.")
  var precision = FloatForm.f16

  func run() throws {
    let folder = try ModelFolder(URL(argument: model, "<model>"))
    let target = try URL(argument: output, "--output")
    let there = (try? FileManager.default.contentsOfDirectory(atPath: target.path)) ?? []
    guard there.isEmpty else {
      throw Failure("--output \(output) holds files already; name another folder.")
    }
    try folder.export(to: target, as: precision)
    Console.note("\(output): \(folder.components.map(\.place.name).joined(separator: ", "))")
  }
}

extension FloatForm: ExpressibleByArgument {}
