import Foundation
import Pictures
import TestSupport
import Training
import XCTest

/// Every option and argument that names a file reads it in the same way: `~` is home, also where quotes kept the shell from
/// seeing it.
final class PathTests: XCTestCase {
  /// Each path of each command, in the order in which later lines find what earlier ones made.
  private static let lines = [
    "sample '~/ldm' --steps 1 --sampler '~/ldm' --schedule '~/ldm/scheduler/scheduler_config.json' --output '~/o.png'",
    "sample '~/class' --steps 1 --class 1 --guidance-scale 2 --autoguidance '~/class' --output '~/o.safetensors'",
    "sample '~/sd' --steps 1 --prompts-file '~/prompts' \(steered) --output '~/s.png'",
    "img2img '~/ldm' '~/o.png' --steps 1 --schedule '~/ldm' --sampler '~/ldm' --output '~/i.png'",
    "img2img '~/class' '~/o.png' --steps 1 --class 1 --guidance-scale 2 --autoguidance '~/class' --output '~/i.png'",
    "inpaint '~/ldm' '~/o.png' --mask '~/o.png' --schedule '~/ldm' --sampler '~/ldm' --steps 1 --output '~/p.png'",
    "inpaint '~/class' '~/o.png' --mask '~/o.png' --steps 1 --class 1 --guidance-scale 2 --autoguidance '~/class' "
      + "--output '~/p.png'",
    "img2img '~/sd' '~/s.png' --prompt star --steps 1 \(steered) --output '~/i.png'",
    "inpaint '~/sd' '~/s.png' --mask '~/o.png' --prompt star --steps 1 \(steered) --output '~/p.png'",
    "compare '~/sd' --prompt star --samplers ddim --steps 1 \(steered) --output '~/c.png'",
    "replay '~/o.png' --model '~/ldm' --output '~/r.png'",
    "variations '~/o.png' --model '~/ldm' --count 1 --output '~/v.png'",
    "interpolate '~/ldm' --seeds 1,2 --frames 2 --steps 1 --schedule '~/ldm' --sampler '~/ldm' --output '~/f.png'",
    "interpolate '~/class' --seeds 1,2 --frames 2 --steps 1 --class 1 --guidance-scale 2 --autoguidance '~/class' "
      + "--output '~/f.png'",
    "interpolate '~/sd' --seeds 1,2 --frames 2 --prompt star --steps 1 \(steered) --output '~/f.png'",
    "invert '~/ldm' '~/o.png' --steps 2 --schedule '~/ldm' --sampler '~/ldm' --output '~/n.safetensors'",
    "invert '~/class' '~/o.png' --steps 2 --sampler ddim --class 1 --guidance-scale 2 --autoguidance '~/class' "
      + "--output '~/m.safetensors'",
    "invert '~/sd' '~/s.png' --steps 2 --sampler ddim --prompt star \(steered) --output '~/m.safetensors'",
    "interpolate '~/ldm' --seeds 1,2 --frames 2 --steps 2 --save-steps '~/w.png' --output '~/f.png'",
    "sample '~/ldm' --steps 2 --latents '~/n.safetensors' --save-steps '~/w.png' --output '~/o2.png'",
    "img2img '~/ldm' '~/o.png' --steps 2 --latents '~/n.safetensors' --save-steps '~/w.png' --output '~/i.png'",
    "inpaint '~/ldm' '~/o.png' --mask '~/o.png' --steps 2 --latents '~/n.safetensors' --save-steps '~/w.png' "
      + "--output '~/p.png'",
    "bench plan '~/ldm'",
    "compare '~/ldm' --samplers '~/ldm' --steps 1 --output '~/c.png'",
    "compare '~/class' --class 1 --guidance-scale 2 --autoguidance '~/class' --steps 1 --samplers ddim --output '~/c.png'",
    "grid '~/o.png' --output '~/g.png'", "info '~/o.png'", "info '~/ldm'",
    "diff '~/o.png' '~/o.png' --output '~/d.png'",
    "control canny '~/o.png' --output '~/e.png'", "control lineart '~/o.png' --output '~/e.png'",
    "control scribble '~/o.png' --output '~/e.png'", "control grey '~/o.png' --output '~/e.png'",
    "control mask '~/o.png' --output '~/e.png'", "control tile '~/o.png' --output '~/e.png'",
    "vae encode '~/ldm' '~/o.png' --output '~/z.safetensors'",
    "vae decode '~/ldm' '~/z.safetensors' --output '~/z.png'", "vae check '~/ldm' '~/o.png'",
    "schedule show '~/ldm' --steps 2", "schedule plot '~/ldm' --output '~/p.svg'",
    "schedule convergence --samplers ddim --output '~/v.svg'",
    "prompt show '~/sd' star", "data draw-shapes '~/shapes' --count 16 --size 16",
    "data draw-shapes '~/scattered' --count 16 --size 16 --outlines '~/outlines'", "data check '~/shapes'",
    "bench network sample --network '~/ldm/unet' --batch-size 1 --repeats 1",
    "train denoiser '~/shapes' --config '~/unet.json' --schedule '~/ldm' \(short) --output '~/run'",
    "train denoiser '~/shapes' --init-from '~/run' \(short) --output '~/finer'",
    "train denoiser '~/shapes' --vae '~/ldm' --preset dit-tiny-2 --resolution 16 \(short) --output '~/latent'",
    "train vae '~/shapes' --config '~/vae.json' --perceptual-weights '~/lpips' --resolution 16 \(short) --output '~/vae'",
    "train vae '~/shapes' --init-from '~/vae' --resolution 16 \(short) --output '~/vae2'",
    "train classifier '~/shapes' --classes folders --config '~/unet.json' --schedule '~/ldm' \(short) --output '~/judge'",
    "train controlnet '~/run' '~/shapes' --conditions '~/shapes' \(short) --output '~/steer'",
    "resume '~/run'",
    "evaluate likelihood '~/run' '~/shapes' --count 1 --timesteps-every 500 --plot '~/l.svg'",
    "evaluate classify '~/judge' '~/o.png'",
    "evaluate nearest '~/o.png' --among '~/shapes' --output '~/n.png'", "export '~/run' --output '~/model'",
    "sample '~/run' --steps 1 --classifier '~/judge' --output '~/a.png'",
    "img2img '~/run' '~/a.png' --steps 1 --classifier '~/judge' --output '~/i.png'",
    "inpaint '~/run' '~/a.png' --mask '~/o.png' --steps 1 --classifier '~/judge' --output '~/p.png'",
    "compare '~/run' --steps 1 --samplers ddim --classifier '~/judge' --output '~/c.png'",
    "interpolate '~/run' --seeds 1,2 --frames 2 --steps 1 --classifier '~/judge' --output '~/f.png'",
    "invert '~/run' '~/a.png' --steps 2 --sampler ddim --classifier '~/judge' --output '~/m.safetensors'",
  ]
  private static let steered = "--controlnet '~/net' --control-image '~/net.png'"
  private static let short = "--steps 1 --batch-size 2 --preview-every 0"

