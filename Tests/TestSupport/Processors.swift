import TensorCore

/// Runs `body` on each processor that this machine has, from plain C to the fastest, and leaves the usual one in use.
public func onEachProcessor(_ body: (Processor) throws -> Void) rethrows {
  let usual = Processor.current
  defer { Processor.current = usual }
  for processor in Processor.available {
    Processor.current = processor
    try body(processor)
  }
}

/// Runs `body` with products in a precision, and leaves the usual one in use.
public func with<R>(_ precision: Precision, _ body: () throws -> R) rethrows -> R {
  let usual = Precision.current
  defer { Precision.current = usual }
  Precision.current = precision
  return try body()
}
