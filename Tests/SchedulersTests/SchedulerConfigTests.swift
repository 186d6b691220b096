import Foundation
import Schedulers
import TestSupport
import XCTest

final class SchedulerConfigTests: XCTestCase {
  private func problem(_ json: String) -> String {
    do {
      try JSONDecoder().decode(SchedulerConfig.self, from: Data(json.utf8)).validate()
      return "none"
    } catch { return "\(error)" }
  }

  func testImpossibleValuesAreNamed() {
    for (json, expected) in [
      ("{}", "_class_name"),
      (#"{"_class_name": "FooScheduler"}"#, "FooScheduler"),
      (#"{"_class_name": "DDPMScheduler", "beta_strat": 1}"#, "beta_strat"),
      (#"{"_class_name": "DDPMScheduler", "beta_schedule": "quadratic"}"#, "beta_schedule"),
      (#"{"_class_name": "DDPMScheduler", "beta_end": 1.5}"#, "between 0 and 1"),
      (#"{"_class_name": "DDPMScheduler", "num_train_timesteps": 0}"#, "num_train_timesteps 0"),
      (
        #"{"_class_name": "DDPMScheduler", "trained_betas": [0.1, 2], "num_train_timesteps": 2}"#,
        "outside (0, 1)"
      ),
      (#"{"_class_name": "DDPMScheduler", "rescale_betas_zero_snr": true}"#, "v_prediction"),
      (#"{"_class_name": "DDIMScheduler", "beta_schedule": "sigmoid"}"#, "sigmoid"),
    ] {
      XCTAssertTrue(problem(json).contains(expected), "\(json): \(problem(json))")
    }
  }

  func testStepCountsOutOfRangeAreRefused() {
    let config = SchedulerConfig(.ddim)
    for steps in [0, -1, 1001, 10_000] { XCTAssertThrowsError(try config.timesteps(steps)) }
  }

  /// The files in `schedules/` are what is built in.
  func testPresetsEqualTheirFiles() throws {
    let folder = Fixtures.folder.deletingLastPathComponent().deletingLastPathComponent().appending(
      path: "schedules")
    let readme = try String(contentsOf: folder.appending(path: "README.md"), encoding: .utf8)
    for preset in Presets.all {
      let file = folder.appending(path: "\(preset.name).json")
      XCTAssertEqual(try String(contentsOf: file, encoding: .utf8), preset.config.json, preset.name)
      XCTAssertEqual(try SchedulerConfig(contentsOf: file), preset.config, preset.name)
      XCTAssertTrue(
        readme.contains("| `\(preset.name)` | \(preset.summary) |"), "\(preset.name) in the README")
    }
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
      $0.hasSuffix(".json")
    }
    XCTAssertEqual(files.count, Presets.all.count)
  }
}
