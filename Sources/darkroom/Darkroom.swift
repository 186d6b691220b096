import ArgumentParser
import Foundation
import TensorCore

/// The program: every subcommand is a file of its own beside this one.
@main
struct Darkroom: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "darkroom",
    abstract: "Diffusion image generation, native: train on a folder of pictures, sample PNGs, replay them.",
    discussion: """
      A model is a folder in the layout of Hugging Face diffusers, in both directions: what is trained here opens \
      there, and what was saved there opens here.
      """,
    version: DarkroomVersion.current,
    subcommands: [
      TrainCommand.self, SampleCommand.self, CompareCommand.self, GridCommand.self, ScheduleCommand.self,
      DataCommand.self, PromptCommand.self,
      InfoCommand.self, DiffCommand.self, ControlCommand.self, VAECommand.self, EvaluateCommand.self,
      BenchCommand.self,
    ])

  /// Every failure leaves by here: one sentence on standard error, and an exit code other than 0.
  static func main() {
    ThreadPolicy.settle()
    onExhaustedMemory { bytes in
      Console.error(
        "darkroom: out of memory: \(bytes >> 20) MiB more were needed; lower --batch-size, --count, --size or "
          + "--resolution, or use --tile-size with an autoencoder.")
      _exit(1)
    }
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let failure as Failure {
      Console.error("darkroom: \(failure.sentence)")
      exit(withError: ExitCode(failure.code))
    } catch let error
      where exitCode(for: error) == .validationFailure || error is CleanExit || error is ExitCode
    {
      exit(withError: error)
    } catch {
      let isParserMessage = String(reflecting: type(of: error)).hasPrefix("ArgumentParser.")
      if isParserMessage { exit(withError: error) }
      Console.error("darkroom: \(error.localizedDescription)")
      exit(withError: ExitCode.failure)
    }
  }
}

/// A failure of the command itself, worded for the person who gave it.
struct Failure: Error {
  let sentence: String
  let code: Int32

  init(_ sentence: String, code: Int32 = 1) {
    self.sentence = sentence
    self.code = code
  }
}
