import CKernels

/// What the factors of every product are rounded to. Sums, normalisations, weights and all else are f32 in either.
///
/// A matter of the whole process, as `Processor` is: set before anything computes.
public enum Precision: String, Codable, CaseIterable, Sendable {
  case f32
  /// The upper half of an f32: 8 bits of significand, so that a product errs by some 0.3 % of its root mean square.
  case bf16

  private var kernel: dk_precision { self == .f32 ? dk_precision_f32 : dk_precision_bf16 }

  /// The one in use; f32 at first.
  public static var current: Precision {
    get { dk_precision_in_use() == dk_precision_bf16 ? .bf16 : .f32 }
    set { dk_precision_use(newValue.kernel) }
  }
}
