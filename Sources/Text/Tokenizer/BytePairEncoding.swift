/// Byte-pair encoding of a word (Sennrich et al. 2016) over bytes, with a mark on each word's last symbol.
///
/// Symbols are numbers in a vocabulary. Of all neighbouring pairs that a merge is known for, the one learned first is
/// merged, the leftmost where there are several, until none is left.
struct BytePairEncoding: Sendable {
  /// What the last symbol of a word ends with.
  static let endOfWord = "</w>"

  /// The symbol of each byte within a word, and at its end; nil where the vocabulary has none.
  let bytes: [Int?], lastBytes: [Int?]
  /// What stands for a byte that the vocabulary has no symbol for; nil leaves it out.
  let unknown: Int?
  private let merges: [Pair: Merge]

  private struct Pair: Hashable {
    let left: Int, right: Int
  }

  private struct Merge {
    let rank: Int, symbol: Int
  }

  /// - Parameters:
  ///   - vocabulary: the number of each symbol's text, in the byte alphabet.
  ///   - merges: in the order in which they were learned.
  init(vocabulary: [String: Int], merges: [SymbolMerge], unknown: Int?) {
    let letters = ByteAlphabet.letters.map { String($0) }
    bytes = letters.map { vocabulary[$0] }
    lastBytes = letters.map { vocabulary[$0 + Self.endOfWord] }
    self.unknown = unknown
    var ranked: [Pair: Merge] = [:]
    ranked.reserveCapacity(merges.count)
    for (rank, merge) in merges.enumerated() {
      // A pair listed twice counts where it stands last, as it does for the tokenizers library.
      ranked[Pair(left: merge.left, right: merge.right)] = Merge(rank: rank, symbol: merge.merged)
    }
    self.merges = ranked
  }

  /// The symbols of one word. The time it takes grows with the square of the word's length.
  func callAsFunction(_ word: some BidirectionalCollection<Unicode.Scalar>) -> [Int] {
    var symbols: [Int] = []
    let last = word.indices.last
    for index in word.indices {
      let encoded = Array(UTF8.encode(word[index])!)
      for (i, byte) in encoded.enumerated() {
        let isLast = index == last && i == encoded.count - 1
        if let symbol = (isLast ? lastBytes : bytes)[Int(byte)] ?? unknown { symbols.append(symbol) }
      }
    }
    var known = symbols.indices.dropLast().map { merges[Pair(left: symbols[$0], right: symbols[$0 + 1])] }
    while true {
      var best: (at: Int, merge: Merge)?
      for (i, merge) in known.enumerated() {
        if let merge, merge.rank < best?.merge.rank ?? .max { best = (i, merge) }
      }
      guard let (i, merge) = best else { return symbols }
      symbols[i] = merge.symbol
      symbols.remove(at: i + 1)
      known.remove(at: i)
      if i > 0 { known[i - 1] = merges[Pair(left: symbols[i - 1], right: merge.symbol)] }
      if i < known.count { known[i] = merges[Pair(left: merge.symbol, right: symbols[i + 1])] }
    }
  }
}

/// A pair of symbols and what they become, as numbers in a vocabulary.
struct SymbolMerge: Sendable {
  let left: Int, right: Int, merged: Int
}
