import CKernels

/// Zeroes each value with `probability` and scales the rest by 1/(1 − probability) (Srivastava et al. 2014).
///
/// The mask is Philox's for `key`, over the values in logical order, so that a step run again drops the same ones.
public func dropout(_ x: Tensor, probability: Float, key: NoiseKey) -> Tensor {
  precondition((0..<1).contains(probability), "a drop-out probability of \(probability)")
  if probability == 0 { return x }
  let keep = 1 / (1 - probability)
  let mask = Philox(key).uniform(x.count).map { $0 < probability ? 0 : keep }
  return x * Tensor(mask, shape: x.shape)
}
