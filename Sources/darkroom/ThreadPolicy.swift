import Foundation

/// How threads wait for each other.
enum ThreadPolicy {
  /// Makes waiting threads sleep soon.
  ///
  /// libgomp's threads spin for milliseconds at every barrier, which costs nothing on an idle machine and a factor of ten
  /// where another program wants the same cores. A thousand turns cost no measurable speed and end that. libgomp reads
  /// its environment before `main`, so the program starts itself once more; that takes 7 ms.
  static func settle() {
    guard getenv("GOMP_SPINCOUNT") == nil, getenv("OMP_WAIT_POLICY") == nil else { return }
    setenv("GOMP_SPINCOUNT", "1000", 1)
    var arguments = CommandLine.arguments.map { strdup($0) }
    arguments.append(nil)
    execv("/proc/self/exe", &arguments)
    // Where that is not possible the program goes on as it is, only less patient.
  }
}
