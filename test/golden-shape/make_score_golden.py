"""Makes scores.json.gz: awkward CSV files and what the original pipeline makes of them.

usage: python make_score_golden.py      (needs what original_scores.py needs)
"""
import gzip
import io
import json
import pathlib
import sys
import warnings
from importlib.metadata import version

from awkward_csv import awkward_csv
from original_scores import original_scores

FIRST_SEED, CASES = 1, 24

warnings.filterwarnings("ignore")
cases = []
for seed in range(FIRST_SEED, FIRST_SEED + CASES):
    text, out = awkward_csv(seed), io.StringIO()
    original_scores(io.StringIO(text.removeprefix("\ufeff")), out)
    cases.append({"seed": seed, "csv": text, "scores": out.getvalue()})
made_by = {name: version(name) for name in ("river", "pandas", "numpy", "python-slugify", "text-unidecode")}
document = json.dumps({"made_by": made_by, "cases": cases}, separators=(",", ":")).encode()
target = pathlib.Path(__file__).with_name("scores.json.gz")
target.write_bytes(gzip.compress(document, 9, mtime=0))
print(f"{len(cases)} cases, {target.stat().st_size} bytes", file=sys.stderr)
