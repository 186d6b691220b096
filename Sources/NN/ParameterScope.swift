import Foundation
import TensorCore

/// How a fresh parameter begins; PyTorch's defaults.
public enum Initialization: Sendable {
  /// All one value.
  case constant(Float)
  /// Uniform on ±1/√fanIn, which `kaiming_uniform_(a=√5)` comes to.
  case fanIn(Int)
  /// Normal with a mean of 0.
  case normal(deviation: Float)
  /// Uniform on ±√(6/(inputs + outputs)), which keeps variance through forward and backward (Glorot & Bengio 2010).
  case xavier(inputs: Int, outputs: Int)
}

/// All parameters of a model, in the order in which they were made.
///
/// The same construction serves fresh weights and a checkpoint: layers ask for their tensors by key, and what
/// is missing or of another shape is collected until `finish` names it all at once.
public final class ParameterStore {
  /// Where the values come from.
  public enum Source {
    /// Drawn by Philox, each from its own key, so that no order of construction matters.
    case fresh(seed: UInt64)
    /// Read from a checkpoint.
    case checkpoint(Checkpoint)
    /// Tensors that exist already, by key: a network over averaged weights.
    case tensors([String: Tensor])
    /// Nowhere: every tensor is empty. What is built can be counted and checked, at no cost, but not run.
    case plan
    /// Nowhere, as of a plan, but held against a checkpoint's keys and shapes: whether its weights will fit, without reading
    /// them.
    case headers(Checkpoint)
  }

  /// The trainable tensors by key, in construction order.
  public private(set) var parameters: [(key: String, tensor: Tensor)] = []
  /// The tensors that are saved but not trained.
  public private(set) var buffers: [(key: String, tensor: Tensor)] = []
  /// How many trainable values there are.
  public private(set) var parameterCount = 0
  /// What layers cannot be as they were asked to, in construction order.
  public private(set) var layoutErrors: [LayoutError] = []

  private let source: Source
  private var taken: Set<String> = []
  private var missing: [String] = []
  private var mismatched: [CheckpointError.ShapeMismatch] = []
  private var used: Set<String> = []
  private var readFailure: (any Error)?

  /// A store to build a model from; call `finish` when it is built.
  public init(_ source: Source) { self.source = source }

  /// The parameters of several models as those of one: each key has its model's name and a dot before it.
  public init(joining parts: [(name: String, store: ParameterStore)]) {
    source = .plan
    for (name, part) in parts {
      parameters += part.parameters.map { ("\(name).\($0.key)", $0.tensor) }
      buffers += part.buffers.map { ("\(name).\($0.key)", $0.tensor) }
      parameterCount += part.parameterCount
    }
  }

  /// The tensors of one of the models that were joined, by their own keys.
  public static func part(
    _ name: String, of tensors: [(key: String, tensor: Tensor)]
  ) -> [(key: String, tensor: Tensor)] {
    tensors.compactMap { key, tensor in
      key.hasPrefix("\(name).") ? (String(key.dropFirst(name.count + 1)), tensor) : nil
    }
  }

  /// The scope of the whole model.
  public var root: ParameterScope { ParameterScope(store: self, path: "") }

  /// Everything that is saved: parameters and buffers.
  public var all: [(key: String, tensor: Tensor)] { parameters + buffers }

  /// To be called once the model is built.
  ///
  /// - Throws: `LayoutError` where a layer has impossible sizes; `CheckpointError` where the checkpoint lacked a key, held one of another shape, or holds one
  ///   that no layer asked for; `SafetensorsError` where it could not be read.
  public func finish() throws {
    if let first = layoutErrors.first { throw first }
    if let readFailure { throw readFailure }
    let checkpoint: Checkpoint
    switch source {
    case .checkpoint(let given), .headers(let given): checkpoint = given
    case .fresh, .tensors, .plan: return
    }
    let surplus = checkpoint.keys.subtracting(used).filter { !IgnorableKeys.contains($0) }.sorted()
    guard missing.isEmpty, surplus.isEmpty, mismatched.isEmpty else {
      throw CheckpointError.mismatch(
        file: checkpoint.name, missing: missing, surplus: surplus, shapes: mismatched)
    }
  }

  fileprivate func take(_ key: String, _ shape: [Int], _ initial: Initialization, trainable: Bool) -> Tensor {
    precondition(taken.insert(key).inserted, "two layers were made at '\(key)'")
    let tensor =
      switch source {
      case .fresh(let seed): Self.fresh(key, shape, initial, seed)
      case .checkpoint(let checkpoint): stored(key, shape, checkpoint) { try checkpoint.weight($0) }
      case .headers(let checkpoint): stored(key, shape, checkpoint) { _ in nil }
      case .tensors(let tensors): shared(key, shape, tensors)
      case .plan: Self.placeholder
      }
    if trainable {
      parameters.append((key, tensor))
      parameterCount += shape.reduce(1, *)
    } else {
      buffers.append((key, tensor))
    }
    return tensor
  }

  fileprivate func refuse(_ error: LayoutError) { layoutErrors.append(error) }

  /// Stands where there is no tensor: in a plan, and for what `finish` will refuse. A configuration that is not
  /// the checkpoint's may ask for more than there is memory for.
  private static var placeholder: Tensor { Tensor(uninitialized: [0]) }

