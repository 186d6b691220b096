"""The bitmaps of a colour font's CBDT table, each with its Unicode name as a caption: a folder to train on.

    python3 scripts/emoji.py <font.ttf> <emoji-test.txt> <folder>

Emoji that differ from another in the tone of skin alone are left out. A sequence's glyph is found by the font's ligatures.
"""
import json
import pathlib
import re
import sys

from fontTools.ttLib import TTFont

TONES = range(0x1F3FB, 0x1F400)
VARIATION = 0xFE0F


def ligatures(font):
    """Of each first glyph the rests that follow it, longest first, and what they become."""
    found = {}
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for table in lookup.SubTable:
            table = getattr(table, "ExtSubTable", table)
            for first, sets in getattr(table, "ligatures", {}).items():
                found.setdefault(first, []).extend((tuple(s.Component), s.LigGlyph) for s in sets)
    return {first: sorted(rests, key=lambda rest: -len(rest[0])) for first, rests in found.items()}


def shaped(glyphs, rules):
    """One glyph for a sequence, or None."""
    if len(glyphs) == 1:
        return glyphs[0]
    for rest, ligature in rules.get(glyphs[0], []):
        if tuple(glyphs[1:1 + len(rest)]) == rest:
            return shaped([ligature] + glyphs[1 + len(rest):], rules)
    return None


def main():
    font_file, names, folder = sys.argv[1:4]
    font = TTFont(font_file)
    characters, rules = font.getBestCmap(), ligatures(font)
    bitmaps = {glyph: data for strike in font["CBDT"].strikeData for glyph, data in strike.items()}
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    lines, missing = [], 0
    pattern = re.compile(r"([0-9A-F ]+?)\s*; fully-qualified\s+# \S+ E[0-9.]+ (.+)")
    for line in open(names, encoding="utf-8"):
        match = pattern.match(line)
        codes = [int(code, 16) for code in match[1].split()] if match else []
        if not codes or any(code in TONES for code in codes):
            continue
        glyphs = [characters.get(code) for code in codes if code != VARIATION]
        glyph = None if None in glyphs else shaped(glyphs, rules)
        if glyph not in bitmaps:
            missing += 1
            continue
        name = "-".join(f"{code:x}" for code in codes) + ".png"
        (folder / name).write_bytes(bitmaps[glyph].imageData)
        lines.append(json.dumps({"file_name": name, "text": match[2]}, ensure_ascii=False))
    (folder / "metadata.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{folder}: {len(lines)} pictures; the font has none of {missing} others")


if __name__ == "__main__":
    main()
