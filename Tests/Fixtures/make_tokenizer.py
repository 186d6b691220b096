"""Writes Tests/Fixtures/tokenizer: strings and what transformers' CLIPTokenizer makes of them.

`clip` holds that part of CLIP's own vocabulary, under its own numbers, that 5,000 strings need: a merge that none of them
applies changes nothing for any of them. `small` holds a tokenizer of 300 merges as transformers 5 saves it, tokenizer.json
alone, with SDXL's padding and added tokens of every kind. `trained` holds what the textbook's loop learns from
`captions.txt` (of pairs met equally often the one of the smaller numbers), and what CLIPTokenizer makes of it. Each `strings.txt` has lines of numbers, a tab, and the string in
JSON's form; its first line names the program that made them.

    pip install transformers open_clip_torch
    python Tests/Fixtures/make_tokenizer.py
"""
import collections
import gzip
import importlib.util
import json
import pathlib
import random
import tempfile
import unicodedata

import tokenizers
import transformers
from tokenizers import AddedToken
from transformers import CLIPTokenizer

HERE = pathlib.Path(__file__).parent / "tokenizer"
PROGRAM = f"transformers {transformers.__version__}, tokenizers {tokenizers.__version__}"


def byte_letters():
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    return {b: chr(b) for b in printable} | {b: chr(256 + i) for i, b in enumerate(others)}


def clip_merges():
    folder = pathlib.Path(importlib.util.find_spec("open_clip").origin).parent
    lines = gzip.decompress((folder / "bpe_simple_vocab_16e6.txt.gz").read_bytes()).decode().split("\n")
    return [tuple(line.split()) for line in lines[1 : 49152 - 256 - 2 + 1]]


def vocabulary(merges):
    letters = list(byte_letters().values())
    symbols = letters + [c + "</w>" for c in letters] + ["".join(m) for m in merges]
    return symbols + ["<|startoftext|>", "<|endoftext|>"]


def ranges(*pairs):
    return [chr(c) for a, b in pairs for c in range(a, b + 1) if unicodedata.category(chr(c)) != "Cn"]


SCRIPTS = {
    "ascii": ranges((0x20, 0x7E)),
    "latin": ranges((0xA0, 0x24F), (0x1E00, 0x1EFF)),
    # Up to those of Unicode 9, whose tables tokenizers' NFC has: U+1ABF and later ones it does not sort.
    "marks": ranges((0x300, 0x36F), (0x1AB0, 0x1ABE), (0x20D0, 0x20F0)),
    "greek": ranges((0x370, 0x3FF), (0x1F00, 0x1FFF)),
    "cyrillic": ranges((0x400, 0x52F)),
    "caucasian": ranges((0x531, 0x58A), (0x10A0, 0x10FF), (0x1C90, 0x1CBF), (0x13A0, 0x13FD), (0xAB70, 0xABBF)),
    "semitic": ranges((0x591, 0x5F4), (0x600, 0x6FF)),
    "indic": ranges((0x900, 0x97F), (0xB80, 0xBFF), (0xE00, 0xE5B)),
    "hangul": ranges((0xAC00, 0xAC40), (0x1100, 0x1112), (0x1161, 0x1175), (0x11A8, 0x11C2)),
    "cjk": ranges((0x3000, 0x30FF), (0x4E00, 0x4E40), (0xFF01, 0xFF5E), (0x20000, 0x20010), (0xF900, 0xF910)),
    "symbols": ranges((0x2000, 0x206F), (0x2070, 0x209C), (0x2100, 0x218B), (0x2190, 0x21FF), (0x2460, 0x24FF)),
    "emoji": ranges((0x1F300, 0x1F64F), (0x1F680, 0x1F6C5), (0x1F1E6, 0x1F1FF), (0x1F3FB, 0x1F3FF)) + ["\u200d", "\ufe0f"],
    "astral": ranges((0x10400, 0x1044F), (0x1D400, 0x1D420), (0x1D7CE, 0x1D7FF), (0x1E900, 0x1E943), (0x10CFFF, 0x10D00A)),
    "control": [chr(c) for c in [*range(0, 0x20), *range(0x7F, 0xA0), 0xAD, 0x200B, 0x2060, 0xFEFF, 0xFFFD, 0xE000, 0xFFFF]],
    "spaces": list(" \t\n\v\f\r\x1c\x1d\x85\xa0\u1680\u180e\u2000\u2003\u2028\u2029\u202f\u205f\u3000\u200b"),
    "punctuation": list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~¡§«·»¿–—‘’“”…†‡•‰′″‹›"),
}
FIXED = [
    "", " ", "a photo of a cat", "A Photo Of A CAT", "it's they're we've I'm she'll he'd don't IT'S 'S 's's ''s !'s",
    "<|startoftext|>", "a<|endoftext|>b", "<|ENDOFTEXT|> <|STARTOFTEXT|>!!", "<|startoftext|><|endoftext|>",
    "<|endoftext|", "<| endoftext |>", "ΟΔΥΣΣΕΥΣ Σ ΑΣ ας", "Iİıi İSTANBUL ISPARTA diyarbakır", "ẞ ß Straße STRASSE ŉ ǰ ΐ",
    "ǅ ǈ ǋ ǲ", "ᾼ ῌ ῼ ᾈ", "é e\u0301 e\u0301\u0327 e\u0327\u0301 \u0301e", "\u212b \u2126 \u212a", "ﬁ ﬂ ﬀ ﬄ",
    "각 \u1100\u1161\u11a8", "1234567890 ½ ⅷ ² ٣ १२ 四 ㊷", "3.14159 1,000,000 2x4 mp3 4k 1girl", "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪",
    "hello😀world", ":-) ;) ^_^ \\o/ <3", "!!!!!!!!!!!!!!!!", "?!?!?!..........", "a" * 300, "ha" * 200, "_under_score_",
    "(masterpiece:1.2), [best] {quality}, <lora:x:1>", "C++ c# f(x)=y", "tab\there\nnewline\r\nCR\x00NUL", "\ufeffbom",
    "a\u200bb\u200db", "x\u00a0y\u3000z", "日本語のテキスト", "привет мир ПРИВЕТ", "שלום עולם", "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดี",
]


