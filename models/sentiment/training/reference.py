"""Writes what the reference tokenizer makes of the dev sentences (as hashes) and of odd strings (as token IDs).

    python reference.py --data <folder with dev.txt, test.txt> --out ../reference.json
"""

import argparse
import hashlib
import json
import random
from pathlib import Path

from tokenizers import Tokenizer

import sst

ODD = [
    "", " ", "\t\n\r", "a", "A", "ä", "a\u0308", "Ångström", "A\u030angstro\u0308m", "naïve café", "ﬁne ﬂow", "Ǆungla ǆ ǅ", "İstanbul", "ıı", "Straße STRASSE ẞ",
    "ΣΊΣΥΦΟΣ σίσυφος", "Ω Ω", "½ ² ³ ①", "x²+y²", "ｆｕｌｌ ｗｉｄｔｈ", "𝓶𝓪𝓽𝓱 𝟘𝟙", "中文测试", "日本語のテスト", "カタカナ ｶﾀｶﾅ", "한국어 시험", "한국어", "ไทย ทดสอบ", "हिन्दी परीक्षण",
    "עברית", "العربية", "русский текст", "Ελληνικά", "😀 great 👍🏽", "👩‍👩‍👧‍👦 family", "🇩🇪 flag", "❤️ vs ❤", "zero\u200bwidth", "zero\u200cjoin\u200der", "soft\u00adhyphen", "no\u00a0break",
    "thin\u2009space", "line\u2028sep", "para\u2029sep", "next\u0085line", "\ufeffbom", "null\u0000byte", "bell\u0007", "del\u007f", "\ufffd", "private \ue000 use", "tag \U000e0041", "\u0301lonely accent",
    "e\u0301\u0302\u0303 stacked", "don't can't won't", "it's it’s it`s", "“quotes” ‘single’ «guillemets»", "em—dash en–dash -- hyphen-ated", "ellipsis… dots...", "a/b\\c|d", "50% off $10 €20 £30", "C++ C# .NET", "e-mail@example.org",
    "https://example.org/?q=a&b=c#d", "#hashtag @user", "snake_case camelCase", "1,234.56", "3.14e-10", "[CLS] [SEP] [MASK] [PAD] [UNK]", "[cls]", "##ing ##s", "a" * 100, "a" * 101, "a" * 300, "ab " * 200, "supercalifragilisticexpialidocious", "!!!???", "¡Hola! ¿Qué tal?",
    "~`^", "©®™", "→←↔", "═══", "█▓▒", "¨´`", "ˈfəʊnɛtɪk", "Zalgo h̷e̶l̵l̴o̷", "Việt Nam", "Türkçe ğüşiöç", "Łódź", "œuvre Œuvre æ", "þorn ð", "ʻokina", "\u1e9e", "K kelvin", "ſ long s", "ŉ", "ǰ", "ΐ", "և", "ᾳ", "Ⴀ ა Ა", "ꭰ Ꭰ", "𐐀 𐐨", "\u0130\u0307",
    "\u180e mongolian", "\u2060 joiner", "\u061c mark", "\u00b7 middle", "・ katakana dot", "、。「」", "（）", "，", "؟", "।", "\u3000 ideographic", "𠀀 extension b", "\uf900 compat", "㐀", "\U0002f800", "〇", "㍿", "ｱ", "℃", "№", "Ⅷ ⅷ", "ⓐ Ⓐ", "\u0600 arabic sign", "\u110bd", "\U000110bd", "\u1680 ogham", "\u2000\u2001", "\u202f", "\u205f", "\u001c\u001d\u001e\u001f fs", "\u000b\u000c vt ff",
]
BLOCKS = [(0x20, 0x7E), (0xA0, 0x24F), (0x250, 0x36F), (0x370, 0x52F), (0x531, 0x6FF), (0x900, 0xDFF), (0xE00, 0x10FF), (0x1100, 0x1FFF), (0x2000, 0x2BFF), (0x2C00, 0x2FDF), (0x3000, 0x33FF), (0x4E00, 0x4FFF), (0xA000, 0xABFF), (0xAC00, 0xAFFF), (0xF900, 0xFFFD), (0x10000, 0x107FF), (0x1D400, 0x1D7FF), (0x1F300, 0x1FAFF)]


def fuzzed(count: int, seed: int) -> list[str]:
    """Strings of code points from one to three blocks, letters of the Latin alphabet between them."""
    rng, texts = random.Random(seed), []
    for _ in range(count):
        blocks = rng.sample(BLOCKS, rng.randint(1, 3)) + [BLOCKS[0]]
        texts.append("".join(chr(rng.randint(*rng.choice(blocks))) for _ in range(rng.randint(1, 24))))
    return texts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, default=Path(__file__).parent.parent / "tokenizer.json")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "reference.json")
    options = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(options.tokenizer))
    encode = lambda text: tokenizer.encode(text).ids
    splits = {}
    for split in ("dev", "test"):
        texts = [sst.treebank(tree[-1][1]) for tree in sst.trees(options.data, split)]
        lines = "".join(" ".join(map(str, encode(text))) + "\n" for text in texts)
        splits[split] = {"sentences": len(texts), "sha256": hashlib.sha256(lines.encode()).hexdigest()}
    strings = [[text, encode(text)] for text in ODD + fuzzed(400, 11)]
    lines = ",\n".join(json.dumps(entry, ensure_ascii=True, separators=(",", ":")) for entry in strings)
    options.out.write_text(f'{{"splits":{json.dumps(splits)},\n"strings":[\n{lines}\n]}}\n')
    print(splits, len(strings))


if __name__ == "__main__":
    main()
