import CKernels

/// Group normalisation (Wu & He 2018) fused with what surrounds it in a residual block:
///
///     activation(((x + shift − μ)/√(σ² + ε)·weight + bias)·(1 + scale₁) + shift₁)
///
/// with μ and σ² over each image's groups of channels.
public struct GroupNormalization {
  let groups: Int
  let weight: Tensor, bias: Tensor
  let epsilon: Float
  let shift: Tensor?
  let modulation: (scale: Tensor, shift: Tensor)?
  let activation: Activation

  /// - Parameters:
  ///   - weight: `[C]`.
  ///   - bias: `[C]`.
  ///   - shift: `[N, C]`, added before the statistics are taken: a time embedding.
  ///   - modulation: scale₁ and shift₁, `[N, C]` each: diffusers' `scale_shift` time embedding.
  public init(
    groups: Int, weight: Tensor, bias: Tensor, epsilon: Float, shift: Tensor? = nil,
    modulation: (scale: Tensor, shift: Tensor)? = nil, activation: Activation = .identity
  ) {
    (self.groups, self.weight, self.bias, self.epsilon) = (groups, weight, bias, epsilon)
    (self.shift, self.modulation, self.activation) = (shift, modulation, activation)
  }

  func job(_ x: Tensor) -> GroupNorm {
    precondition(x.shape[1] % groups == 0 && weight.shape == [x.shape[1]], "\(groups) groups of \(x.shape)")
    return GroupNorm(
      shape: x.shape, order: x.order, groups: groups, epsilon: epsilon, weight: weight, bias: bias,
      shift: shift, scale1: modulation?.scale, shift1: modulation?.shift, activation: activation)
  }

  /// - Parameter x: `[N, C, H, W]`, or `[N, C, T]`.
  /// - Returns: the shape of x.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    if x.shape.count == 3 {
      let (n, c, t) = x.shape3
      return self(x.reshaped([n, c, t, 1])).reshaped(x.shape)
    }
    let job = job(x)
    let (y, statistics) = job.forward(x)
    let source = x.saved
    let inputs = [x, weight, bias] + [shift, modulation?.scale, modulation?.shift].compactMap { $0 }
    return y.recorded(inputs: inputs, remake: { job.apply(source(), statistics) }) { dy, needed in
      job.gradients(source(), dy, statistics)
    }
  }
}

/// `GroupNormalization` of x.
public func groupNorm(
  _ x: Tensor, groups: Int, weight: Tensor, bias: Tensor, epsilon: Float, shift: Tensor? = nil,
  modulation: (scale: Tensor, shift: Tensor)? = nil, activation: Activation = .identity
) -> Tensor {
  GroupNormalization(
    groups: groups, weight: weight, bias: bias, epsilon: epsilon, shift: shift, modulation: modulation,
    activation: activation)(x)
}

/// activation(gain·x + offset), a factor and an offset a channel of each image, `[N, C]`.
struct NormalizedOnTheWay {
  let gain: Storage, offset: Storage
  let activation: Activation
}

/// One call's operands, cut into spans: the fewest channels that hold both whole groups and whole memory blocks. A span
/// of one image is a task: its statistics are taken and applied while it is in the cache.
struct GroupNorm {
  let shape: [Int], order: MemoryOrder, groups: Int, epsilon: Float
  let weight: Tensor, bias: Tensor, shift: Tensor?, scale1: Tensor?, shift1: Tensor?
  let activation: Activation

  struct Statistics {
    let mean: Storage, rstd: Storage  // [N, groups] each
  }

  var n: Int { shape[0] }
  var channels: Int { shape[1] }
  var pixels: Int { shape[2] * shape[3] }
  var groupSize: Int { channels / groups }
  var span: Int {
    var span = groupSize
    while span % order.channelBlock != 0 { span += groupSize }
    return span
  }

  struct Task {
    let map: Int  // where the span begins in the feature map,
    let channel: Int  // in [N, C],
    let group: Int  // and in [N, groups]
    let shape: dk_norm_shape
    let parameters: dk_norm_parameters
  }

  func forEachSpan(_ body: (Task) -> Void) {
    let spans = channels / span
    parallelFor(n * spans) { task in
      let (image, first) = (task / spans, task % spans * span)
      let at = image * channels + first
      body(
        Task(
          map: at * pixels, channel: at, group: image * groups + first / groupSize,
          shape: dk_norm_shape(
            blocks: span / order.channelBlock, hw: pixels, b: order.channelBlock,
            channels_per_group: groupSize,
            epsilon: epsilon, activation: activation.kernel),
          parameters: dk_norm_parameters(
            weight: weight.pointer + first, bias: bias.pointer + first, shift: shift.map { $0.pointer + at },
            scale1: scale1.map { $0.pointer + at }, shift1: shift1.map { $0.pointer + at })))
    }
  }

