import ArgumentParser
import Files
import Foundation
import TensorCore
import Training

/// Where a run is, and whether one there goes on.
struct PlaceOptions: ParsableArguments {
  @Option(
    name: [.short, .long, .customLong("output_dir")], help: "The run's folder; made if there is none.",
    completion: .directory)
  var output: String

  @Flag(
    help: """
      Go on from the run's last checkpoint; begins anew where there is none. All that decides the run must be as it was; \
      after a run that has exploded --learning-rate, --warmup and --clip-gradient may differ.
      """)
  var resume = false

  @Option(
    help: """
      With --resume: train on to so many updates in all. The cosine decay then ends there, so that the rate of a run that \
      had come down rises once more.
      """)
  var extendTo: Int?

  func validate() throws {
    if let extendTo {
      try require(resume, "--extend-to goes with --resume; add it.")
      try require((1...1_000_000_000).contains(extendTo), "--extend-to must be from 1 to 1000000000.")
    }
  }
}

/// The folder that a training command writes to: whether it may, and whether a run there goes on.
struct RunFolder {
  let url: URL
  /// The state of the run that goes on; nil where one begins.
  let state: TrainingState?
  /// As the command was given it.
  private let name: String
  private let place: PlaceOptions
  private let lock: RunLock?

  /// - Parameters:
  ///   - description: the file by which such a folder is known to hold a model, `model_index.json` or `config.json`.
  ///   - images: the data set, which must not become its own output.
  /// - Throws: `Failure` for a place that cannot be, and for a folder in which something would be overwritten; `RunLockError`
  ///   for a run that is being trained.
  init(_ place: PlaceOptions, describedBy description: String, images: String) throws {
    self.place = place
    name = place.output
    url = try URL(argument: name, "--output")
    try Self.check(url, name, data: try URL(argument: images, "<images>"))
    let files = FileManager.default
    // A state alone is a run too: it is written before the model, and a kill may come between the two.
    let stateURL = TrainingState.url(in: url)
    guard files.fileExists(atPath: stateURL.path) else {
      guard !files.fileExists(atPath: url.appending(path: description).path) else {
        throw Failure(
          "--output \(name) holds a model already, and no run to go on with; name another folder.")
      }
      if place.extendTo != nil { throw Failure("--extend-to: \(name) has no checkpoint to go on from.") }
      (state, lock) = (nil, nil)
      return
    }
    // Of a run that lives, that is what there is to say, whatever was asked for.
    lock = try RunLock(url)
    guard place.resume else {
      throw Failure(
        "--output \(name) holds a run already; add --resume to go on with it, or name another folder.")
    }
    let found = try TrainingState(contentsOf: stateURL)
    state = found
    guard Processor.use(found.options.arithmetic) else {
      throw Failure(
        "\(name) was begun with AMX's arithmetic, which this processor lacks, so that it cannot go on in the same bytes; go "
          + "on where there is AMX, or fine-tune its model with --init-from.")
    }
    Precision.current = found.options.precision
    if let total = place.extendTo, total < found.stepsTaken {
      throw Failure("--extend-to \(total): \(name) has made \(found.stepsTaken) updates already.")
    }
  }

  /// Refuses what is no place for a run, before anything is computed.
  private static func check(_ url: URL, _ name: String, data: URL) throws {
    let (output, data) = (resolved(url), resolved(data))
    guard output.path != "/" else {
      throw Failure.usage("--output \(name) is the root of all files; name a folder.")
    }
    guard output.path != data.path, !output.path.hasPrefix(data.path + "/") else {
      throw Failure.usage(
        "--output \(name) lies in the data set \(data.path), whose pictures its previews would become; name a folder "
          + "elsewhere.")
    }
    var status = stat()
    if stat(output.path, &status) == 0, status.st_mode & S_IFMT != S_IFDIR {
      throw Failure("--output \(name) is a file; name a folder.")
    }
    let nearest = existing(output).path
    guard access(nearest, W_OK | X_OK) == 0 else { throw FileError(file: name, reason: SystemError.text) }
  }

