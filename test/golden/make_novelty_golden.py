"""Writes novelty.json.gz: events that a plain second implementation of the novelty detector finds in made-up series.

    python make_novelty_golden.py

Written for clarity, list by list and without any of the detector's shortcuts; made with CPython 3.11.7. The file holds no
rows: both sides draw them from the same xorshift32, two words over 2^32 a row (u and v), and only their shape is named:

    noise    u + v
    heavy    1 / (u + 1/64), every hundredth row times ten
    steps    floor(8 u), plus 20 after two thirds of the rows
    days     96 rows a day: distance from noon in hours, doubled on working days, plus u; one flat day
    still    3 for ever, but for each 500th row

An event is a row's place and strength where that is above 1/4. Strengths are doubles; asinh may differ in its last bit.
"""

import bisect
import gzip
import json
import math
import pathlib

from xorshift import Xorshift32

START = 1_767_225_600  # 2026-01-01T00:00:00Z, a Thursday
STEP = 900
KEPT = 1 / 4
CASES = [
    {"shape": shape, "rows": rows, "data_seed": 11 + i, "eps": eps, "pattern": pattern, "timed": timed}
    for i, (shape, rows, eps, pattern, timed) in enumerate(
        [
            ("noise", 3000, 1 / 1024, False, True),
            ("noise", 2000, 1 / 1024, True, True),
            ("noise", 3000, 1 / 16, False, False),
            ("heavy", 6000, 1 / 1024, False, True),
            ("heavy", 2000, 1 / 64, True, True),
            ("steps", 3000, 1 / 1024, False, False),
            ("steps", 2000, 1 / 1024, True, True),
            ("days", 3000, 1 / 1024, False, True),
            ("days", 2500, 1 / 1024, True, True),
            ("still", 2000, 1 / 1024, True, True),
        ]
    )
]


def value_of(shape, row, rows, u, v):
    if shape == "noise":
        return u + v
    if shape == "heavy":
        return (10 if row % 100 == 99 else 1) / (u + 1 / 64)
    if shape == "steps":
        return math.floor(8 * u) + (20 if 3 * row >= 2 * rows else 0)
    if shape == "days":
        day = row // 96
        if day == 20:
            return 1.0
        working = (day + 3) % 7 < 5
        return abs((row % 96) / 4 - 12) * (2 if working else 1) + u
    return 4 + u if row % 500 == 499 else 3.0


class Memory:
    def __init__(self, c, eps):
        self.c, self.eps = c, eps
        self.stored = []
        self.n = 0
        self.mean = self.var = self.dev = 0.0

    def take(self, v):
        novelty = self.novelty(v)
        self.insert(v)
        off = v - self.mean
        weight = 1 / (self.n + 1)
        self.mean += weight * off
        self.var += weight * (off * (v - self.mean) - self.var)
        self.dev += weight * (abs(off) - self.dev)
        self.n += 1
        return novelty

    def nearest_other(self, q):
        i = self.stored.index(q)
        return min((s for s in self.stored[max(0, i - 1) : i + 2] if s != q), key=lambda s: (abs(s - q), s))

    def novelty(self, v):
        s = self.stored
        if self.n <= 50 or len(s) < 2:
            return 0.0
        a = bisect.bisect_left(s, v)
        around = s[max(0, a - 1) : a + 1]
        q = min(around, key=lambda q: (abs(v - q), q))
        d = abs(v - q)
        if d == 0:
            return 0.0
        scale = math.sqrt((s[-1] - s[0]) * math.sqrt(self.var))
        line = min(d / (self.c * scale + abs(q - self.nearest_other(q))), 8) if scale > 0 else 0
        bent = 0
        if self.dev > 0:
            f = lambda y: math.asinh((y - self.mean) / (3 * self.dev))
            q = min(around, key=lambda q: (abs(f(v) - f(q)), q))
            bent = min(abs(f(v) - f(q)) / (self.c + abs(f(q) - f(self.nearest_other(q)))), 8)
        return (line + bent) / 2

    def insert(self, v):
        s = self.stored
        if not s:
            s.append(v)
            return
        d = min(abs(v - q) for q in s)
        least = self.eps * (max(s[-1], v) - min(s[0], v))
        outside = v < s[0] or v > s[-1]
        if not (d > least or (outside and d > 0)):
            return
        if len(s) >= 1 / self.eps + 3:
            kept = [s[0]]
            for entry in s[1:-1]:
                if entry - kept[-1] > least:
                    kept.append(entry)
            self.stored = s = kept + [s[-1]]
        bisect.insort(s, v)


