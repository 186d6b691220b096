import Foundation
import NN
import Pictures
import Pipelines
import TensorCore
import TestSupport
import XCTest

/// `darkroom vae` from the command line, on the autoencoders of `make_vae.py`.
final class VAECommandTests: XCTestCase {
  private let model = Fixtures.url("vae/quant").path

  private func run(_ arguments: [String]) throws -> Command.Result {
    let result = try Command.run("vae", arguments)
    XCTAssertEqual(result.code, 0, "\(arguments): \(result.errors)")
    return result
  }

  /// A picture whose sides are multiples of 4.
  private func save(_ width: Int, _ height: Int, in folder: URL) throws -> String {
    var image = Picture(width: width, height: height, color: .white)
    for y in 0..<height {
      for x in 0..<width { image[x, y] = RGB(UInt8(x * 7 % 256), UInt8(y * 5 % 256), UInt8((x + y) % 256)) }
    }
    let url = folder.appending(path: "p-\(width)x\(height).png")
    try image.write(to: url)
    return url.path
  }

  /// `encode` gives what a denoiser sees and `decode` takes it; both as `AutoencoderKL` computes them.
  func testThereAndBackAsTheFixturesSay() throws {
    let folder = try temporaryFolder(for: self)
    let given = try Fixtures.tensors("vae/quant/case.safetensors")
    let scaled = 0.18215 * (try given.tensor("z"))
    let latents = folder.appending(path: "z.safetensors")
    try SafetensorsWriter.write([("latents", scaled)], to: latents)
    let images = folder.appending(path: "i.safetensors")
    _ = try run(["decode", model, latents.path, "--output", images.path])
    assertClose(
      try SafetensorsFile(images).tensor("images"), try given.tensor("decoded"), relative: 1e-4, "decoded")

    let png = try save(24, 16, in: folder)
    let first = folder.appending(path: "a.safetensors")
    _ = try run(["encode", model, png, "--output", first.path])
    XCTAssertEqual(try SafetensorsFile(first).tensor("latents").shape, [1, 4, 4, 6])
    let out = folder.appending(path: "o.png")
    _ = try run(["decode", model, first.path, "--output", out.path])
    let decoded = try DecodedPicture(contentsOf: out).picture
    XCTAssertEqual([decoded.width, decoded.height], [24, 16])
  }

  func testADrawIsKeyedByItsSeed() throws {
    let folder = try temporaryFolder(for: self)
    let png = try save(24, 16, in: folder)
    func encoded(_ options: [String]) throws -> [Float] {
      let url = folder.appending(path: "z.safetensors")
      _ = try run(["encode", model, png, "--output", url.path] + options)
      return try SafetensorsFile(url).tensor("latents").values
    }
    let mean = try encoded([])
    let one = try encoded(["--sample-posterior", "--seed", "1"])
    XCTAssertEqual(one, try encoded(["--sample-posterior", "--seed", "1"]))
    XCTAssertNotEqual(one, try encoded(["--sample-posterior", "--seed", "2"]))
    XCTAssertNotEqual(one, mean)
  }

  /// A pipeline's folder serves as well as the autoencoder's own.
  func testCheckMeasures() throws {
    let folder = try temporaryFolder(for: self)
    let pictures = [try save(24, 16, in: folder), try save(40, 32, in: folder)]
    let result = try run(["check", Fixtures.url("pipelines/dit").path] + pictures)
    let lines = result.output.split(separator: "\n")
    XCTAssertEqual(lines.count, 3)
    XCTAssertTrue(lines[0].contains("p-24x16.png: 24x16, PSNR "), result.output)
    XCTAssertTrue(lines[2].hasPrefix("all 2: PSNR "), result.output)
    _ = try run(["check", model, "--tile-size", "16"] + pictures)
  }

  func testWhatCannotBeIsRefusedInOneSentence() throws {
    let folder = try temporaryFolder(for: self)
    let (png, odd) = (try save(24, 16, in: folder), try save(22, 16, in: folder))
    let (out, image) = (folder.appending(path: "z.safetensors").path, folder.appending(path: "o.png").path)
    let other = Fixtures.url("vae/no-quant/case.safetensors").path
    let latents = folder.appending(path: "l.safetensors")
    try SafetensorsWriter.write([("latents", Tensor.zeros([1, 3, 4, 4]))], to: latents)
    let wild = folder.appending(path: "n.safetensors")
    let channels = try VAEFolder(URL(fileURLWithPath: model)).config.latentChannels
    var values = [Float](repeating: 0, count: channels * 16)
    values[5] = .nan
    try SafetensorsWriter.write([("latents", Tensor(values, shape: [1, channels, 4, 4]))], to: wild)
    for (arguments, expected) in [
      (["decode", model, wild.path, "--output", image], "holds nan in 'latents' (value 5)"),
      (["encode", "/nowhere", png, "--output", out], "does not exist"),
      (["encode", folder.path, png, "--output", out], "holds no autoencoder"),
      (["encode", Fixtures.url("unet/cifar-like").path, png, "--output", out], "describes a UNet2DModel"),
      (["encode", model, odd, "--output", out], "is 22x16; this autoencoder needs multiples of 4"),
      (["encode", model, "/nowhere.png", "--output", out], "nowhere.png"),
      (["encode", model, png, "--output", image], "must end in .safetensors"),
      (["encode", model, png, "--output", out, "--tile-size", "15"], "must be a multiple of 4"),
      (["decode", model, latents.path, "--output", image], "shape [1, 3, 4, 4]"),
      (["decode", model, other, "--output", image], "latents"),
      (["decode", model, png, "--output", image], "p-24x16.png"),
      (["check", model, odd], "needs multiples of 4"),
    ] {
      let result = try Command.run("vae", arguments)
      XCTAssertNotEqual(result.code, 0, "\(arguments)")
      XCTAssertTrue(result.errors.contains(expected), "\(arguments): \(result.errors)")
      XCTAssertEqual(result.errors.split(separator: "\n").count, 1, result.errors)
    }
    XCTAssertFalse(FileManager.default.fileExists(atPath: out))
  }
}
