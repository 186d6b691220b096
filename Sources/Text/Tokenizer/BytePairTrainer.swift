/// Learns the merges of a CLIP tokenizer from captions (Sennrich et al. 2016): the pair of neighbouring symbols that is
/// met most often becomes a symbol of its own, again and again.
///
/// The same captions give the same tokenizer: of pairs met equally often, the one of the smaller numbers is merged.
public struct BytePairTrainer {
  /// How often a pair must be met to be merged; one met once would learn a single caption by heart.
  static let leastCount = 2

  private var symbols: [String] = []
  private var numbers: [String: Int] = [:]
  private var merges: [(left: Int, right: Int)] = []
  /// The different words as symbols, and how often each is met.
  private var words: [[Int]] = []
  private var counts: [Int] = []
  private var pairs: [Pair: Occurrences] = [:]

  private struct Pair: Hashable, Comparable {
    let left: Int, right: Int
    static func < (a: Pair, b: Pair) -> Bool { (a.left, a.right) < (b.left, b.right) }
  }

  private struct Occurrences {
    var count = 0
    /// Words that may hold the pair; one that lost it stays in.
    var words: Set<Int> = []
  }

  /// - Parameters:
  ///   - captions: cleaned and cut into words as the tokenizer will.
  ///   - vocabularySize: at most so many tokens, with the 512 of the bytes and the two marks; fewer where the captions
  ///     have no more pairs that are met twice.
  /// - Precondition: `vocabularySize` is at least 514.
  public static func train(_ captions: some Sequence<String>, vocabularySize: Int) -> TrainedTokenizer {
    precondition(vocabularySize >= 514)
    var trainer = BytePairTrainer()
    trainer.prepare(captions)
    while trainer.symbols.count < vocabularySize - 2, let pair = trainer.mostFrequent() {
      trainer.merge(pair)
    }
    let texts = trainer.symbols
    return TrainedTokenizer(symbols: texts, merges: trainer.merges.map { (texts[$0.left], texts[$0.right]) })
  }

  private mutating func prepare(_ captions: some Sequence<String>) {
    let letters = ByteAlphabet.vocabularyOrder.map { String(ByteAlphabet.letters[Int($0)]) }
    for symbol in letters + letters.map({ $0 + BytePairEncoding.endOfWord }) { _ = number(of: symbol) }
    var met: [[UInt8]: Int] = [:]
    for caption in captions {
      for word in TextCleaning.words(TextCleaning.cleaned(caption)[...]) {
        met[word.flatMap { Array(UTF8.encode($0)!) }, default: 0] += 1
      }
    }
    for (bytes, count) in met {
      var texts = bytes.map { String(ByteAlphabet.letters[Int($0)]) }
      texts[texts.count - 1] += BytePairEncoding.endOfWord
      words.append(texts.map { numbers[$0]! })
      counts.append(count)
      add(words.count - 1, sign: 1)
    }
  }

  private mutating func number(of symbol: String) -> Int {
    if let known = numbers[symbol] { return known }
    symbols.append(symbol)
    numbers[symbol] = symbols.count - 1
    return symbols.count - 1
  }

  private mutating func add(_ word: Int, sign: Int) {
    for pair in zip(words[word], words[word].dropFirst()) {
      pairs[Pair(left: pair.0, right: pair.1), default: Occurrences()].count += sign * counts[word]
      if sign > 0 { pairs[Pair(left: pair.0, right: pair.1)]!.words.insert(word) }
    }
  }

  private func mostFrequent() -> Pair? {
    let best = pairs.max { a, b in
      a.value.count != b.value.count ? a.value.count < b.value.count : a.key > b.key
    }
    return best.flatMap { $0.value.count >= Self.leastCount ? $0.key : nil }
  }

  private mutating func merge(_ pair: Pair) {
    // Two ways may lead to one text, which then keeps its first number.
    let merged = number(of: symbols[pair.left] + symbols[pair.right])
    merges.append((pair.left, pair.right))
    for word in pairs[pair]!.words {
      add(word, sign: -1)
      var result: [Int] = []
      var i = 0
      while i < words[word].count {
        let isPair =
          i + 1 < words[word].count && words[word][i] == pair.left && words[word][i + 1] == pair.right
        result.append(isPair ? merged : words[word][i])
        i += isPair ? 2 : 1
      }
      words[word] = result
      add(word, sign: 1)
    }
    pairs[pair] = nil
  }
}
