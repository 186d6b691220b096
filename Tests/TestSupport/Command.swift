import Foundation
import XCTest

/// The built program, run as a user runs it.
public struct Command {
  /// What a run left behind.
  public struct Result {
    /// 0 for success; 128 + n where signal n ended it.
    public let code: Int32
    /// Standard output and standard error.
    public let output: String, errors: String
  }

  /// The program beside the tests.
  public static let program: URL = {
    let products = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundleURL
      .deletingLastPathComponent()
    return (products ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent())
      .appending(path: "darkroom")
  }()

  /// Starts the program and does not wait for it.
  public static func start(_ arguments: [String], errors: FileHandle? = nil) throws -> Process {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = errors ?? FileHandle.nullDevice
    try process.run()
    return process
  }

  /// Runs the program to its end.
  ///
  /// - Parameter environment: variables set beside those of the tests.
  public static func run(_ arguments: String..., environment: [String: String] = [:]) throws -> Result {
    try run(arguments, environment: environment)
  }

  /// Runs a subcommand to its end.
  public static func run(_ subcommand: String, _ arguments: [String], environment: [String: String] = [:])
    throws
    -> Result
  {
    try run([subcommand] + arguments, environment: environment)
  }

  /// Runs a line of bash in which `$darkroom` is the program.
  public static func shell(_ line: String) throws -> Result {
    try run(["-c", line], environment: ["darkroom": program.path], of: URL(fileURLWithPath: "/bin/bash"))
  }

  private static func run(
    _ arguments: [String], environment: [String: String] = [:], of program: URL = program
  ) throws -> Result {
    let process = Process()
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, given in given }
    process.executableURL = program
    process.arguments = arguments
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    // Both are small: help texts, a report, one sentence.
    let outputData = output.fileHandleForReading.readDataToEndOfFile()
    let errorData = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let code =
      process.terminationReason == .uncaughtSignal
      ? 128 + process.terminationStatus : process.terminationStatus
    return Result(
      code: code, output: String(decoding: outputData, as: UTF8.self),
      errors: String(decoding: errorData, as: UTF8.self))
  }
}
