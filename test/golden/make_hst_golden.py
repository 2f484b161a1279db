"""Writes hst.json.gz: scores of River's own Half-Space Trees, and doubles of CPython's own generator.

    python -m venv /tmp/river && /tmp/river/bin/pip install river==0.26.1
    /tmp/river/bin/python make_hst_golden.py

Made with River 0.26.1 on CPython 3.11.7. The file holds no rows: both sides draw them from the same xorshift32, so that
only parameters and scores are stored. A row draws, feature by feature, u1, u2 and u3, each a 32-bit word over 2^32:

    value    shapes below, of u1, then low + (high - low) * value with the feature's limits
    NaN      where u2 < nan
    missing  where u3 < missing, in row 0 never for the feature `row0`

Scores are kept as the SHA-256 of all of them (little-endian doubles) and every tenth in hex of its bits; the trees as the
SHA-256 of their branches in pre-order, each a 16-bit place in `features` and its threshold, little-endian.
"""

import gzip
import hashlib
import json
import math
import pathlib
import random
import struct
import sys

import river
from river import anomaly
from xorshift import Xorshift32

EXPECTED = "0.26.1"
CASES = 240
KEPT_EVERY = 10
NAMES = ["power", "Load", "temperature", "_x", "\u00e9", "\U0001f600", "\uff5e", "a", "B", "10", "9", "a b"]
SHAPES = {
    "uniform": lambda u: u,
    "outside": lambda u: 2.0 * u - 0.5,
    "constant": lambda u: 0.25,
    "steps": lambda u: math.floor(u * 8.0) / 8.0,
    "low": lambda u: u * u * u,
}


def bits(value):
    return struct.pack(">d", value).hex()


def rows_of(case):
    source = Xorshift32(case["data_seed"])
    limits = case["limits"]
    for row in range(case["rows"]):
        x = {}
        for f, name in enumerate(case["features"]):
            u1, u2, u3 = source.draw(), source.draw(), source.draw()
            low, high = limits.get(name, (0.0, 1.0))
            value = low + (high - low) * SHAPES[case["shapes"][f]](u1)
            if u2 < case["nan"]:
                value = math.nan
            if not u3 < case["missing"] or (row == 0 and f == case["row0"]):
                x[name] = value
        yield x


def scores_of(case):
    model = anomaly.HalfSpaceTrees(
        n_trees=case["n_trees"],
        height=case["height"],
        window_size=case["window_size"],
        seed=case["seed"],
        limits={name: tuple(pair) for name, pair in case["limits"].items()},
    )
    scores = []
    for x in rows_of(case):
        if case["order"] == "score_then_learn":
            scores.append(float(model.score_one(x)))
            model.learn_one(x)
        else:
            model.learn_one(x)
            scores.append(float(model.score_one(x)))
    return scores, model.trees


def branches_of(case, trees):
    for tree in trees:
        for branch in tree.iter_branches():
            yield struct.pack("<Hd", case["features"].index(branch.feature), branch.threshold)


def draw_case(rng):
    features = rng.sample(NAMES, rng.randint(1, 6))
    n_trees, height = rng.randint(1, 30), rng.randint(1, 12)
    window = rng.choice([rng.randint(1, 10), rng.randint(11, 100), rng.randint(101, 500)])
    nodes = n_trees * 2 ** (height + 1)
    # River sweeps all nodes at each turn of the window: at most about 6 million nodes a case.
    turns = min(40, max(3, 6_000_000 // nodes))
    limits = {}
    for name in features:
        if rng.random() < 0.4:
            low = rng.choice([0.0, -5.5, 100.0, rng.uniform(-1e6, 1e6)])
            limits[name] = [low, low + rng.choice([1.0, 500.0, rng.uniform(1e-3, 1e5)])]
    return {
        "n_trees": n_trees,
        "height": height,
        "window_size": window,
        "seed": rng.choice([0, 1, 42, rng.getrandbits(31), rng.getrandbits(53)]),
        "features": features,
        "limits": limits,
        "shapes": [rng.choice(list(SHAPES)) for _ in features],
        "nan": rng.choice([0.0, 0.0, 0.02, 0.3]),
        "missing": rng.choice([0.0, 0.0, 0.05, 0.4, 0.9]),
        "row0": rng.randrange(len(features)),
        "order": rng.choice(["score_then_learn", "learn_then_score"]),
        "rows": min(1600, max(40, turns * window + rng.randint(0, window))),
        "data_seed": rng.randint(1, 2**32 - 1),
    }


def golden_scores():
    rng = random.Random(20261123)
    cases = []
    for number in range(CASES):
        case = draw_case(rng)
        scores, trees = scores_of(case)
        packed = b"".join(struct.pack("<d", score) for score in scores)
        case["sha256"] = hashlib.sha256(packed).hexdigest()
        case["branches"] = hashlib.sha256(b"".join(branches_of(case, trees))).hexdigest()
        case["every_tenth"] = "".join(bits(score) for score in scores[::KEPT_EVERY])
        cases.append(case)
        print(number, case["n_trees"], case["height"], case["window_size"], len(scores), file=sys.stderr)
    return cases


def golden_doubles():
    rng = random.Random(53)
    seeds = [0, 1, 2, 42, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**52, 2**53 - 1]
    seeds += [rng.getrandbits(rng.randint(1, 53)) for _ in range(20)]
    doubles = []
    for seed in seeds:
        source = random.Random(seed)
        drawn = [source.random() for _ in range(1000)]
        doubles.append({"seed": seed, "first": [bits(d) for d in drawn[:5]], "thousandth": bits(drawn[-1])})
    return doubles


def main():
    if river.__version__ != EXPECTED:
        sys.exit(f"expected River {EXPECTED}, got {river.__version__}")
    golden = {
        "river": river.__version__,
        "python": sys.version.split()[0],
        "cases": golden_scores(),
        "doubles": golden_doubles(),
    }
    text = json.dumps(golden, separators=(",", ":"))
    path = pathlib.Path(__file__).with_name("hst.json.gz")
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{path.name}: {path.stat().st_size} bytes, {len(golden['cases'])} cases")


main()