class Calendar:
    def __init__(self, cells, eps):
        self.memory = Memory(1 / 16, eps)
        self.profile, self.count = [0.0] * cells, [0] * cells
        self.residuals = []

    def take(self, x, cell, mean_before):
        self.residuals.append(x - (self.profile[cell] if self.count[cell] else mean_before))
        last = self.residuals[-10:]
        self.count[cell] += 1
        self.profile[cell] += max(0.25, 1 / self.count[cell]) * (x - self.profile[cell])
        return self.memory.take(sum(last) / len(last))


class Pattern:
    def __init__(self, b):
        self.b = b
        self.block, self.blocks = [], []
        self.shapes = []  # [vector, gap, block of last use]

    def take(self, x, lo, hi, mean, var):
        self.block.append((abs(x - mean), x))
        if len(self.block) < self.b:
            return 0.0
        self.blocks.append(max(self.block, key=lambda pair: pair[0])[1])
        self.block = []
        if len(self.blocks) < 8 or not hi > lo:
            return 0.0
        scale = math.sqrt((hi - lo) * math.sqrt(var))
        y = [math.copysign(max(abs(v - mean) - scale / 2, 0), v - mean) for v in self.blocks[-8:]]
        far = [math.dist(y, vector) for vector, _, _ in self.shapes]
        d = min(far, default=math.inf)
        novelty = 0.0
        if len(self.shapes) >= 2 and len(self.blocks) > 16 and d > 0:
            novelty = min(d / (scale / 8 + self.shapes[far.index(d)][1]), 8)
        if d <= scale / 16:
            self.shapes[far.index(d)][2] = len(self.blocks)
            return novelty
        place = len(self.shapes)
        if place == 256:
            place = min(range(256), key=lambda i: self.shapes[i][2])
            del far[place]
            others = self.shapes[:place] + self.shapes[place + 1 :]
        else:
            others = list(self.shapes)
            self.shapes.append(None)
        for shape, distance in zip(others, far):
            shape[1] = min(shape[1], distance)
        self.shapes[place] = [y, min(far, default=math.inf), len(self.blocks)]
        return novelty


def deviation(rows):
    mean = sum(rows) / len(rows)
    return math.sqrt(sum((x - mean) ** 2 for x in rows) / len(rows))


def events_of(rows, times, eps, pattern):
    """[row, strength] where strength is above KEPT. `times` in seconds, or None."""
    level, floor, ceiling = Memory(1 / 32, eps), Memory(1 / 64, eps), Memory(1 / 32, eps)
    spreads = [(k, Memory(1 / 32, eps)) for k in (3, 5, 10)]
    calendars = [Calendar(cells, eps) for cells in (24, 48, 168)]
    patterns = [Pattern(1), Pattern(7)] if pattern else []
    mean, squares, tired = 0.0, 0.0, 0.0
    said, surprises, events = [], [], []
    for i, x in enumerate(rows):
        seen = rows[max(0, i - 49) : i + 1]
        views = [level.take(x), floor.take(min(seen)), ceiling.take(max(seen))]
        views.append(sum(memory.take(deviation(seen[-k:])) for k, memory in spreads) / 3)
        if times is not None:
            hour, day = times[i] // 3600 % 24, (times[i] // 86400 + 3) % 7
            cells = [hour, hour + 24 * (day >= 5), 24 * day + hour]
            before = mean if i > 0 else x
            views.append(sum(c.take(x, cell, before) for c, cell in zip(calendars, cells)) / 3)
        off = x - mean
        mean += off / (i + 1)
        squares += off * (x - mean)
        if pattern:
            moments = min(rows[: i + 1]), max(rows[: i + 1]), mean, squares / (i + 1)
            views.append(0.5 * sum(p.take(x, *moments) for p in patterns) / 2)
        s = math.sqrt(sum(view * view for view in views))
        left = s / (1 + tired)
        peak = max(surprises[-75:], default=0)
        if left > KEPT and left > max(said[-75:], default=0):
            events.append([i, left])
        tired -= tired / 2000
        if s > peak:
            tired += 0.2 * (min(s, 5) - min(peak, 5))
        said.append(left)
        surprises.append(s)
    return events


def main():
    for case in CASES:
        source = Xorshift32(case["data_seed"])
        rows = [
            value_of(case["shape"], row, case["rows"], source.draw(), source.draw()) for row in range(case["rows"])
        ]
        times = [START + STEP * row for row in range(case["rows"])] if case["timed"] else None
        case["events"] = events_of(rows, times, case["eps"], case["pattern"])
        print(case["shape"], case["pattern"], len(case["events"]))
    text = json.dumps({"start": START, "step": STEP, "kept": KEPT, "cases": CASES})
    path = pathlib.Path(__file__).with_name("novelty.json.gz")
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
