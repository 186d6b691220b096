import Foundation

/// A reference of which each thread has its own, nil at first.
///
/// The engine's state (the tape, shared statistics) is that of the thread that runs a model, so that two threads with
/// tensors of their own do not see each other.
struct ThreadLocal<Value: AnyObject>: Sendable {
  private let key: pthread_key_t

  init() {
    var key = pthread_key_t()
    let status = pthread_key_create(&key) { held in
      if let held { Unmanaged<AnyObject>.fromOpaque(held).release() }
    }
    precondition(status == 0, "no thread-specific key is left")
    self.key = key
  }

  /// The calling thread's own.
  var value: Value? {
    get { pthread_getspecific(key).map { Unmanaged<Value>.fromOpaque($0).takeUnretainedValue() } }
    nonmutating set {
      let before = pthread_getspecific(key)
      pthread_setspecific(key, newValue.map { UnsafeRawPointer(Unmanaged.passRetained($0).toOpaque()) })
      before.map { Unmanaged<Value>.fromOpaque($0).release() }
    }
  }
}
