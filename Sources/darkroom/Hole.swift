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
  /// What the network sees of pictures, `[1, C, H, W]`, which is the same for all batches of a run.
  private var known, blurred: Tensor?

  init(
    _ edit: Edit, _ picture: Picture, _ mask: Mask, fill: HoleFill, method: Inpainting.Method, isWhole: Bool
  ) {
    (self.edit, self.picture, self.mask) = (edit, picture, mask)
    (self.fill, self.method, self.isWhole) = (fill, method, isWhole)
  }

  /// What so many pictures begin with.
  mutating func beginning(
    _ count: Int, _ codec: LatentSpace?, _ noise: inout any NoiseSource
  ) -> Beginning {
    let shape = edit.run.sampling.shape(count: count)
    known = known ?? edit.encoded(picture, codec, noise: &noise)
    let known = known!.repeated(count)
    let m = map(shape)
    let epsilon = noise.normal(shape, .initialLatents, step: 0)
    if codec != nil, edit.options.sampling.numbers.rng == .torch {
      // diffusers encodes the masked picture too, and draws for it, though a network without channels for it has no use.
      _ = noise.normal([1] + shape.dropFirst(), .posterior, step: 1)
    }
    let inpainting = Inpainting(method, known: known, mask: m, epsilon: epsilon)
    return Beginning(
      start: start(known, m, epsilon, codec, &noise), afterVisit: inpainting.afterVisit)
  }

  private mutating func start(
    _ known: Tensor, _ m: Tensor, _ epsilon: Tensor, _ codec: LatentSpace?, _ noise: inout any NoiseSource
  ) -> Start {
    if isWhole && fill == .original { return .noise(epsilon) }
    switch fill {
    case .original: return .picture(known, noise: epsilon)
    case .blur:
      blurred = blurred ?? edit.encoded(picture.filled(in: mask), codec, noise: &noise)
      return .picture(blurred!.repeated(known.shape[0]), noise: epsilon)
    case .noise:
      let drawn = noise.normal(known.shape, .holeFilling, step: 0)
      return .picture(m * drawn + (-1 * m + 1) * known, noise: epsilon)
    case .nothing: return .picture((-1 * m + 1) * known, noise: epsilon)
    }
  }

  /// The mask as `[N, C, H, W]` of values from 0 to 1, each the mean of the pixels that it stands for.
  private func map(_ shape: [Int]) -> Tensor {
    let (h, w) = (shape[2], shape[3])
    let (high, wide) = (mask.height / h, mask.width / w)
    let plane = (0..<h * w).map { i in
      var sum = 0
      for y in i / w * high..<(i / w + 1) * high {
        for x in i % w * wide..<(i % w + 1) * wide { sum += Int(mask[x, y]) }
      }
      return Float(sum) / Float(255 * high * wide)
    }
    return Tensor((0..<shape[0] * shape[1]).flatMap { _ in plane }, shape: shape)
  }
}