  func testHomeIsTheSameEverywhere() throws {
    let home = try temporaryFolder(for: self)
    for (from, to) in [
      ("pipelines/ldm", "ldm"), ("pipelines/dit", "class"), ("stable-diffusion/sd", "sd"),
      ("controlled/first", "net"), ("controlled/first.png", "net.png"),
      ("lpips/weights.safetensors", "lpips"),
    ] {
      try FileManager.default.copyItem(at: Fixtures.url(from), to: home.appending(path: to))
    }
    let unet = """
      {"sample_size": 8, "block_out_channels": [8, 16], "layers_per_block": 1, "norm_num_groups": 4,
       "down_block_types": ["DownBlock2D", "DownBlock2D"], "up_block_types": ["UpBlock2D", "UpBlock2D"],
       "add_attention": false}
      """
    let vae = """
      {"block_out_channels": [8, 16], "layers_per_block": 1, "norm_num_groups": 4,
       "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D"],
       "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D"]}
      """
    for (name, text) in [("unet.json", unet), ("vae.json", vae), ("prompts", "a red star\n")] {
      try Data(text.utf8).write(to: home.appending(path: name))
    }
    for line in Self.lines {
      let result = try Command.shell("cd /; HOME='\(home.path)' \"$darkroom\" \(line)")
      XCTAssertEqual(result.code, 0, "\(line): \(result.errors)")
    }
    let made = try FileManager.default.contentsOfDirectory(atPath: home.path)
    XCTAssertFalse(made.contains("~"), "\(made)")
    for name in ["o.png", "p.svg", "shapes", "run", "l.svg"] { XCTAssertTrue(made.contains(name), name) }
  }

