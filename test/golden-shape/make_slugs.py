"""Makes slugs.json: names and what python-slugify makes of them.

usage: python make_slugs.py > slugs.json; npm run format      (pip install python-slugify text-unidecode; without Unidecode, which it would prefer)

`points`: every code point of the covered blocks, alone and between two letters; runs of code points with the same two
slugs are written once. `names`: a table of awkward names and random ones from those blocks.
"""
import json
import random
import sys
from importlib.metadata import version

from slugify import slugify

BLOCKS = [(0x20, 0x52F), (0x1AB0, 0x1AFF), (0x1D00, 0x27BF)]
AWKWARD = [
    "Böge GmbH & Co", "a_b c", "A/B", "O'Brien", "O’Brien", "dots.and.more", "50% off", "$money", "naïve–dash—em", "Иванов",
    "ΑΒΓ", "Łódź", "Größe™", "", "---", "1,000", "1,000,000.5", "1, 000", "a,1,b", "1‚000", "&amp;", "a&amp;b", "&#381;", "&#x17D;",
    "&#X17D;", "x&eacute;y", "&szlig;", "&nosuch;", "&amp", "&#38;#65;", "&amp;#65;", "&#1114112;&#65;", "&#x110000;&#x41;",
    "a&#39;b", "&frac12;", "tip & top", "''", "'a'b'", "--a--", "  a  ", "A\tB\nC", "ñandú", "Đặng Thị", "ŠKODA", "Ærø", "þing", "№ 5",
    "½ inch", "x²", "ﬁne", "①②", "Ⅷ", "ｆｕｌｌ", "¿qué?", "подъезд", "Щука", "ἀρχή", "ῥόδος", "C++", "C#", "a|b", "a\\b", "\"q\"", "Ünïcödé",
]


def random_names(count, seed):
    rng = random.Random(seed)
    pools = [
        [chr(c) for c in range(0x20, 0x7F)],
        [chr(c) for c in range(0xA0, 0x250)],
        [chr(c) for c in range(0x370, 0x400)],
        [chr(c) for c in range(0x400, 0x530)],
        [chr(c) for c in range(0x1E00, 0x2000)],
        [chr(c) for c in range(0x2000, 0x2300)],
        ["&amp;", "&#65;", "&#x3b1;", "&eacute;", ",", "1", "'", "’", " ", "-", "\u0301"],
    ]
    for _ in range(count):
        chosen = rng.sample(pools, rng.randint(1, 3)) + [pools[0]]
        yield "".join(rng.choice(rng.choice(chosen)) for _ in range(rng.randint(1, 12)))


points = []
for first, last in BLOCKS:
    for code in range(first, last + 1):
        alone, between = slugify(chr(code)), slugify(f"x{chr(code)}1")
        if points and points[-1][1] == code - 1 and points[-1][2:] == [alone, between]:
            points[-1][1] = code
        else:
            points.append([code, code, alone, between])
names = AWKWARD + list(random_names(3000, 20))
json.dump(
    {
        "made_by": f"python-slugify {version('python-slugify')}, text-unidecode {version('text-unidecode')}",
        "points": points,
        "names": [[name, slugify(name)] for name in names],
    },
    sys.stdout,
    ensure_ascii=True,
    separators=(",", ":"),
)
