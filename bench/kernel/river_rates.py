"""River's side of bench/kernel.mjs: reads rows (float64, little-endian) from a file, answers each line on stdin.

usage: river_rates.py ROWS_FILE N_TREES HEIGHT WINDOW_SIZE SEED WARM_ROWS
Each line on stdin is a number of rows to score and learn next; each answer is a line of JSON: seconds and the scores' SHA-256.
"""
import array
import hashlib
import json
import sys
import time

from river.anomaly import HalfSpaceTrees

file, n_trees, height, window_size, seed, warm = sys.argv[1], *map(int, sys.argv[2:])
with open(file, "rb") as stream:
    values = array.array("d", stream.read())
model = HalfSpaceTrees(n_trees=n_trees, height=height, window_size=window_size, seed=seed)
for value in values[:warm]:
    model.score_one({"x": value})
    model.learn_one({"x": value})
at = warm
print("ready", flush=True)
for line in sys.stdin:
    count = int(line)
    rows = [{"x": value} for value in values[at : at + count]]
    scores = array.array("d", bytes(8 * count))
    started = time.perf_counter()
    for i, row in enumerate(rows):
        scores[i] = model.score_one(row)
        model.learn_one(row)
    seconds = time.perf_counter() - started
    at += count
    print(json.dumps({"seconds": seconds, "sha256": hashlib.sha256(scores.tobytes()).hexdigest()}), flush=True)