def strings(words, count, seed):
    rng = random.Random(seed)
    result, seen = [], set()

    def word():
        w = rng.choice(words)
        return rng.choice([w, w, w, w.upper(), w.capitalize(), w + rng.choice(words)])

    def caption():
        parts = [word() for _ in range(rng.randint(1, 6))]
        return "".join(p + rng.choice([" ", " ", " ", " ", ", ", ". ", "! ", "'s ", "-", "  ", "'"]) for p in parts)

    def run(script):
        return "".join(rng.choices(SCRIPTS[script], k=rng.randint(1, 7)))

    def one():
        kind = rng.random()
        if kind < 0.4:
            return caption()
        if kind < 0.7:
            script = rng.choice(list(SCRIPTS))
            return rng.choice([" ", ""]).join(run(script) for _ in range(rng.randint(1, 2)))
        if kind < 0.8:
            return caption() + run(rng.choice(list(SCRIPTS)))
        if kind < 0.95:
            return "".join(run(rng.choice(list(SCRIPTS))) for _ in range(rng.randint(2, 3)))
        return "".join(rng.choice([*"sStTmM'’!<|> 1", "<|startoftext|>", "<|endoftext|>", "<|EndOfText|>", "re", "VE", "ll"])
                       for _ in range(rng.randint(2, 10)))

    for s in FIXED:
        seen.add(s)
        result.append(s)
    while len(result) < count:
        s = one()
        if s not in seen:
            seen.add(s)
            result.append(s)
    return result


def applied(merges, tokenizer, texts):
    """Which merges any of the texts applies: those of their words, repeated by the textbook's loop."""
    ranks = {m: i for i, m in enumerate(merges)}
    used = set()
    backend = tokenizer.backend_tokenizer
    clean = [backend.normalizer.normalize_str(part) for t in texts for part in t.split("<|endoftext|>")]
    parts = [part for c in clean for part in c.split("<|startoftext|>")]
    words = {w for part in parts for w, _ in backend.pre_tokenizer.pre_tokenize_str(part)}
    for w in words:
        symbols = [*w[:-1], w[-1] + "</w>"]
        while True:
            pairs = [(ranks[p], i) for i, p in enumerate(zip(symbols, symbols[1:])) if p in ranks]
            if not pairs:
                break
            rank, i = min(pairs)
            used.add(rank)
            symbols[i : i + 2] = ["".join(symbols[i : i + 2])]
    return [merges[r] for r in sorted(used)]