  /// The nearest folder above a place, or the place itself, that is there.
  private static func existing(_ url: URL) -> URL {
    var url = url
    while url.path != "/", !FileManager.default.fileExists(atPath: url.path) { url.deleteLastPathComponent() }
    return url
  }

  /// The place with its links followed, as far as it is there.
  private static func resolved(_ url: URL) -> URL {
    let url = url.standardizedFileURL
    let there = existing(url)
    guard let real = realpath(there.path, nil) else { return url }
    defer { free(real) }
    let rest = url.pathComponents.dropFirst(there.pathComponents.count)
    return rest.reduce(URL(fileURLWithPath: String(cString: real))) { $0.appending(path: $1) }
  }

  /// - Parameter given: what decides the run that was asked for, as far as it is known yet.
  /// - Throws: `Failure` where the run began with something else.
  func refuse(_ given: RunIdentity) throws {
    guard let state else { return }
    var free: Set<String> = Divergence.known(in: url) == nil ? [] : Divergence.remedies
    if place.extendTo != nil || state.options.learningRate.decay == .constant { free.insert("--steps") }
    let differences = state.identity.differences(from: given).filter { !free.contains($0.name) }
    guard !differences.isEmpty else { return }
    func short(_ text: String) -> String { text.count > 120 ? "\(text.prefix(120))…" : text }
    let all = differences.prefix(6).map { "\($0.name) \(short($0.begun)), not \(short($0.given))" }
      .joined(separator: "; with ")
    let more = differences.count > 6 ? " (and \(differences.count - 6) more)" : ""
    throw Failure("\(name) was begun with \(all)\(more); give the same to resume it.")
  }

  /// How many updates the run is to have.
  func steps(_ asked: Int) -> Int { place.extendTo ?? asked }

  /// Writes down what the machine decides, or the run that goes on: the seed, the threads, and how products are computed.
  func settle(_ options: inout TrainingOptions, _ seed: Seed, _ compute: ComputeOptions) {
    options.seed = self.seed(seed)
    options.threads = state?.options.threads ?? threadCount
    options.arithmetic = Processor.current.arithmetic
    options.precision = compute.precision ?? Precision.current
  }

  /// The seed of the run that goes on where none was given, or what was asked for.
  private func seed(_ asked: Seed) -> UInt64 {
    if asked.isDrawn, let state { return state.options.seed }
    asked.announce()
    return asked.value
  }

  /// Takes the folder: nothing else may train there from now on. Gives a run that goes on the threads that it had, and
  /// removes what a killed one left behind.
  ///
  /// - Parameter command: to be kept with the run.
  /// - Throws: `RunLockError`, `FileError`, or `Failure` where another run began there meanwhile.
  func claim(_ command: RunCommand) throws -> RunLock {
    let lock = try lock ?? RunLock(url)
    guard state != nil || !FileManager.default.fileExists(atPath: TrainingState.url(in: url).path) else {
      throw Failure("--output \(name) holds a run already; add --resume to go on with it.")
    }
    let freed = AtomicFile.removeAbandoned(in: url)
    if freed > 0 {
      Console.note(String(format: "removed what a killed run left: %.1f MB", Double(freed) / 1e6))
    }
    try command.write(to: url)
    if let state {
      threadCount = state.options.threads
      Console.note("resuming \(name) after step \(state.stepsTaken)")
    } else if place.resume {
      Console.note("\(name) has no checkpoint yet; beginning anew")
    }
    return lock
  }

  /// Says what lengthening the run, or learning at another rate, does.
  func describeChanges(_ options: TrainingOptions) {
    guard let state else { return }
    let (before, step) = (state.options, state.stepsTaken)
    let rates = [before, options].map { $0.learningRate.at(step, of: $0.steps) }
    guard before.steps != options.steps || rates[0] != rates[1] else { return }
    Console.note(
      "\(options.steps) updates in all in place of \(before.steps); the rate is now "
        + String(format: "%.3g where it was %.3g", rates[1], rates[0]))
  }
}
