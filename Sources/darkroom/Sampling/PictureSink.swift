import Foundation
import NN
import Pictures
import Pipelines
import TensorCore

/// Takes pictures as they are finished, and writes them: each as a file of its own at once, or all as one file at the end.
///
/// What could be refused is refused when it is made, before there are any pictures.
struct PictureSink {
  enum Arrangement {
    /// A file a picture, by the picture's number.
    case separate
    /// One file: a grid of pictures, or a tensor of all of them.
    case together(Grid)
    /// One animated PNG, each picture shown for so many milliseconds, all of it so often; 0 for ever.
    case animated(delay: Int, loops: Int)
    /// Into what is there, a file a picture, by its number where there are several.
    case pasted(Pasting)
  }

  let target: OutputKind
  private let arrangement: Arrangement
  private let count: Int
  /// 8-bit pictures take a twelfth of the memory of what they were computed from, so all of a grid's are kept.
  private var pictures: [Picture] = []
  private var tensors: [Tensor] = []
  private var recipe: Recipe?
  /// The files that were written.
  private(set) var files: [URL] = []

  /// - Parameters:
  ///   - count: how many pictures there will be.
  ///   - size: of each, in pixels.
  /// - Throws: `Failure` or `PictureError` where the result could not be written, however it turns out.
  init(_ target: OutputKind, _ arrangement: Arrangement, count: Int, size: (height: Int, width: Int)) throws {
    (self.target, self.arrangement, self.count) = (target, arrangement, count)
    try target.check()
    if case .together(let grid) = arrangement, target.form != .safetensors, count > 1 {
      do {
        try grid.check(count: count, width: size.width, height: size.height, file: target.url.relativePath)
      } catch {
        throw Failure("a grid of \(count) pictures cannot be: \(error) --separate writes a file a picture.")
      }
    }
  }

  /// Whether all pictures stay in memory as they were computed until the end.
  var keepsTensors: Bool {
    guard case .together = arrangement else { return false }
    return target.form == .safetensors
  }

  /// Takes the next pictures.
  ///
  /// - Parameters:
  ///   - images: `[N, C, H, W]` in [-1, 1].
  ///   - first: the number of the first of them.
  ///   - recipe: how the picture of a number was made; nil where there is no more to tell.
  /// - Throws: `Failure` for values that are not numbers; `FileError` or `PictureError`.
  mutating func take(_ images: Tensor, first: Int, recipe: (_ number: Int) -> Recipe?) throws {
    try Self.requireFinite(images, first: first)
    switch arrangement {
    case .separate:
      for i in 0..<images.shape[0] {
        let url = target.numbered(first + i)
        try write([images.rows(i..<i + 1)], recipe(first + i), to: url)
      }
    case .together, .animated:
      if self.recipe == nil { self.recipe = recipe(first) }
      if target.form == .safetensors { tensors.append(images) } else { pictures += Picture.batch(images) }
    case .pasted(let pasting):
      for i in 0..<images.shape[0] {
        try paste(images.rows(i..<i + 1), number: first + i, pasting, recipe(first + i))
      }
    }
  }

  /// Writes what belongs together.
  ///
  /// - Throws: `FileError` or `PictureError`.
  mutating func finish() throws {
    let texts = try recipe?.textChunks() ?? []
    switch arrangement {
    case .separate, .pasted: return
    case .together where target.form == .safetensors: return try write(tensors, nil, to: target.url)
    case .together(let grid):
      let file = target.url.relativePath
      let whole = pictures.count == 1 ? pictures[0] : try grid.compose(pictures, file: file)
      try whole.write(to: target.url, texts: texts)
    case .animated(let delay, let loops):
      try AnimatedPNG(pictures, delay: delay, loops: loops).write(to: target.url, texts: texts)
    }
    files.append(target.url)
  }

  private mutating func paste(
    _ painted: Tensor, number: Int, _ pasting: Pasting, _ recipe: Recipe?
  ) throws {
    let result = pasting(painted)
    if files.isEmpty, let note = result.note { Console.note("\(target.url.relativePath): \(note)") }
    let url = count == 1 ? target.url : target.numbered(number)
    try result.picture.write(to: url, texts: try recipe?.textChunks() ?? [])
    files.append(url)
  }

  private mutating func write(_ parts: [Tensor], _ recipe: Recipe?, to url: URL) throws {
    if target.form == .safetensors {
      let images = parts.count == 1 ? parts[0] : Tensor.stacked(parts)
      try SafetensorsWriter.write([("images", images)], to: url)
    } else {
      try Picture.batch(parts[0])[0].write(to: url, texts: try recipe?.textChunks() ?? [])
    }
    files.append(url)
  }

  /// A value that is not a number would be drawn black, and infinity white, as if that were the picture.
  static func requireFinite(_ images: Tensor, first: Int) throws {
    for i in 0..<images.shape[0] {
      guard let (_, value) = images.rows(i..<i + 1).firstNotFinite else { continue }
      throw Failure(
        "picture \(first + i) holds \(value): the model's numbers ran away, as they do where a sampler or --guidance-scale does "
          + "not suit it; nothing was written of it. Try --sampler ddim, fewer steps, or less guidance.")
    }
  }

  /// What was written, for a note: one file, or the first and the last.
  var summary: String {
    guard let first = files.first, let last = files.last else { return "nothing" }
    return files.count == 1 ? first.relativePath : "\(first.relativePath) … \(last.relativePath)"
  }
}