def save_plain(folder, numbers, merges, pad="<|endoftext|>"):
    folder.mkdir(parents=True, exist_ok=True)
    folder.joinpath("vocab.json").write_text(json.dumps(numbers, ensure_ascii=False, separators=(",", ":")), "utf-8")
    folder.joinpath("merges.txt").write_text(
        "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges), "utf-8")
    mark = lambda text: {"__type": "AddedToken", "content": text, "lstrip": False, "normalized": True, "rstrip": False,
                         "single_word": False}
    # As in Stable Diffusion 1.5.
    folder.joinpath("tokenizer_config.json").write_text(json.dumps({
        "bos_token": mark("<|startoftext|>"), "do_lower_case": True, "eos_token": mark("<|endoftext|>"),
        "model_max_length": 77, "pad_token": pad, "tokenizer_class": "CLIPTokenizer",
        "unk_token": mark("<|endoftext|>")}, indent=2), "utf-8")


def train(captions, tokenizer, size):
    """Sennrich et al.'s loop, as slow as it is plain."""
    backend = tokenizer.backend_tokenizer
    counts = collections.Counter(
        w for c in captions for w, _ in backend.pre_tokenizer.pre_tokenize_str(backend.normalizer.normalize_str(c)))
    words = {w: [*w[:-1], w[-1] + "</w>"] for w in counts}
    symbols, merges = vocabulary([])[:-2], []
    while len(symbols) < size - 2:
        numbers = {s: i for i, s in enumerate(symbols)}
        pairs = collections.Counter()
        for w, parts in words.items():
            for pair in zip(parts, parts[1:]):
                pairs[pair] += counts[w]
        if not pairs or max(pairs.values()) < 2:
            break
        best = min(pairs, key=lambda p: (-pairs[p], numbers[p[0]], numbers[p[1]]))
        merges.append(best)
        if "".join(best) not in numbers:
            symbols.append("".join(best))
        for parts in words.values():
            i = 0
            while i + 1 < len(parts):
                if (parts[i], parts[i + 1]) == best:
                    parts[i : i + 2] = ["".join(best)]
                i += 1
    return symbols + ["<|startoftext|>", "<|endoftext|>"], merges


def save_strings(folder, tokenizer, texts):
    lines = [PROGRAM]
    for text in texts:
        ids = tokenizer(text).input_ids
        lines.append(" ".join(map(str, ids)) + "\t" + json.dumps(text, ensure_ascii=True))
    folder.joinpath("strings.txt").write_text("\n".join(lines) + "\n", "utf-8")


def main():
    merges = clip_merges()
    symbols = vocabulary(merges)
    numbers = {s: i for i, s in enumerate(symbols)}
    letters = byte_letters()
    english = [s[:-4] for s in symbols[512:] if s.endswith("</w>")]
    english = [w for w in english if w.isascii() and w.isalpha()]
    with tempfile.TemporaryDirectory() as whole:
        save_plain(pathlib.Path(whole), numbers, merges)
        full = CLIPTokenizer.from_pretrained(whole)
    texts = strings(random.Random(0).sample(english, 1500), 5000, seed=1)
    kept = applied(merges, full, texts)
    keep = set(symbols[:512]) | {"".join(m) for m in kept} | set(symbols[-2:])
    save_plain(HERE / "clip", {s: n for s, n in numbers.items() if s in keep}, kept)
    part = CLIPTokenizer.from_pretrained(HERE / "clip")
    assert all(part(t).input_ids == full(t).input_ids for t in texts)
    save_strings(HERE / "clip", full, texts)

    # Bytes from 0xF0 on are left out, so that there is something unknown.
    unknown = {letters[b] for b in range(0xF0, 0x100)}
    small = [m for m in merges[:300] if not unknown & set("".join(m))]
    names = [s for s in vocabulary(small) if s.removesuffix("</w>") not in unknown]
    with tempfile.TemporaryDirectory() as plain:
        save_plain(pathlib.Path(plain), {s: i for i, s in enumerate(names)}, small, pad="!")
        tokenizer = CLIPTokenizer.from_pretrained(plain)
    tokenizer.add_tokens([AddedToken("<Cat-Toy>", normalized=True), AddedToken("Raw", normalized=False),
                          AddedToken("<cat", normalized=False), AddedToken("solo", single_word=True, normalized=True),
                          AddedToken("é", normalized=True)])
    folder = HERE / "small"
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder)
    config = json.loads(folder.joinpath("tokenizer_config.json").read_text())
    for key in ["is_local", "local_files_only"]:
        config.pop(key, None)
    folder.joinpath("tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    # Indentation makes most of the file.
    text = json.loads(folder.joinpath("tokenizer.json").read_text("utf-8"))
    folder.joinpath("tokenizer.json").write_text(json.dumps(text, ensure_ascii=False, separators=(",", ":")), "utf-8")
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    extra = ["a <cat-toy> <CAT-TOY> <cat-toy", "Raw raw RAW xRawx", "solo SOLO solos so-lo 1solo _solo solo! ésolo", "e\u0301 É é",
             "hello! !! ! 🐱 unknown 😀", "<|endoftext|><cat<cat-toy>"]
    save_strings(folder, tokenizer, extra + strings(english[:2000], 400, seed=2))

    rng = random.Random(3)
    things = ["star", "circle", "square", "triangle", "banana", "Mississippi", "ananas", "étoile", "Стол", "星", "it's"]
    colours = ["red", "green", "blue", "yellow", "dark red", "light-blue", "#ff0000"]
    captions = [f"a {rng.choice(colours)} {rng.choice(things)} on a {rng.choice(colours)} background, no. {rng.randint(1, 40)}"
                for _ in range(120)]
    (HERE / "trained").mkdir(exist_ok=True)
    (HERE / "trained" / "captions.txt").write_text("\n".join(captions) + "\n", "utf-8")
    symbols, merges = train(captions, full, 600)
    save_plain(HERE / "trained", {s: i for i, s in enumerate(symbols)}, merges)
    save_strings(HERE / "trained", CLIPTokenizer.from_pretrained(HERE / "trained"),
                 captions[:20] + ["a purple banana", "ANANAS stars", "redgreenblue 星星", ""])


if __name__ == "__main__":
    main()
