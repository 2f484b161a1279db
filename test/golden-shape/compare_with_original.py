"""Compares `halfspace score --pipeline mage-demo` with the original pipeline on fresh awkward files; not part of the tests.

usage: npm run build && python test/golden-shape/compare_with_original.py [--first 1000] [--count 100] [--original script.py] [data.csv ...]
       (needs what original_scores.py needs; another `script.py data.csv out.csv` may stand in for it; named files are compared instead
       of random ones)
"""
import argparse
import filecmp
import pathlib
import subprocess
import sys
import tempfile

from awkward_csv import awkward_csv

here = pathlib.Path(__file__).parent
arguments = argparse.ArgumentParser()
arguments.add_argument("--first", type=int, default=1000)
arguments.add_argument("--count", type=int, default=100)
arguments.add_argument("--original", default=here / "original_scores.py")
arguments.add_argument("files", nargs="*")
given = arguments.parse_args()

wrong = compared = 0
with tempfile.TemporaryDirectory() as folder:
    data, theirs, ours = (pathlib.Path(folder) / name for name in ("data.csv", "theirs.csv", "ours.csv"))
    for case in given.files or range(given.first, given.first + given.count):
        if given.files:
            data = pathlib.Path(case)
        else:
            data.write_bytes(awkward_csv(case).encode())
        original = subprocess.run([sys.executable, given.original, data, theirs], capture_output=True, text=True)
        if original.returncode != 0:
            print(f"{case}: the original fails: {original.stderr.strip().splitlines()[-1]}")
            continue
        command = ["node", here.parent.parent / "bin/halfspace.js", "score", data, "--pipeline", "mage-demo", "--out", ours]
        scored = subprocess.run(command, capture_output=True, text=True)
        compared += 1
        if scored.returncode != 0 or not filecmp.cmp(theirs, ours, shallow=False):
            wrong += 1
            print(f"{case}: differs {scored.stderr.strip()}")
print(f"{compared} files compared, {wrong} differ")
sys.exit(1 if wrong or not compared else 0)
