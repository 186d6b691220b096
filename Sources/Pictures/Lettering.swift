/// Small print in a picture: capital letters, digits and a few signs, five pixels wide and seven high.
public enum Lettering {
  /// Pixels from one letter to the next, and of a line.
  public static let advance = 6, height = 7

  /// How wide `text` is in pixels.
  public static func width(of text: String, scale: Int = 1) -> Int {
    max(0, text.count * advance - 1) * scale
  }

  /// Seven rows of five bits each, the leftmost the highest.
  private static let glyphs: [Character: [UInt8]] = {
    // A row a line, each letter five columns and a gap.
    let drawings: [(String, [String])] = [
      (
        "ABCDEFGHI",
        [
          ".###. ####. .#### ####. ##### ##### .#### #...# .###.",
          "#...# #...# #.... #...# #.... #.... #.... #...# ..#..",
          "#...# #...# #.... #...# #.... #.... #.... #...# ..#..",
          "##### ####. #.... #...# ####. ####. #..## ##### ..#..",
          "#...# #...# #.... #...# #.... #.... #...# #...# ..#..",
          "#...# #...# #.... #...# #.... #.... #...# #...# ..#..",
          "#...# ####. .#### ####. ##### #.... .#### #...# .###.",
        ]
      ),
      (
        "JKLMNOPQR",
        [
          "..### #...# #.... #...# #...# .###. ####. .###. ####.",
          "...#. #..#. #.... ##.## ##..# #...# #...# #...# #...#",
          "...#. #.#.. #.... #.#.# #.#.# #...# #...# #...# #...#",
          "...#. ##... #.... #.#.# #.#.# #...# ####. #...# ####.",
          "...#. #.#.. #.... #...# #.#.# #...# #.... #.#.# #.#..",
          "#..#. #..#. #.... #...# #..## #...# #.... #..#. #..#.",
          ".##.. #...# ##### #...# #...# .###. #.... .##.# #...#",
        ]
      ),
      (
        "STUVWXYZ-",
        [
          ".#### ##### #...# #...# #...# #...# #...# ##### .....",
          "#.... ..#.. #...# #...# #...# #...# #...# ....# .....",
          "#.... ..#.. #...# #...# #...# .#.#. .#.#. ...#. .....",
          ".###. ..#.. #...# #...# #.#.# ..#.. ..#.. ..#.. #####",
          "....# ..#.. #...# #...# #.#.# .#.#. ..#.. .#... .....",
          "....# ..#.. #...# .#.#. ##.## #...# ..#.. #.... .....",
          "####. ..#.. .###. ..#.. #...# #...# ..#.. ##### .....",
        ]
      ),
      (
        "01234567",
        [
          ".###. ..#.. .###. .###. ...#. ##### .###. #####",
          "#...# .##.. #...# #...# ..##. #.... #.... ....#",
          "#..## ..#.. ....# ....# .#.#. ####. #.... ...#.",
          "#.#.# ..#.. ...#. ..##. #..#. ....# ####. ..#..",
          "##..# ..#.. ..#.. ....# ##### ....# #...# ..#..",
          "#...# ..#.. .#... #...# ...#. #...# #...# ..#..",
          ".###. .###. ##### .###. ...#. .###. .###. ..#..",
        ]
      ),
      (
        "89.+_/:",
        [
          ".###. .###. ..... ..... ..... ....# .....",
          "#...# #...# ..... ..#.. ..... ....# ..#..",
          "#...# #...# ..... ..#.. ..... ...#. .....",
          ".###. .#### ..... ##### ..... ..#.. .....",
          "#...# ....# ..... ..#.. ..... .#... .....",
          "#...# ....# .##.. ..#.. ..... #.... ..#..",
          ".###. .###. .##.. ..... ##### #.... .....",
        ]
      ),
    ]
    var glyphs: [Character: [UInt8]] = [:]
    for (letters, rows) in drawings {
      for (index, letter) in letters.enumerated() {
        glyphs[letter] = rows.map { row in
          row.dropFirst(index * 6).prefix(5).reduce(0) { $0 << 1 | ($1 == "#" ? 1 : 0) }
        }
      }
    }
    return glyphs
  }()

  /// A picture of `text` in black on white; signs that it does not know stay blank.
  public static func picture(_ text: String, scale: Int = 1, margin: Int = 2) -> Picture {
    var picture = Picture(
      width: max(1, width(of: text, scale: scale)) + 2 * margin, height: height * scale + 2 * margin,
      color: .white)
    let dot = Picture(width: scale, height: scale, color: RGB.black)
    for (index, letter) in text.uppercased().enumerated() {
      for (y, row) in (glyphs[letter] ?? []).enumerated() {
        for x in 0..<5 where row >> (4 - x) & 1 == 1 {
          picture.paste(dot, x: margin + (index * advance + x) * scale, y: margin + y * scale)
        }
      }
    }
    return picture
  }
}
