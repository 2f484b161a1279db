"""Random CSV files in time order that are awkward in the ways a data frame reads numbers, ids and times."""
import csv
import io
import random
from datetime import datetime, timedelta, timezone

PROVIDERS = [
    "Böge GmbH & Co", "a_b c", "A/B", "O'Brien", "O’Neil", "dots.and.more", "50% off", "$money", "naïve–dash—em", "Иванов", "ΑΒΓ",
    "Łódź", "Größe™", "1,000 Volts", 'Say "Hi"', "  spaced  ", "x&amp;y", "&#381;ilina", "Щука", "½ inch", "ÆRØ", "a\nb", "C++", "TRUE story",
]
MISSING = ["", "NA", "null", "nan", "NaN", "N/A", "None", "<NA>", "#N/A", "-nan"]


def machine_ids(rng, count):
    kind = rng.choice(["text", "zeros", "float", "huge", "bool", "gaps", "quoted", "long"])
    if kind == "zeros":
        return [f"{i:03d}" for i in rng.sample(range(500), count)]
    if kind == "float":
        return [rng.choice(["{}.5", "{}e3", "{}.", " {}", "{}e-7", "{}e16"]).format(i) for i in range(1, count + 1)]
    if kind == "huge":
        return [str(10 ** rng.randint(18, 25) + i) for i in range(count)]
    if kind == "bool":
        return ["True", "false", "TRUE"][:count][:2]
    if kind == "gaps":
        return [str(i + 7) for i in range(count - 1)] + [rng.choice(MISSING[:-1])]
    if kind == "quoted":
        return [f'M,{i} "x"' for i in range(count)]
    if kind == "long":
        return [f"{'machine ' * 5}{i}" for i in range(count)]
    return [f"M{i}" for i in range(count)]


def number_maker(rng):
    kind = rng.choice(["int", "walk", "repr", "fixed", "wild", "constant", "mixed", "infinite"])
    state = [100.0]

    def make():
        if kind == "int":
            return str(rng.randint(-5, 500))
        if kind == "walk":
            state[0] += rng.gauss(0, 3)
            return repr(state[0] + (300 if rng.random() < 0.01 else 0))
        if kind == "fixed":
            return f"{rng.uniform(0, 500):.{rng.randint(0, 4)}f}"
        if kind == "wild":
            return f"{rng.uniform(-1, 1) * 10 ** rng.randint(-320, 300):.{rng.randint(0, 25)}{rng.choice('eEg')}}"
        if kind == "constant":
            return "42.5"
        if kind == "mixed":
            return rng.choice(["0.1", "+.5", "7.", "1e2", " 3", "4 ", "007", "-0", "-0.0", "99999999999999999999.25", "0.30000000000000004"])
        if kind == "infinite" and rng.random() < 0.02:
            return rng.choice(["inf", "-inf", "Infinity", "1e999"])
        return repr(rng.uniform(0, 500))

    return make


def time_maker(rng):
    kind = rng.choice(["Z", "T", "space", "ms", "us", "ns", "offset", "days", "minutes", "epoch ns"])
    offset = rng.choice([330, -210, 60, 0])
    zone = timezone(timedelta(minutes=offset))
    step = {"days": 86400}.get(kind, rng.choice([1, 60, 3600]))
    start = datetime(2026, 1, 30, 0, 0, 0, tzinfo=timezone.utc)

    def make(i):
        at = start + timedelta(seconds=step * i)
        text = at.strftime("%Y-%m-%d %H:%M:%S")
        fraction = f"{(i * 1234567891) % 10**9:09d}"
        if kind == "Z":
            return text.replace(" ", "T") + "Z"
        if kind == "T":
            return text.replace(" ", "T")
        if kind == "ms":
            return f"{text}.{fraction[:3]}"
        if kind == "us":
            return f"{text}.{fraction[:6]}Z"
        if kind == "ns":
            return f"{text.replace(' ', 'T')}.{fraction}+00:00"
        if kind == "offset":
            return at.astimezone(zone).isoformat()
        if kind == "days":
            return text[:10]
        if kind == "minutes":
            return text[:16]
        if kind == "epoch ns":
            return str(int(at.timestamp()) * 10**9 + int(fraction))
        return text

    return make


def awkward_csv(seed):
    rng = random.Random(seed)
    count = rng.randint(1, 4)
    ids = machine_ids(rng, count)
    providers = rng.sample(PROVIDERS, len(ids))
    machines = [(provider, machine, number_maker(rng)) for provider, machine in zip(providers, ids)]
    time = time_maker(rng)
    gaps = rng.choice([0, 0, 0.03])
    columns = ["time", "provider", "machineID", "power"]
    if rng.random() < 0.3:
        columns.insert(rng.randint(0, 3), "note")
    rng.shuffle(columns)
    out = io.StringIO()
    if rng.random() < 0.3:
        out.write("\ufeff")
    end = rng.choice(["\n", "\r\n"])
    writer = csv.writer(out, lineterminator=end, quoting=rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer.writerow(columns)
    for i in range(rng.choice([40, 300, 700, 1100])):
        provider, machine, number = rng.choice(machines)
        power = rng.choice(MISSING) if rng.random() < gaps else number()
        cells = {"time": time(i // 2), "provider": provider, "machineID": machine, "power": power, "note": f"n, {i}"}
        writer.writerow([cells[name] for name in columns])
        if rng.random() < 0.005:
            out.write(end)
    return out.getvalue()
