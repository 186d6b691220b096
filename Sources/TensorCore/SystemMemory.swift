import CKernels
import Foundation

/// The memory of the machine, and of the control group (a container, a batch job) that the process runs in.
public enum SystemMemory {
  /// What this process can have at most, in bytes.
  public static var total: Int {
    let ofMachine = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    return min(ofMachine, ControlGroup.own?.most ?? ofMachine)
  }

  /// What the system could still give it, in bytes; nil where the system does not say.
  static var available: Int? { [ofMachine, ControlGroup.own?.available].compactMap { $0 }.min() }

  /// The most that this program has had in memory, in bytes; nil where the system does not say. `getrusage` counts what the
  /// process that began it had as well.
  public static var peakOfProgram: Int? { bytes("VmHWM:", in: "/proc/self/status") }

  private static var ofMachine: Int? { bytes("MemAvailable:", in: "/proc/meminfo") }

  /// The kibibytes that a line such as `MemAvailable:  512 kB` says.
  private static func bytes(_ name: String, in path: String) -> Int? {
    let line = text(path)?.split(separator: "\n").first { $0.hasPrefix(name) }
    return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map { $0 << 10 }
  }

  fileprivate static func text(_ path: String) -> String? {
    try? String(contentsOfFile: path, encoding: .utf8)
  }
}

/// The limit of a control group, of the unified hierarchy or of the older one, which has a hierarchy of its own for memory.
private struct ControlGroup {
  /// In bytes.
  let most: Int
  /// In bytes; files that are cached count as in use, but can be dropped.
  let available: Int

  /// This process's; nil where it has no limit.
  static var own: ControlGroup? {
    let lines = SystemMemory.text("/proc/self/cgroup")?.split(separator: "\n") ?? []
    // "0::/path", or "4:memory:/path".
    for line in lines {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      // Within a container the path may be the host's, and the files lie at the top.
      for path in [parts[2], ""] {
        if parts[1].split(separator: ",").contains("memory"),
          let group = ControlGroup(
            "/sys/fs/cgroup/memory\(path)", most: "memory.limit_in_bytes", current: "memory.usage_in_bytes",
            cached: "total_inactive_file")
        {
          return group
        }
        if parts[0] == "0", parts[1].isEmpty,
          let group = ControlGroup(
            "/sys/fs/cgroup\(path)", most: "memory.max", current: "memory.current", cached: "inactive_file")
        {
          return group
        }
      }
    }
    return nil
  }

  /// Nil where a file is missing, or says "max" for no limit.
  private init?(_ folder: String, most: String, current: String, cached: String) {
    func number(_ file: String) -> Int? {
      SystemMemory.text("\(folder)/\(file)").flatMap {
        Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
      }
    }
    guard let most = number(most), let current = number(current) else { return nil }
    let reclaimable = SystemMemory.text("\(folder)/memory.stat")?.split(separator: "\n")
      .first { $0.hasPrefix("\(cached) ") }.flatMap { Int($0.split(separator: " ")[1]) }
    self.most = most
    // The older hierarchy has a number near the largest for no limit.
    available = most - current + min(reclaimable ?? 0, current)
  }
}

/// Says what happens when memory ends, which operations cannot throw.
///
/// - Parameter handler: given the bytes that were asked for; ends the process.
public func onExhaustedMemory(_ handler: @escaping @convention(c) (_ bytes: Int) -> Void) {
  dk_on_exhaustion(handler)
}
