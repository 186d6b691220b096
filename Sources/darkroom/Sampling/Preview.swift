import Foundation
import Pictures
import Pipelines
import TensorCore

/// What pictures on their way will look like as far as the network can tell: the denoised estimate, in a file that is replaced
/// every few steps.
final class Preview {
  private let url: URL
  private let interval: Int
  private let codec: LatentSpace?
  private var steps = 0
  private var hasFailed = false

  /// - Parameters:
  ///   - output: the file beside which it stands, `out-preview.png` for `out.png`.
  ///   - interval: steps.
  ///   - codec: of a model of latents.
  init(beside output: URL, every interval: Int, _ codec: LatentSpace?) {
    url = Self.url(beside: output)
    (self.interval, self.codec) = (interval, codec)
  }

  static func url(beside output: URL) -> URL {
    let stem = output.deletingPathExtension().lastPathComponent
    return output.deletingLastPathComponent().appending(path: "\(stem)-preview.png")
  }

  /// Writes the estimate of a step that is done, if it is time to. A preview that cannot be written ends no run.
  func show(_ end: VisitEnd) {
    guard end.endsStep else { return }
    steps += 1
    guard steps % interval == 0 else { return }
    let pictures = Picture.batch(codec?.decoded(end.x0) ?? end.x0)
    do {
      let whole =
        pictures.count == 1 ? pictures[0] : try Grid().compose(pictures, file: url.relativePath)
      try whole.write(to: url)
    } catch {
      if !hasFailed { Console.note("no preview: \(error)") }
      hasFailed = true
    }
  }
}
