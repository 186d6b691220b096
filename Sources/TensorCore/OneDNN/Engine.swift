import CKernels
import COneDNN

/// The one CPU engine and its stream.
enum Engine {
  // oneDNN's engine and CPU stream are thread-safe for execution; both live as long as the program.
  nonisolated(unsafe) static let cpu: dnnl_engine_t = {
    var engine: dnnl_engine_t?
    check(dnnl_engine_create(&engine, dnnl_cpu, 0), "create the CPU engine")
    return engine!
  }()

  nonisolated(unsafe) static let stream: dnnl_stream_t = {
    var stream: dnnl_stream_t?
    check(dnnl_stream_create(&stream, cpu, dnnl_stream_default_flags.rawValue), "create the stream")
    return stream!
  }()

  /// A status other than success is a defect of this program or the end of memory; neither can be handled above.
  static func check(_ status: dnnl_status_t, _ what: @autoclosure () -> String) {
    guard status != dnnl_success else { return }
    fatalError("oneDNN could not \(what()) (status \(status.rawValue))")
  }
}

package enum CPU {
  /// Whether oneDNN uses AVX-512 here; Winograd exists for it alone.
  package static let hasAVX512: Bool =
    (dnnl_get_effective_cpu_isa().rawValue & dnnl_cpu_isa_avx512_core.rawValue)
    == dnnl_cpu_isa_avx512_core.rawValue
}

/// A memory descriptor: shape and layout.
struct Layout {
  var md = dnnl_memory_desc_t()

  init(md: dnnl_memory_desc_t) { self.md = md }

  init(_ shape: [Int], _ tag: dnnl_format_tag_t) {
    let dims = shape.map { dnnl_dim_t($0) }
    Engine.check(
      dnnl_memory_desc_init_by_tag(&md, Int32(shape.count), dims, dnnl_f32, tag), "describe \(shape)")
  }

  /// Given as [rows, columns] with the distance in floats between neighbours along each.
  init(_ shape: [Int], strides: [Int]) {
    let dims = shape.map { dnnl_dim_t($0) }
    let steps = strides.map { dnnl_dim_t($0) }
    Engine.check(
      dnnl_memory_desc_init_by_strides(&md, Int32(shape.count), dims, dnnl_f32, steps), "describe \(shape)")
  }

  /// Of a feature map [N, C, H, W] in `order`.
  init(_ shape: [Int], _ order: MemoryOrder) {
    switch order.channelBlock {
    case 1: self.init(shape, dnnl_abcd)
    case 16 where shape[1] % 16 == 0: self.init(shape, dnnl_aBcd16b)
    case 8 where shape[1] % 8 == 0: self.init(shape, dnnl_aBcd8b)
    case shape[1]: self.init(shape, dnnl_acdb)
    default: preconditionFailure("no oneDNN layout for channel block \(order.channelBlock)")
    }
  }

  var bytes: Int { withUnsafePointer(to: md) { dnnl_memory_desc_get_size($0) } }

  static func == (a: Layout, b: Layout) -> Bool {
    withUnsafePointer(to: a.md) { a in withUnsafePointer(to: b.md) { b in dnnl_memory_desc_equal(a, b) != 0 }
    }
  }
}

/// A compiled primitive and the layouts it settled on.
final class Primitive {
  /// What a primitive reads or writes.
  struct Argument {
    let index: Int32
    let layout: Layout
    let pointer: UnsafeMutablePointer<Float>
  }

  private let handle: dnnl_primitive_t
  private let description: dnnl_primitive_desc_t
  private let scratchpad: Layout
  /// oneDNN's name of the implementation, such as `jit_wino_4x3:avx512_core`.
  let implementation: String

  /// Nil where oneDNN has no such implementation. `descriptor` points at an operation descriptor.
  init?(
    _ descriptor: const_dnnl_op_desc_t, attributes: dnnl_primitive_attr_t? = nil,
    hint: Primitive? = nil, accept: (String) -> Bool = { _ in true }
  ) {
    var attr: dnnl_primitive_attr_t?
    Engine.check(dnnl_primitive_attr_create(&attr), "create attributes")
    defer { dnnl_primitive_attr_destroy(attr) }
    // The scratchpad is ours, so that it comes from the pool and is counted.
    Engine.check(dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user), "set attributes")
    var iterator: dnnl_primitive_desc_iterator_t?
    guard
      dnnl_primitive_desc_iterator_create(&iterator, descriptor, attr, Engine.cpu, hint?.description)
        == dnnl_success
    else { return nil }
    defer { dnnl_primitive_desc_iterator_destroy(iterator) }
    // oneDNN offers its implementations from the one it thinks fastest; the first that is acceptable is taken.
    var chosen: (description: dnnl_primitive_desc_t, name: String)?
    repeat {
      guard let candidate = dnnl_primitive_desc_iterator_fetch(iterator) else { return nil }
      var text: UnsafePointer<CChar>?
      dnnl_primitive_desc_query(candidate, dnnl_query_impl_info_str, 0, &text)
      let name = text.map { String(cString: $0) } ?? ""
      if accept(name) {
        chosen = (candidate, name)
        break
      }
      dnnl_primitive_desc_destroy(candidate)
    } while dnnl_primitive_desc_iterator_next(iterator) == dnnl_success
    guard let (made, name) = chosen else { return nil }
    implementation = name
    var primitive: dnnl_primitive_t?
    Engine.check(dnnl_primitive_create(&primitive, made), "create \(implementation)")
    handle = primitive!
    description = made
    scratchpad = Layout(md: dnnl_primitive_desc_query_md(made, dnnl_query_scratchpad_md, 0).pointee)
  }

  deinit {
    dnnl_primitive_destroy(handle)
    dnnl_primitive_desc_destroy(description)
  }

  func layout(_ query: dnnl_query_t) -> Layout {
    Layout(md: dnnl_primitive_desc_query_md(description, query, 0).pointee)
  }

  func execute(_ arguments: [Argument]) {
    let scratch = Storage(count: max(1, scratchpad.bytes / 4))
    let all = arguments + [Argument(index: DNNL_ARG_SCRATCHPAD, layout: scratchpad, pointer: scratch.pointer)]
    var list = all.map { argument in
      var memory: dnnl_memory_t?
      var md = argument.layout.md
      Engine.check(dnnl_memory_create(&memory, &md, Engine.cpu, argument.pointer), "wrap memory")
      return dnnl_exec_arg_t(arg: argument.index, memory: memory)
    }
    withExtendedLifetime(scratch) {
      Engine.check(
        dnnl_primitive_execute(handle, Engine.stream, Int32(list.count), &list), "run \(implementation)")
    }
    for entry in list { dnnl_memory_destroy(entry.memory) }
  }
}
