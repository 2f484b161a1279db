"""Random numbers for the scripts that make golden files; test/detectors/random-rows.ts draws the same."""


class Xorshift32:
    """Marsaglia's xorshift32: words over 2^32, in (0, 1)."""

    def __init__(self, seed):
        self.state = seed

    def draw(self):
        x = self.state
        x ^= (x << 13) & 0xFFFFFFFF
        x ^= x >> 17
        x ^= (x << 5) & 0xFFFFFFFF
        self.state = x
        return x / 4294967296.0
