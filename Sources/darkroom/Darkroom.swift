import ArgumentParser
import Foundation
import TensorCore

/// The program: every subcommand is a file of its own beside this one.
@main
struct Darkroom: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "darkroom",
    abstract: "Diffusion image generation, native: train on a folder of pictures, sample from a model.",
    discussion: """
      A model is a folder in the layout of Hugging Face diffusers, in both directions: what is trained here opens \
      there, and what was saved there opens here.

      EXAMPLES
        darkroom data check photos --classes folders
        darkroom train photos --classes folders --resolution 32 --output run
        darkroom sample run --count 16 --output pictures.png
        darkroom info pictures.png

      EXIT CODES
      \(ExitStatus.table)
      """,
    version: DarkroomVersion.current,
    subcommands: [
      TrainCommand.self, ResumeCommand.self, SampleCommand.self, Img2ImgCommand.self, InpaintCommand.self,
      InvertCommand.self,
      VariationsCommand.self, InterpolateCommand.self, ReplayCommand.self, CompareCommand.self,
      GridCommand.self, ScheduleCommand.self,
      DataCommand.self, PromptCommand.self,
      InfoCommand.self, ExportCommand.self, DiffCommand.self, ControlCommand.self, VAECommand.self,
      EvaluateCommand.self,
      BenchCommand.self,
    ])

  /// Every failure leaves by here: one sentence on standard error, and an exit code other than 0.
  static func main() {
    Streams.settle()
    onExhaustedMemory { bytes in
      Console.error(
        "darkroom: out of memory: \(bytes >> 20) MiB more were needed; lower --batch-size, --count, --size or "
          + "--resolution, or use --tile-size with an autoencoder.")
      _exit(ExitStatus.failure.rawValue)
    }
    do {
      if let complaint = Processor.complaint { throw Failure(complaint) }
      var command = try parseAsRoot()
      try command.run()
    } catch { leave(error) }
  }

  /// Help and versions come as errors too, of which the parser says that they are a success.
  private static func leave(_ error: any Error) -> Never {
    if let failure = error as? Failure {
      if !failure.sentence.isEmpty { Console.error("darkroom: \(failure.sentence)") }
      leave(failure.status)
    }
    if let code = error as? ExitCode { Foundation.exit(code.rawValue) }
    switch exitCode(for: error) {
    case .success:
      do { try Console.print(HelpText.complete(fullMessage(for: error))) } catch { leave(error) }
      leave(.success)
    case .validationFailure:
      Console.error("darkroom: " + UsageMessage(message(for: error), full: fullMessage(for: error)).sentence)
      leave(.usage)
    default:
      Console.error("darkroom: \(error.localizedDescription)")
      leave(.failure)
    }
  }

  private static func leave(_ status: ExitStatus) -> Never { Foundation.exit(status.rawValue) }
}
