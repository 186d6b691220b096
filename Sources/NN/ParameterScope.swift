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
  }

  /// The trainable tensors by key, in construction order.
  public private(set) var parameters: [(key: String, tensor: Tensor)] = []
  /// The tensors that are saved but not trained.
  public private(set) var buffers: [(key: String, tensor: Tensor)] = []

  private let source: Source
  private var missing: [String] = []
  private var mismatched: [CheckpointError.ShapeMismatch] = []
  private var used: Set<String> = []
  private var readFailure: (any Error)?

  /// A store to build a model from; call `finish` when it is built.
  public init(_ source: Source) { self.source = source }

  /// The scope of the whole model.
  public var root: ParameterScope { ParameterScope(store: self, path: "") }

  /// How many trainable values there are.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.tensor.count } }

  /// Everything that is saved: parameters and buffers.
  public var all: [(key: String, tensor: Tensor)] { parameters + buffers }

  /// To be called once the model is built.
  ///
  /// - Throws: `CheckpointError` where the checkpoint lacked a key, held one of another shape, or holds one
  ///   that no layer asked for; `SafetensorsError` where it could not be read.
  public func finish() throws {
    if let readFailure { throw readFailure }
    guard case .checkpoint(let checkpoint) = source else { return }
    let surplus = checkpoint.keys.subtracting(used).sorted()
    guard missing.isEmpty, surplus.isEmpty, mismatched.isEmpty else {
      throw CheckpointError.mismatch(
        file: checkpoint.name, missing: missing, surplus: surplus, shapes: mismatched)
    }
  }

  fileprivate func take(_ key: String, _ shape: [Int], _ initial: Initialization, trainable: Bool) -> Tensor {
    let tensor =
      switch source {
      case .fresh(let seed): Self.fresh(key, shape, initial, seed)
      case .checkpoint(let checkpoint): read(key, shape, checkpoint)
      case .tensors(let tensors): shared(key, shape, tensors)
      }
    if trainable { parameters.append((key, tensor)) } else { buffers.append((key, tensor)) }
    return tensor
  }

  private func shared(_ key: String, _ shape: [Int], _ tensors: [String: Tensor]) -> Tensor {
    guard let tensor = tensors[key], tensor.shape == shape else {
      preconditionFailure("a network was given no '\(key)' of \(shape)")
    }
    return tensor
  }

  private func read(_ key: String, _ shape: [Int], _ checkpoint: Checkpoint) -> Tensor {
    let stored = checkpoint.keys.contains(key) ? key : LegacyKeys.old(key)
    guard let found = checkpoint.shape(stored) else {
      missing.append(key)
      return Tensor(uninitialized: shape)
    }
    used.insert(stored)
    // Attention before diffusers 0.16 kept its matrices as 1×1 convolutions in some models.
    let sizesMatch = found.filter { $0 != 1 } == shape.filter { $0 != 1 }
    guard found == shape || (stored != key && sizesMatch) else {
      mismatched.append(.init(key: key, expected: shape, found: found))
      return Tensor(uninitialized: shape)
    }
    do {
      return try checkpoint.tensor(stored).reshaped(shape)
    } catch {
      readFailure = readFailure ?? error
      return Tensor(uninitialized: shape)
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

/// Names that diffusers gave to attention's matrices before version 0.16 and still reads.
private enum LegacyKeys {
  static func old(_ key: String) -> String {
    for (new, old) in [
      (".to_q.", ".query."), (".to_k.", ".key."), (".to_v.", ".value."), (".to_out.0.", ".proj_attn."),
    ]
    where key.contains(new) { return key.replacingOccurrences(of: new, with: old) }
    return key
  }
}