  private func shared(_ key: String, _ shape: [Int], _ tensors: [String: Tensor]) -> Tensor {
    guard let tensor = tensors[key], tensor.shape == shape else {
      preconditionFailure("a network was given no '\(key)' of \(shape)")
    }
    return tensor
  }

  /// A tensor of a checkpoint, whose shape is checked before `read` is asked for its values; `read` gives nil for none.
  private func stored(
    _ key: String, _ shape: [Int], _ checkpoint: Checkpoint, _ read: (_ stored: String) throws -> Tensor?
  ) -> Tensor {
    let stored = checkpoint.shape(key) != nil ? key : LegacyKeys.old(key)
    guard let found = checkpoint.shape(stored) else {
      missing.append(key)
      return Self.placeholder
    }
    used.insert(stored)
    // Attention before diffusers 0.16 kept its matrices as 1×1 convolutions in some models.
    let sizesMatch = found.filter { $0 != 1 } == shape.filter { $0 != 1 }
    guard found == shape || (stored != key && sizesMatch) else {
      mismatched.append(.init(key: key, expected: shape, found: found))
      return Self.placeholder
    }
    do {
      return try read(stored)?.reshaped(shape) ?? Self.placeholder
    } catch {
      readFailure = readFailure ?? error
      return Self.placeholder
    }
  }

  private static func fresh(_ key: String, _ shape: [Int], _ initial: Initialization, _ seed: UInt64)
    -> Tensor
  {
    let hash = KeyHash.fnv1a(key)
    let stream = Philox(
      NoiseKey(
        seed: seed, index: UInt32(truncatingIfNeeded: hash), step: UInt32(hash >> 32), purpose: .weightInit))
    let count = shape.reduce(1, *)
    switch initial {
    case .constant(let value): return .full(shape, value)
    case .fanIn(let inputs):
      let bound = 1 / Float(inputs).squareRoot()
      return Tensor(stream.uniform(count).map { (2 * $0 - 1) * bound }, shape: shape)
    case .xavier(let inputs, let outputs):
      let bound = (6 / Float(inputs + outputs)).squareRoot()
      return Tensor(stream.uniform(count).map { (2 * $0 - 1) * bound }, shape: shape)
    case .normal(let deviation): return Tensor(stream.normal(count).map { $0 * deviation }, shape: shape)
    }
  }
}

/// A place in a model: its path is the prefix of the keys of what is made in it, as in the checkpoint.
public struct ParameterScope {
  /// Where the tensors are kept.
  public let store: ParameterStore
  /// Such as `down_blocks.0.resnets.1`; empty for the whole model.
  public let path: String

  /// The scope below: `p["norm1"]`.
  public subscript(_ name: String) -> ParameterScope {
    ParameterScope(store: store, path: path.isEmpty ? name : "\(path).\(name)")
  }

  /// The scope of an element of a list: `p["resnets"][0]`.
  public subscript(_ index: Int) -> ParameterScope { self[String(index)] }

  /// A trainable tensor of this scope.
  public func parameter(_ name: String, _ shape: [Int], _ initial: Initialization) -> Tensor {
    store.take(self[name].path, shape, initial, trainable: true)
  }

  /// Notes that the layer here cannot be made unless `holds`; `ParameterStore.finish` throws it.
  ///
  /// For sizes that come from a user's configuration. The layer is still made, so that all is checked in one go.
  ///
  /// - Parameter problem: as in "has 16 channels, which 7 groups do not divide", from after the "has".
  public func require(_ holds: Bool, _ problem: @autoclosure () -> String) {
    if !holds { store.refuse(LayoutError(layer: path, problem: problem())) }
  }

  /// A tensor that is saved but not trained.
  public func buffer(_ name: String, _ shape: [Int], _ initial: Initialization) -> Tensor {
    store.take(self[name].path, shape, initial, trainable: false)
  }
}

/// A number for a key that no order of construction changes.
public enum KeyHash {
  /// 64-bit FNV-1a.
  public static func fnv1a(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
  }
}

/// Keys that files hold and that no network computes from: what says nothing passes, what is unknown is refused.
enum IgnorableKeys {
  /// Running numbers: of positions, which transformers wrote until 4.31, and of batches, which PyTorch's batch norms count.
  private static let names: Set<Substring> = ["position_ids", "num_batches_tracked"]

  static func contains(_ key: String) -> Bool { key.split(separator: ".").last.map(names.contains) ?? false }
}

/// Other names of one tensor: those that diffusers gave to attention's matrices before version 0.16 and still reads, and those
/// of CLIP's text model in transformers from 5.6 on, which leaves out the model's own name.
private enum LegacyKeys {
  private static let textModel = "text_model."

  static func old(_ key: String) -> String {
    if key.hasPrefix(textModel) { return String(key.dropFirst(textModel.count)) }
    for (new, old) in [
      (".to_q.", ".query."), (".to_k.", ".key."), (".to_v.", ".value."), (".to_out.0.", ".proj_attn."),
    ]
    where key.contains(new) { return key.replacingOccurrences(of: new, with: old) }
    return key
  }
}
