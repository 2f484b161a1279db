"""Makes numbers.json: doubles as C's %.17g and as Python's str write them, by their bits.

usage: python make_numbers.py > numbers.json      (npm run format lays it out)
"""
import json
import random
import struct
import sys

rng = random.Random(3)
AWKWARD = [0.0, -0.0, 1.0, -1.5, 0.1, 1e16, 1e17, 123456789012345678.0, 1e-4, 9.999e-5, 1e22, 1e23, 5e-324, 1.7976931348623157e308, 2.0**-17, 2.0**-18]
# 18 significant digits that end in 5: halves, which C rounds to even
HALVES = [(2 * rng.randrange(10**16, 2**54) + 1) / 4 for _ in range(40)] + [rng.randrange(2**51, 2**52) / 8 for _ in range(40)]
RANDOM = [struct.unpack("<d", rng.randbytes(8))[0] for _ in range(400)] + [rng.random() for _ in range(200)]
doubles = [x for x in AWKWARD + HALVES + RANDOM if x == x and abs(x) != float("inf")]
rows = [[struct.pack(">d", x).hex(), f"{x:.17g}", str(x)] for x in doubles]
json.dump(rows, sys.stdout, separators=(",", ":"))
