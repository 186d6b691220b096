import Foundation

/// Why a model's configuration cannot be used.
public struct ConfigError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
  /// The file, where it came from one.
  public var file: String
  /// What is wrong, as the rest of a sentence.
  public let problem: String

  /// - Parameter problem: the rest of a sentence that begins with the file's name.
  public init(file: String = "the configuration", _ problem: String) {
    (self.file, self.problem) = (file, problem)
  }

  /// One sentence for the user.
  public var description: String { "\(file) \(problem)." }
  /// The same sentence, for code that only knows `Error`.
  public var errorDescription: String? { description }
}

/// - Throws: `ConfigError` unless `holds`.
func require(_ holds: Bool, _ problem: @autoclosure () -> String) throws(ConfigError) {
  if !holds { throw ConfigError(problem()) }
}

/// What every network of down and up blocks asks of their lists.
///
/// - Parameters:
///   - down: how many types of down blocks there are.
///   - up: how many types of up blocks.
///   - channels: `block_out_channels`, from the full resolution down.
///   - others: channels at the ends of the network.
///   - layers: `layers_per_block`.
/// - Throws: `ConfigError`, which names the key.
func requireBlocks(
  down: Int, up: Int, channels: [Int], others: [Int], layers: Int
) throws(ConfigError) {
  let blocks = channels.count
  try require((1...12).contains(blocks), "has \(blocks) block_out_channels; 1 to 12 are possible")
  try require(
    down == blocks && up == blocks,
    "has \(down) down_block_types, \(up) up_block_types and \(blocks) block_out_channels; there must be as many of each"
  )
  try require(
    (channels + others).allSatisfy { (1...16_384).contains($0) },
    "has a number of channels outside 1 to 16384")
  try require((1...64).contains(layers), "has layers_per_block \(layers); 1 to 64 are possible")
}