  func forward(_ x: Tensor) -> (Tensor, Statistics) {
    if let shared = SharedStatistics.current {
      let statistics = shared.statistics(of: self, x)
      return (apply(x, statistics), statistics)
    }
    let y = Tensor(uninitialized: shape, order: order)
    let statistics = Statistics(mean: Storage(count: n * groups), rstd: Storage(count: n * groups))
    forEachSpan { task in
      let scratch = Storage(count: 2 * span)
      dk_group_norm(
        x.pointer + task.map, y.pointer + task.map, task.shape, task.parameters,
        statistics.mean.pointer + task.group, statistics.rstd.pointer + task.group, scratch.pointer)
    }
    return (y, statistics)
  }

  /// The whole chain up to the activation as a factor and an offset a channel of each image, `[N, C]`: what an operation
  /// that reads x anyway can do on the way.
  func coefficients(_ x: Tensor) -> NormalizedOnTheWay {
    let (gain, offset) = (Storage(count: n * channels + 32), Storage(count: n * channels + 32))
    let statistics = SharedStatistics.current?.statistics(of: self, x) ?? measured(x)
    forEachSpan { task in
      dk_group_norm_coefficients(
        task.shape, task.parameters, statistics.mean.pointer + task.group,
        statistics.rstd.pointer + task.group, gain.pointer + task.channel, offset.pointer + task.channel)
    }
    return NormalizedOnTheWay(gain: gain, offset: offset, activation: activation)
  }

  /// The same normalisation of another map, of as many images and channels.
  func over(_ x: Tensor) -> GroupNorm {
    GroupNorm(
      shape: x.shape, order: x.order, groups: groups, epsilon: epsilon, weight: weight, bias: bias,
      shift: shift, scale1: scale1, shift1: shift1, activation: activation)
  }

  func measured(_ x: Tensor) -> Statistics {
    let statistics = Statistics(mean: Storage(count: n * groups), rstd: Storage(count: n * groups))
    forEachSpan { task in
      let scratch = Storage(count: 2 * span)
      dk_group_norm_statistics(
        x.pointer + task.map, task.shape, task.parameters, statistics.mean.pointer + task.group,
        statistics.rstd.pointer + task.group, scratch.pointer)
    }
    return statistics
  }

  func apply(_ x: Tensor, _ statistics: Statistics) -> Tensor {
    let x = x.ordered(order)
    let y = Tensor(uninitialized: shape, order: order)
    forEachSpan { task in
      let scratch = Storage(count: 2 * span)
      dk_group_norm_apply(
        x.pointer + task.map, y.pointer + task.map, task.shape, task.parameters,
        statistics.mean.pointer + task.group, statistics.rstd.pointer + task.group, scratch.pointer)
    }
    return y
  }

  /// In the order of the recorded inputs: x, weight, bias, then those of shift, scale₁ and shift₁ that there are.
  func gradients(_ x: Tensor, _ dy: Tensor, _ statistics: Statistics) -> [Tensor?] {
    let (x, dy) = (x.ordered(order), dy.ordered(order))
    let dx = Tensor(uninitialized: shape, order: order)
    // A value a channel and image: Σ dz, Σ dz·x̂ and Σ dx, where z is what the activation is given.
    let (dz, dzx, sums) = (
      Tensor(uninitialized: [n, channels]), Tensor(uninitialized: [n, channels]),
      Tensor(uninitialized: [n, channels])
    )
    forEachSpan { task in
      let scratch = Storage(count: 6 * span)
      dk_group_norm_gradient(
        x.pointer + task.map, dy.pointer + task.map, dx.pointer + task.map, task.shape, task.parameters,
        statistics.mean.pointer + task.group, statistics.rstd.pointer + task.group, dz.pointer + task.channel,
        dzx.pointer + task.channel, sums.pointer + task.channel, scratch.pointer)
    }
    let (dweight, dbias) = (Tensor.zeros([channels]), Tensor.zeros([channels]))
    let dscale1 = scale1.map { _ in Tensor(uninitialized: [n, channels]) }
    for i in 0..<n * channels {
      let c = i % channels
      let outer = 1 + (scale1?.pointer[i] ?? 0)
      dweight.pointer[c] += dzx.pointer[i] * outer
      dbias.pointer[c] += dz.pointer[i] * outer
      dscale1?.pointer[i] = dzx.pointer[i] * weight.pointer[c] + dz.pointer[i] * bias.pointer[c]
    }
    var gradients: [Tensor?] = [dx, dweight, dbias]
    if shift != nil { gradients.append(sums) }
    if let dscale1 { gradients += [dscale1, dz] }
    return gradients
  }
}
