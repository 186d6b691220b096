import Files
import Foundation

/// Everything that decides what a run computes, by name: its options, its schedule, its network, its pictures.
///
/// A resumed run must have the same; what differs is named with both values.
public struct RunIdentity: Codable, Sendable, Equatable {
  /// One value.
  public struct Entry: Codable, Sendable, Equatable {
    /// An option such as `--batch-size`, or words such as `the schedule's beta_end`.
    public let name: String
    /// As text.
    public let value: String
  }

  /// What two runs do not share.
  public struct Difference: Sendable, Equatable {
    /// Of the entry.
    public let name: String
    /// The value that the run began with, and the one given now.
    public let begun: String, given: String

    /// A name and two values.
    public init(name: String, begun: String, given: String) {
      (self.name, self.begun, self.given) = (name, begun, given)
    }
  }

  /// In the order in which they were added.
  public private(set) var entries: [Entry] = []

  /// Nothing known.
  public init() {}

  /// Of the options alone.
  public init(_ options: TrainingOptions, _ autoencoder: AutoencoderOptions? = nil) {
    for (name, value) in options.named + (autoencoder?.named ?? []) { add(name, value) }
  }

  /// Adds a value.
  public mutating func add(_ name: String, _ value: String) {
    entries.append(Entry(name: name, value: value))
  }

  /// Adds every key of a configuration's JSON, but for the release that wrote it.
  ///
  /// - Parameter owner: what it is of, such as `the network's`.
  public mutating func add(_ owner: String, configuration json: Data) {
    let object = (try? JSONSerialization.jsonObject(with: json)) as? [String: Any] ?? [:]
    for (key, value) in object.sorted(by: { $0.key < $1.key }) where key != "_diffusers_version" {
      let text = try? JSONSerialization.data(
        withJSONObject: value, options: [.fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes])
      add("\(owner) \(key)", text.map { String(decoding: $0, as: UTF8.self) } ?? "\(value)")
    }
  }

  /// Adds which pictures are learned, by every byte of their files, and what their classes are called.
  public mutating func add(_ pictures: PictureStore, classes: [String]) {
    add("the pictures", "\(pictures.count) of the fingerprint \(pictures.contents.prefix(16))")
    add("the classes", classes.isEmpty ? "none" : classes.joined(separator: ", "))
  }

  /// Adds what the captions of pictures say.
  public mutating func add(captionsOf folder: ImageFolder) {
    var hash = SHA256()
    for item in folder.items { hash.update(Array("\(item.path)\n\(item.captions)\n".utf8)) }
    add("the captions", "of the fingerprint \(hash.finished().prefix(16))")
  }

  /// The same but for some of the values.
  public func without(_ names: Set<String>) -> RunIdentity {
    var rest = self
    rest.entries.removeAll { names.contains($0.name) }
    return rest
  }

  /// Where the run that began with this would become another; what only one of the two knows is not compared.
  public func differences(from given: RunIdentity) -> [Difference] {
    let values = Dictionary(given.entries.map { ($0.name, $0.value) }) { first, _ in first }
    return entries.compactMap { entry in
      guard let value = values[entry.name], value != entry.value else { return nil }
      return Difference(name: entry.name, begun: entry.value, given: value)
    }
  }
}