  /// The lines above leave no path out, whatever commands and options are added: what the program itself says of them.
  func testNoPathIsLeftOut() throws {
    let paths = try Self.paths()
    XCTAssertGreaterThan(paths.count, 70)
    for path in paths where !Self.refused.contains("\(path.command) \(path.option ?? "")") {
      let given = Self.lines.filter { $0.hasPrefix(path.command + " ") }.contains { line in
        path.option.map { line.contains("\($0) '~") } ?? (line.components(separatedBy: " '~").count > 1)
      }
      XCTAssertTrue(given, "\(path.command) \(path.option ?? "<\(path.name)>") has no line in this test")
    }
  }

  private struct Path {
    let command: String
    let name: String
    /// As it is typed; nil for an argument without a name.
    let option: String?
  }

  private struct Tool: Decodable {
    struct Command: Decodable {
      struct Argument: Decodable {
        struct Name: Decodable { let kind: String, name: String }
        let kind: String
        let preferredName: Name?
        let valueName: String?
        let abstract: String?
        let discussion: String?
        let completionKind: Kind?
      }
      let commandName: String
      let arguments: [Argument]?
      let subcommands: [Command]?
    }
    /// Only which it is.
    struct Kind: Decodable {
      let name: String
      init(from decoder: any Decoder) throws {
        struct Key: CodingKey {
          let stringValue: String
          var intValue: Int? { nil }
          init?(stringValue: String) { self.stringValue = stringValue }
          init?(intValue: Int) { nil }
        }
        name = try decoder.container(keyedBy: Key.self).allKeys.first?.stringValue ?? ""
      }
    }
    let command: Command
  }

  /// Options that a command has and always refuses.
  private static let refused = ["interpolate --latents"]
  /// Words of options that speak of files and name none.
  private static let others: Set<String> = ["count", "classes"]

  /// What the program says of its commands: options that shells complete with files, and those whose help speaks of files.
  private static func paths() throws -> [Path] {
    let json = try TestSupport.Command.run("--experimental-dump-help").output
    let tool = try JSONDecoder().decode(Tool.self, from: Data(json.utf8))
    func walk(_ command: Tool.Command, _ prefix: [String]) -> [Path] {
      let words = prefix + [command.commandName]
      let own = (command.arguments ?? []).filter(isPath).map { argument in
        Path(
          command: words.dropFirst().joined(separator: " "), name: argument.valueName ?? "",
          option: argument.kind == "option" ? argument.preferredName.map { "--\($0.name)" } : nil)
      }
      return own + (command.subcommands ?? []).filter { $0.commandName != "help" }.flatMap { walk($0, words) }
    }
    return walk(tool.command, [])
  }

  private static func isPath(_ argument: Tool.Command.Argument) -> Bool {
    guard argument.kind != "flag" else { return false }
    let kind = argument.completionKind?.name
    if ["file", "directory"].contains(kind) { return true }
    let help = (argument.abstract ?? "") + (argument.discussion ?? "")
    if help.contains("scheduler_config.json") { return true }
    let name = argument.preferredName?.name ?? argument.valueName ?? ""
    return kind == nil && !others.contains(name) && help.contains(/\b(file|files|folder|folders)\b/)
  }
}
