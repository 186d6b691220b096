import Foundation
import NN
import Pictures
import Pipelines
import Schedulers
import TensorCore

/// Where some pictures of a run start, and what holds on their way.
struct Beginning {
  var start: Start
  /// Channels that the network is shown beside the noisy pictures, `[N, C, H, W]`.
  var concatenated: Tensor?
  var afterVisit: DenoisingLoop.AfterVisit?
}

/// A run of one sampler on a model: everything that is asked for, found and checked before any weights are loaded.
struct SamplingRun {
  /// What pictures begin with.
  ///
  /// - Parameters:
  ///   - pictures: their numbers.
  ///   - loaded: everything with weights.
  ///   - noise: of these pictures; what is put in its place is what is drawn from later.
  typealias Begin = (
    _ pictures: Range<Int>, _ loaded: LoadedRun, _ noise: inout any NoiseSource
  ) throws -> Beginning

  let options: SamplingOptions
  let sampling: Sampling
  let scheduler: SchedulerConfig
  let visits: Visits
  let sampler: any Sampler
  /// DDIM's η or TCD's γ; nil for the sampler's own.
  private let eta: Float?
  /// The evaluations that are visited.
  let route: Route
  /// The noise of the pictures of these numbers.
  var noise: (Range<Int>) -> any NoiseSource
  private let tiles: TilingChoice
  private var choice: NoiseChoice

  /// - Parameters:
  ///   - visits: a number of steps, or where they are; the number that is asked for where it is nil.
  ///   - route: of the sampler's evaluations, those that are visited; all where it is nil.
  /// - Throws: `Failure`, or the errors of the folder and the scheduler.
  init(
    _ options: SamplingOptions, _ sampling: Sampling, _ scheduler: SchedulerConfig, _ visits: Visits? = nil,
    route: ((any Sampler) -> Route)? = nil
  ) throws {
    (self.options, self.sampling, self.scheduler) = (options, sampling, scheduler)
    try sampling.check(scheduler)
    tiles = try options.tiling.tiles(sampling.folder.vae?.config)
    self.visits = visits ?? .count(options.stepping.count(scheduler))
    eta = options.stepping.eta(scheduler, readsText: sampling.prompting != nil)
    sampler = try scheduler.sampler(self.visits, eta: eta)
    self.route = route?(sampler) ?? Route(sampler)
    let choice = try NoiseChoice(options.numbers, shape: sampling.shape(count: 1))
    self.choice = choice
    noise = { choice($0) }
  }

  /// How many pictures are made: as many frames, or of each prompt as many pictures, as are asked for.
  var count: Int { sampling.frames ?? options.numbers.count * (sampling.prompting?.prompts.count ?? 1) }

  /// The numbers of the pictures.
  var numbers: Range<Int> { options.numbers.firstIndex..<options.numbers.firstIndex + count }

  /// A run that goes on with this one's pictures at another size.
  ///
  /// - Parameters:
  ///   - sampling: the same at that size.
  ///   - strength: how much of the schedule they go through again.
  /// - Throws: as the initialiser.
  func followed(by sampling: Sampling, _ strength: Strength) throws -> SamplingRun {
    var options = options
    // Its noise is this run's, which is of this run's size.
    options.numbers.noise.latents = nil
    var run = try SamplingRun(options, sampling, scheduler, .count(strength.total)) { strength.route($0) }
    (run.choice, run.noise) = (choice, noise)
    return run
  }

  /// Draws the pictures, a batch after the other, and hands each over when it is done.
  ///
  /// - Parameters:
  ///   - begin: what pictures begin with; pure noise unless given.
  ///   - recording: writes down what the command alone knows of how a picture was made.
  /// - Throws: `Failure` where the machine has not the memory, or for values that are not numbers; errors of the files.
  func draw(
    into sink: inout PictureSink, _ begin: Begin? = nil,
    recording: (_ recipe: inout Recipe) -> Void = { _ in }
  ) throws {
    let together = try together(sink)
    let recorder = try StepRecorder(
      options.way, visits: route.evaluations.count,
      pictures: (count, sampling.size.width, sampling.size.height))
    // What could be refused was refused; from here on it costs time.
    var hashes = try sampling.hashes()
    hashes.inputs.merge(try choice.hashes()) { first, _ in first }
    options.numbers.seed.announce()
    let loaded = try loaded(batchSize: together)
    let progress = SampleProgress(count: count)
    Interruption.watch(
      "ending after this step; files that are written stay; once more in 5 seconds or later ends at once")
    // PyTorch's generator draws for all pictures at once.
    for first in stride(from: 0, to: count, by: options.numbers.rng == .torch ? count : together) {
      let batch = first..<(options.numbers.rng == .torch ? count : min(first + together, count))
      let pictures = numbers.lowerBound + batch.lowerBound..<numbers.lowerBound + batch.upperBound
      var noise = noise(pictures)
      var beginning = try begin?(pictures, loaded, &noise) ?? fromNoise(pictures, &noise)
      let preview = options.preview.map { Preview(beside: sink.target.url, every: $0, loaded.codec) }
      beginning.afterVisit = watched(beginning.afterVisit, preview)
      if let recorder { beginning.afterVisit = recorder.watching(beginning.afterVisit, loaded.codec) }
      let latents = try latents(pictures, loaded, beginning, &noise) { done, total in
        progress.report(batch, done, of: total)
        if Interruption.isRequested { stop(sink) }
      }
      func recipe(_ number: Int) -> Recipe {
        var recipe = self.recipe(number, hashes)
        recording(&recipe)
        return recipe
      }
      try sink.take(
        loaded.codec?.decoded(latents) ?? latents, first: pictures.lowerBound
      ) { recipe($0) }
      recorder?.note(recipe(pictures.lowerBound))
    }
    try sink.finish()
    Console.endTransient()
    try recorder?.write()
    let last = numbers.upperBound - 1
    Console.note(
      "\(sink.summary): \(count.counted("picture")), seed \(options.numbers.seed.value)"
        + (count == 1 ? ", number \(last)" : ", numbers \(numbers.lowerBound) to \(last)")
        + ", in \(Console.duration(progress.seconds))")
  }

