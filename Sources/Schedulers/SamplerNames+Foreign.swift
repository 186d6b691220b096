/// Samplers by the names that other programs give them: diffusers' classes, k-diffusion's functions, and the lists of
/// AUTOMATIC1111's web UI and of ComfyUI.
extension SamplerNames {
  /// The sampler of a name of this program's or another's, or nil.
  public static func find(_ name: String) -> Named? {
    if let own = all.first(where: { $0.name == name }) { return own }
    if let className = SchedulerConfig.ClassName(rawValue: name) {
      return Named(name: name, className: className, change: { _ in })
    }
    var word = normalized(name)
    // A preset's or a file's name is not a sampler in disguise.
    guard word != name || foreign[word] != nil || hasSpacing(word) else { return nil }
    var spacing: (@Sendable (inout SchedulerConfig) -> Void)?
    for (suffix, change) in spacings where word.hasSuffix(suffix) {
      word.removeLast(suffix.count)
      spacing = change
    }
    guard let base = all.first(where: { $0.name == foreign[word] ?? word }) else { return nil }
    guard let spacing else { return base }
    // What a class does not know it would not write either.
    guard base.className.keys.contains(.useKarrasSigmas) else { return nil }
    return Named(name: name, className: base.className) { config in
      base.change(&config)
      spacing(&config)
    }
  }

  /// `DPM++ 2M Karras`, `sample_dpmpp_2m` and `k_euler_a` as `dpmpp-2m-karras`, `dpmpp-2m` and `euler-a`.
  private static func normalized(_ name: String) -> String {
    var word = name.lowercased().replacing("++", with: "pp").replacing(" ", with: "-").replacing(
      "_", with: "-")
    for prefix in ["sample-", "k-"] where word.hasPrefix(prefix) { word.removeFirst(prefix.count) }
    return word
  }

  private static func hasSpacing(_ word: String) -> Bool { spacings.contains { word.hasSuffix($0.suffix) } }

  private static let spacings: [(suffix: String, change: @Sendable (inout SchedulerConfig) -> Void)] = [
    ("-karras", { $0.useKarrasSigmas = true }), ("-exponential", { $0.useExponentialSigmas = true }),
    ("-beta", { $0.useBetaSigmas = true }),
  ]

  private static let foreign: [String: String] = [
    "euler-ancestral": "euler-a", "dpm-2": "dpm2", "dpm-2-a": "dpm2-a", "dpm-2-ancestral": "dpm2-a",
    "dpm2-ancestral": "dpm2-a", "uni-pc": "unipc", "dpm-solverpp": "dpmpp-2m",
  ]
}
