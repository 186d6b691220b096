import ArgumentParser
import Pictures
import Pipelines
import TensorCore

/// What a hole starts from.
enum HoleFill: String, ExpressibleByArgument, CaseIterable { case original, blur, noise, nothing }

/// A hole in a picture, both at the size that is worked at, and how it is painted.
struct Hole {
  let edit: Edit
  let picture: Picture
  /// White where it is painted anew.
  let mask: Mask
  let fill: HoleFill
  let method: Inpainting.Method
  /// Whether all of the schedule is gone through.
  let isWhole: Bool
  /// What the network sees of the picture, whole, filled and masked: `[1, C, H, W]`, the same for all batches of a run.
  private var whole, blurred, masked: Tensor?

  init(
    _ edit: Edit, _ picture: Picture, _ mask: Mask, fill: HoleFill, method: Inpainting.Method, isWhole: Bool
  ) {
    (self.edit, self.picture, self.mask) = (edit, picture, mask)
    (self.fill, self.method, self.isWhole) = (fill, method, isWhole)
  }

  /// What so many pictures begin with. Noise is drawn in diffusers' order, which counts for PyTorch's generator.
  mutating func beginning(
    _ count: Int, _ codec: LatentSpace?, _ noise: inout any NoiseSource
  ) -> Beginning {
    let shape = edit.run.sampling.shape(count: count)
    return edit.run.sampling.folder.config.isInpainting
      ? concatenated(shape, codec, &noise) : blended(shape, codec, &noise)
  }

  /// Of a network that is shown the hole at every step.
  private mutating func concatenated(
    _ shape: [Int], _ codec: LatentSpace?, _ noise: inout any NoiseSource
  ) -> Beginning {
    let known = startsPure ? nil : encodedWhole(shape[0], codec, &noise)
    let epsilon = noise.normal(shape, .initialLatents, step: 0)
    let around = masked ?? edit.encoded(maskedFloats, codec, noise: &noise, step: 1)
    masked = around
    let start = known.map { Start.picture(filled($0, map(shape), codec, &noise), noise: epsilon) }
    return Beginning(
      start: start ?? .noise(epsilon),
      concatenated: .concatenatedChannels([cut(shape), around]).repeated(shape[0]))
  }

  /// Of any other network: what is known is put back after each visit.
  private mutating func blended(
    _ shape: [Int], _ codec: LatentSpace?, _ noise: inout any NoiseSource
  ) -> Beginning {
    let known = encodedWhole(shape[0], codec, &noise)
    let epsilon = noise.normal(shape, .initialLatents, step: 0)
    if codec != nil, edit.options.sampling.numbers.rng == .torch {
      // diffusers encodes the masked picture too, and draws for it, though a network without channels for it has no use.
      _ = noise.normal([1] + shape.dropFirst(), .posterior, step: 1)
    }
    let m = map(shape)
    return Beginning(
      start: startsPure
        ? .noise(epsilon) : .picture(filled(known, m, codec, &noise), noise: epsilon),
      afterVisit: Inpainting(method, known: known, mask: m, epsilon: epsilon).afterVisit)
  }

  /// Whether the hole starts from noise alone.
  private var startsPure: Bool { isWhole && fill == .original }

  private mutating func encodedWhole(
    _ count: Int, _ codec: LatentSpace?, _ noise: inout any NoiseSource
  ) -> Tensor {
    let own = whole ?? edit.encoded(edit.run.sampling.tensor(of: picture), codec, noise: &noise)
    whole = own
    return own.repeated(count)
  }

  private mutating func filled(
    _ known: Tensor, _ m: Tensor, _ codec: LatentSpace?, _ noise: inout any NoiseSource
  ) -> Tensor {
    switch fill {
    case .original: return known
    case .blur:
      let own =
        blurred ?? edit.encoded(edit.run.sampling.tensor(of: picture.filled(in: mask)), codec, noise: &noise)
      blurred = own
      return own.repeated(known.shape[0])
    case .noise: return m * noise.normal(known.shape, .holeFilling, step: 0) + (-1 * m + 1) * known
    case .nothing: return (-1 * m + 1) * known
    }
  }

  /// The picture, 0 where at least half of it is painted anew, as diffusers' inpainting networks were trained.
  private var maskedFloats: Tensor {
    let x = edit.run.sampling.tensor(of: picture)
    let known = mask.values.map { $0 < 128 ? Float(1) : 0 }
    let planes = (0..<x.shape[1]).flatMap { _ in known }
    return Tensor(zip(x.values, planes).map { $0 * $1 }, shape: x.shape)
  }

  /// The mask that such networks are shown, `[1, 1, H, W]`.
  private func cut(_ shape: [Int]) -> Tensor {
    Tensor(cutCells(shape), shape: [1, 1, shape[2], shape[3]])
  }

  /// The mask as `[N, C, H, W]` of values from 0 to 1; for diffusers' pictures 1 or 0, as its pipelines cut it.
  private func map(_ shape: [Int]) -> Tensor {
    let plane = edit.options.sampling.numbers.rng == .torch ? cutCells(shape) : meanCells(shape)
    return Tensor((0..<shape[0] * shape[1]).flatMap { _ in plane }, shape: shape)
  }

  /// 1 or 0 a cell, of the pixel at its top left.
  private func cutCells(_ shape: [Int]) -> [Float] {
    let (h, w) = (shape[2], shape[3])
    let (high, wide) = (mask.height / h, mask.width / w)
    return (0..<h * w).map { mask[$0 % w * wide, $0 / w * high] < 128 ? 0 : 1 }
  }

  /// From 0 to 1 a cell, the mean of its pixels.
  private func meanCells(_ shape: [Int]) -> [Float] {
    let (h, w) = (shape[2], shape[3])
    let (high, wide) = (mask.height / h, mask.width / w)
    return (0..<h * w).map { i in
      var sum = 0
      for y in i / w * high..<(i / w + 1) * high {
        for x in i % w * wide..<(i % w + 1) * wide { sum += Int(mask[x, y]) }
      }
      return Float(sum) / Float(255 * high * wide)
    }
  }
}
