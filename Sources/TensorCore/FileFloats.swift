import CKernels

/// The forms in which files hold floats that tensors are made of.
public enum FloatForm: String, Sendable, CaseIterable {
  case f32
  /// IEEE half precision.
  case f16
  /// The upper half of an f32.
  case bf16

  /// Bytes of a value.
  public var width: Int { self == .f32 ? 4 : 2 }

  fileprivate var kernel: dk_float_format {
    switch self {
    case .f32: dk_f32
    case .f16: dk_f16
    case .bf16: dk_bf16
    }
  }
}

extension Tensor {
  /// The values that a file holds, all threads reading.
  ///
  /// - Parameters:
  ///   - bytes: in little-endian order and any alignment; as many as `shape` holds.
  ///   - form: what they are.
  ///   - owner: what keeps the bytes where they are. Where it is given, the tensor's memory may be let go as long as another
  ///     form of it serves, and is read again where it is asked for.
  /// - Returns: the tensor, and the place of its first value that is infinite or not a number, nil where there is none.
  public static func read(
    _ bytes: UnsafeRawBufferPointer, _ form: FloatForm, shape: [Int], owner: AnyObject? = nil
  ) -> (tensor: Tensor, firstNotFinite: Int?) {
    let tensor = Tensor(uninitialized: shape)
    precondition(bytes.count == tensor.count * form.width, "\(bytes.count) bytes for shape \(shape)")
    let firstNotFinite = read(bytes, form, into: tensor.pointer)
    if let owner {
      tensor.storage.canRefill { pointer in
        withExtendedLifetime(owner) { _ = read(bytes, form, into: pointer) }
      }
    }
    return (tensor, firstNotFinite)
  }

  private static func read(
    _ bytes: UnsafeRawBufferPointer, _ form: FloatForm, into target: UnsafeMutablePointer<Float>
  ) -> Int? {
    guard let start = bytes.baseAddress, bytes.count > 0 else { return nil }
    let (total, run) = (bytes.count / form.width, 1 << 18)
    let runs = (total + run - 1) / run
    let found = UnsafeMutableBufferPointer<Int?>.allocate(capacity: runs)
    defer { found.deallocate() }
    parallelFor(runs) { task in
      let (first, count) = (task * run, min(run, total - task * run))
      let place = dk_read_floats(start + first * form.width, form.kernel, target + first, count)
      found[task] = place < count ? first + place : nil
    }
    return found.lazy.compactMap { $0 }.first
  }
}
