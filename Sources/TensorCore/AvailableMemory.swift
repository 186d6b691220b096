import CKernels
import Foundation

/// What the system could still give this process.
enum AvailableMemory {
  /// In bytes: of the machine, and of the control group (a container, a batch job) that the process runs in. Nil where the
  /// system does not say.
  static var bytes: Int? { [ofMachine, ofGroup].compactMap { $0 }.min() }

  private static var ofMachine: Int? {
    let line = text("/proc/meminfo")?.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
    return line.flatMap { Int($0.split(separator: " ")[1]) }.map { $0 << 10 }
  }

  /// Of a group in the unified hierarchy; "max" is no limit.
  private static var ofGroup: Int? {
    guard let path = text("/proc/self/cgroup")?.split(separator: "\n").first(where: { $0.hasPrefix("0::") })
    else {
      return nil
    }
    let folder = "/sys/fs/cgroup\(path.dropFirst(3))"
    func number(_ file: String) -> Int? {
      text("\(folder)/\(file)").flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }
    guard let most = number("memory.max"), let current = number("memory.current") else { return nil }
    // Files that are cached count as current and can be dropped.
    let cached = text("\(folder)/memory.stat")?.split(separator: "\n")
      .first { $0.hasPrefix("inactive_file ") }.flatMap { Int($0.split(separator: " ")[1]) }
    return most - current + (cached ?? 0)
  }

  private static func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
}

/// Says what happens when memory ends, which operations cannot throw.
///
/// - Parameter handler: given the bytes that were asked for; ends the process.
public func onExhaustedMemory(_ handler: @escaping @convention(c) (_ bytes: Int) -> Void) {
  dk_on_exhaustion(handler)
}
