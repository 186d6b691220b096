import CKernels
import Foundation

/// A set of instructions that everything is computed with.
///
/// All but AMX give the same bits: a result is one defined order of fused multiply-adds, whatever the width of a vector.
public enum Processor: String, CaseIterable, Sendable {
  /// Plain C, with fused multiply-adds made of arithmetic in double where there are none.
  case portable
  case neon
  /// AVX2 and FMA.
  case avx2
  /// AVX-512 F, VL, BW and DQ.
  case avx512
  /// AMX for bf16, with AVX-512 for the rest.
  case amx

  /// What a product's terms are summed with; results of one arithmetic have the same bits on every processor.
  public enum Arithmetic: String, Codable, CaseIterable, Sendable {
    /// Fused multiply-adds of floats.
    case fma
    /// AMX's products of a float's three bf16 parts.
    case split
  }

  private var kernel: dk_processor {
    switch self {
    case .portable: dk_portable
    case .neon: dk_neon
    case .avx2: dk_avx2
    case .avx512: dk_avx512
    case .amx: dk_amx
    }
  }

  /// The arithmetic of its products.
  public var arithmetic: Arithmetic { self == .amx ? .split : .fma }

  /// Those that this machine has, from the slowest to the fastest.
  public static let available = allCases.filter { dk_processor_is_there($0.kernel) != 0 }

  /// The one in use. Set before anything computes: by `DARKROOM_PROCESSOR` when the program starts, and by tests.
  public static var current: Processor {
    get {
      let inUse = dk_processor_in_use()
      return allCases.first { $0.kernel == inUse } ?? .portable
    }
    set {
      precondition(available.contains(newValue), "\(newValue) is not on this machine")
      dk_processor_use(newValue.kernel)
    }
  }

  /// Computes with an arithmetic from now on: by the processor in use where that has it, else by the fastest that does.
  ///
  /// - Returns: whether this machine has it.
  public static func use(_ arithmetic: Arithmetic) -> Bool {
    if current.arithmetic == arithmetic { return true }
    guard let fastest = available.last(where: { $0.arithmetic == arithmetic }) else { return false }
    current = fastest
    return true
  }

  /// What is wrong with `DARKROOM_PROCESSOR`, in a sentence; nil where it is not set or is one of `available`.
  public static var complaint: String? {
    guard let name = ProcessInfo.processInfo.environment["DARKROOM_PROCESSOR"] else { return nil }
    if available.contains(where: { $0.rawValue == name }) { return nil }
    let known = available.map(\.rawValue).joined(separator: ", ")
    return "DARKROOM_PROCESSOR=\(name) is not on this machine; it has \(known)."
  }
}
