import Files
import Foundation
import Models
import NN
import TensorCore
import Text

/// What tells texts to the network of a model that is written: `text_encoder/` and `tokenizer/`, or both twice as SDXL has them.
public enum SavedText {
  /// An encoder of these tensors, and the tokenizer that it learned with.
  case learned([(key: String, tensor: Tensor)], CLIPTextConfig, SavedTokenizer)
  /// Those of another model as they are.
  case copied(ModelFolder)

  /// The folders that it may have in a model's.
  public static let folders = ["text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2"]

  /// Adds its parts to what a model is made of.
  func describe(_ index: inout PipelineIndex) {
    switch self {
    case .learned(_, let config, _):
      index.parts["text_encoder"] = .init(library: "transformers", className: config.architecture.rawValue)
      index.parts["tokenizer"] = .init(library: "transformers", className: "CLIPTokenizer")
    case .copied(let model):
      for (name, part) in model.index.parts where Self.folders.contains(name) { index.parts[name] = part }
      index.forcesZerosForEmptyPrompt = model.index.forcesZerosForEmptyPrompt
    }
  }

  /// Writes the folders, each file whole or not at all. What does not change is written once.
  ///
  /// - Throws: `FileError`.
  func write(to folder: URL) throws {
    switch self {
    case .learned(let tensors, let config, let tokenizer):
      let place = folder.appending(path: "text_encoder")
      try AtomicFile.makeFolder(place)
      try SafetensorsWriter.write(
        tensors, to: place.appending(path: "\(TextEncoderComponent.weightsStem).safetensors"))
      try AtomicFile.write(try config.json(), to: place.appending(path: "config.json"))
      try tokenizer.write(to: folder.appending(path: "tokenizer"), length: config.maxPositionEmbeddings)
    case .copied(let model):
      for (tokenizer, encoder) in model.text?.encoders ?? [] {
        for place in [tokenizer.place, encoder.place] {
          try place.copyFiles(to: folder.appending(path: place.name))
        }
      }
    }
  }
}

/// The tokenizer of a model that is written.
public enum SavedTokenizer {
  /// One that was learned from captions.
  case trained(TrainedTokenizer)
  /// Another model's.
  case copied(TokenizerComponent)

  /// The tokenizer itself.
  public var tokenizer: CLIPTokenizer {
    switch self {
    case .trained(let trained): trained.tokenizer
    case .copied(let component): component.tokenizer
    }
  }

  /// - Parameter length: how many tokens the text encoder takes.
  fileprivate func write(to folder: URL, length: Int) throws {
    switch self {
    case .trained(let trained): try trained.write(to: folder, length: length)
    case .copied(let component): try component.place.copyFiles(to: folder)
    }
  }
}

extension ComponentPlace {
  /// Copies each file that is not there yet.
  ///
  /// - Throws: `FileError`, or what reading a file throws.
  func copyFiles(to folder: URL) throws {
    try AtomicFile.makeFolder(folder)
    let manager = FileManager.default
    for name in try manager.contentsOfDirectory(atPath: url.path).sorted() where !name.hasPrefix(".") {
      let (source, target) = (url.appending(path: name), folder.appending(path: name))
      var isFolder: ObjCBool = false
      guard manager.fileExists(atPath: source.path, isDirectory: &isFolder), !isFolder.boolValue,
        !manager.fileExists(atPath: target.path)
      else { continue }
      try AtomicFile.write(try Data(contentsOf: source, options: .mappedIfSafe), to: target)
    }
  }
}
