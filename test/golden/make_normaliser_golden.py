"""Writes normaliser.json.gz: River's MinMaxScaler (each row learned, then transformed) and pandas' min-max of a column.

    python -m venv /tmp/river && /tmp/river/bin/pip install river==0.26.1 pandas==3.1.1
    /tmp/river/bin/python make_normaliser_golden.py

Made with River 0.26.1 and pandas 3.1.1 on CPython 3.11.7. Doubles are the hex of their bits; a missing value is a NaN
that River does not see (the key is left out) and that pandas skips.
"""

import gzip
import json
import math
import pathlib
import random
import struct

import pandas as pd
import river
from river import preprocessing


def bits(value):
    return "nan" if math.isnan(value) else struct.pack(">d", value).hex()


def draw_value(rng, kind):
    if kind == "constant":
        return 7.1
    if kind == "huge":
        return rng.uniform(-1e300, 1e300)
    if kind == "tiny":
        return rng.uniform(0, 1e-310)
    if kind == "integers":
        return float(rng.randint(-50, 500))
    return rng.gauss(200, 35)


def draw_column(rng, rows):
    kind = rng.choice(["constant", "huge", "tiny", "integers", "plain", "plain"])
    gaps = rng.choice([0.0, 0.0, 0.1, 0.6])
    return [math.nan if rng.random() < gaps else draw_value(rng, kind) for _ in range(rows)]


def running(columns):
    scaler = preprocessing.MinMaxScaler()
    out = []
    for row in zip(*columns):
        x = {f: value for f, value in enumerate(row) if not math.isnan(value)}
        scaler.learn_one(x)
        scaled = scaler.transform_one(x)
        out.append([scaled.get(f, math.nan) for f in range(len(row))])
    return out


def batch(columns):
    frame = pd.DataFrame(dict(enumerate(columns)))
    return ((frame - frame.min()) / (frame.max() - frame.min())).to_numpy().tolist()


def text(rows):
    return [bits(value) for row in rows for value in row]


def main():
    rng = random.Random(7)
    cases = []
    for _ in range(60):
        rows = rng.randint(1, 80)
        columns = [draw_column(rng, rows) for _ in range(rng.randint(1, 4))]
        raw = [list(row) for row in zip(*columns)]
        cases.append(
            {
                "features": len(columns),
                "raw": text(raw),
                "running": text(running(columns)),
                "batch": text(batch(columns)),
            }
        )
    golden = {"river": river.__version__, "pandas": pd.__version__, "cases": cases}
    path = pathlib.Path(__file__).with_name("normaliser.json.gz")
    path.write_bytes(gzip.compress(json.dumps(golden, separators=(",", ":")).encode(), 9, mtime=0))
    print(f"{path.name}: {path.stat().st_size} bytes, {len(cases)} cases")


main()
