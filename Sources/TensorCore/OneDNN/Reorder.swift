import COneDNN

/// Copies between layouts.
enum Reorder {
  /// Both tensors hold the same feature map, in different orders.
  static func run(from source: Tensor, to target: Tensor) {
    run(
      source.pointer, Layout(source.shape, source.order), to: target.pointer,
      Layout(target.shape, target.order))
  }

  private struct Key: Hashable {
    let from: [UInt8]
    let to: [UInt8]
  }

  // Guarded by the rule that tensors are used on one thread; filled once a pair of layouts.
  nonisolated(unsafe) private static var cache: [Key: dnnl_primitive_t] = [:]

  static func run(
    _ source: UnsafeMutablePointer<Float>, _ from: Layout, to target: UnsafeMutablePointer<Float>,
    _ to: Layout
  ) {
    var (fromMD, toMD) = (from.md, to.md)
    let key = Key(
      from: withUnsafeBytes(of: &fromMD) { Array($0) }, to: withUnsafeBytes(of: &toMD) { Array($0) })
    let primitive: dnnl_primitive_t
    if let kept = cache[key] {
      primitive = kept
    } else {
      var description: dnnl_primitive_desc_t?
      Engine.check(
        dnnl_reorder_primitive_desc_create(&description, &fromMD, Engine.cpu, &toMD, Engine.cpu, nil),
        "plan a reorder")
      var made: dnnl_primitive_t?
      Engine.check(dnnl_primitive_create(&made, description), "create a reorder")
      dnnl_primitive_desc_destroy(description)
      primitive = made!
      cache[key] = primitive
    }
    var (a, b): (dnnl_memory_t?, dnnl_memory_t?)
    Engine.check(dnnl_memory_create(&a, &fromMD, Engine.cpu, source), "wrap memory")
    Engine.check(dnnl_memory_create(&b, &toMD, Engine.cpu, target), "wrap memory")
    var list = [
      dnnl_exec_arg_t(arg: DNNL_ARG_FROM, memory: a), dnnl_exec_arg_t(arg: DNNL_ARG_TO, memory: b),
    ]
    Engine.check(dnnl_primitive_execute(primitive, Engine.stream, 2, &list), "reorder")
    dnnl_memory_destroy(a)
    dnnl_memory_destroy(b)
  }
}