  /// What holds after each visit, with a preview of what the visit found.
  private func watched(_ afterVisit: DenoisingLoop.AfterVisit?, _ preview: Preview?)
    -> DenoisingLoop.AfterVisit?
  {
    guard let preview else { return afterVisit }
    return { end, x, noise in
      preview.show(end)
      return afterVisit?(end, x, &noise) ?? x
    }
  }

  /// Loads everything with weights.
  ///
  /// - Parameter batchSize: the most pictures that go through a network at a time.
  /// - Throws: errors of the files.
  func loaded(batchSize: Int) throws -> LoadedRun {
    // Text encoders are in memory only until the network is.
    let prompts = try sampling.prompts(sampler)
    return LoadedRun(
      prompts: prompts, networks: try sampling.networks(batchSize: batchSize),
      codec: try sampling.folder.codec(tiles: tiles))
  }

  /// The pictures of these numbers as the network sees them, `[N, C, H, W]`, drawn from where they begin.
  ///
  /// - Parameter progress: told after each visit how many of how many are done.
  /// - Throws: `SchedulerError`.
  func latents(
    _ pictures: Range<Int>, _ loaded: LoadedRun, _ beginning: Beginning, _ noise: inout any NoiseSource,
    progress: (_ done: Int, _ total: Int) -> Void
  ) throws -> Tensor {
    let loop = try sampling.loop(
      loaded.networks, pictures, prompts: loaded.prompts, scheduler, visits, eta: eta,
      along: route, concatenated: beginning.concatenated, afterVisit: beginning.afterVisit)
    return loop.run(from: beginning.start, along: route, noise: &noise, progress: progress)
  }

  /// Pure noise.
  func fromNoise(_ pictures: Range<Int>, _ noise: inout any NoiseSource) -> Beginning {
    Beginning(start: .noise(noise.normal(sampling.shape(count: pictures.count), .initialLatents, step: 0)))
  }

  /// How many pictures go through the network at a time, which decides memory and nothing else.
  private func together(_ sink: PictureSink) throws -> Int {
    let (height, width) = sampling.latentSize
    // Sixteen of 256×256, or one of 1024×1024.
    let together = min(count, options.numbers.batchSize ?? min(16, max(1, (1 << 20) / (height * width))))
    // PyTorch's generator draws for all pictures at once, so that all are in memory at once.
    let values = Double(count) * Double(sampling.size.height * sampling.size.width) * 3
    let results = options.numbers.rng == .torch ? 4 * values : sink.keepsTensors ? 2 * values : 0
    let forecast = sampling.evaluationCost.map {
      Forecast(
        $0, count: count, together: together, evaluations: route.evaluations.count, results: results)
    }
    let what = "\(count.counted("picture")) of \(sampling.size.width)x\(sampling.size.height)"
    try forecast?.refuse(what)
    forecast?.announce(what)
    if let vae = sampling.folder.vae { tiles.announce(vae.config, size: sampling.size, count: count) }
    return together
  }

  /// Ends between two steps, where nothing is half written.
  private func stop(_ sink: PictureSink) -> Never {
    Console.endTransient()
    Console.note("stopped; \(sink.files.count.counted("picture")) of \(count) written: \(sink.summary)")
    Foundation.exit(ExitStatus.interrupted.rawValue)
  }

  private func recipe(_ number: Int, _ hashes: (parts: [String: String], inputs: [String: String])) -> Recipe
  {
    var recipe = sampling.recipe(
      number, hashes, seed: options.numbers.seed, rng: options.numbers.rng, steps: visits.steps,
      scheduler.samplerName)
    recipe.eta = scheduler.className == .ddim ? Double(eta ?? 0) : eta.map(Double.init)
    recipe.scheduler = scheduler.json
    choice.record(in: &recipe)
    return recipe
  }
}

/// What a run asks, with its weights.
struct LoadedRun {
  /// What the networks are told of the prompts.
  var prompts: EncodedPrompts
  var networks: SamplingNetworks
  /// The model's autoencoder; nil for a model of pixels.
  let codec: LatentSpace?
}

/// How far a run of several batches is.
private struct SampleProgress {
  let count: Int
  private let clock = Stopwatch()

  init(count: Int) { self.count = count }

  var seconds: Double { clock.seconds }

  func report(_ pictures: Range<Int>, _ done: Int, of total: Int) {
    let work = Double(pictures.lowerBound * total + pictures.count * done)
    let left = clock.seconds / work * (Double(count * total) - work)
    let which =
      pictures.count == count
      ? "" : "pictures \(pictures.lowerBound + 1) to \(pictures.upperBound) of \(count), "
    Console.progress("\(which)step \(done)/\(total), \(Console.duration(left)) left")
  }
}
