"""Random arguments by the kinds of the command table, legal and not, with their OSC tags."""

import json
import math
import struct

from bridge.protocol.ops import KEY

UNITS = (1, 2, 4, 8, 16, 32)
CHARACTERS = "abcXYZ 019_-./'\"\\\r\n\tß é 🎹𝄞音"


class Typed:
    """A value with the OSC tag that it is sent with; `kept` is what the daemon must keep."""

    def __init__(self, tag, value, kept=None):
        self.tag, self.value = tag, value
        self.kept = value if kept is None else kept

    def __repr__(self):
        return f"{self.tag}:{str(self.value)[:60]!r}"


def whole(rng, low, high):
    low, high = math.ceil(max(low, -(2**53))), math.floor(min(high, 2**53))
    value = rng.choice([low, high, rng.randint(low, high)])
    tags = "hd" if abs(value) >= 2**31 else "ihfd" if abs(value) < 2**24 else "ihd"
    tag = rng.choice(tags)
    return Typed(tag, float(value) if tag in "fd" else value, value)


def real(rng, low, high):
    value = rng.choice([low, high, rng.uniform(low, high)])
    tag = rng.choice("fdd")
    if tag == "f":
        value = struct.unpack("f", struct.pack("f", value))[0]
        if not low <= value <= high:
            tag, value = "d", (low + high) / 2
    return Typed(tag, value)


def words(rng, most=60):
    return "".join(rng.choice(CHARACTERS) for _ in range(rng.randint(1, most)))


def metre(rng):
    return f"{rng.randint(1, 32)}/{rng.choice(UNITS)}"


def tempo_map(rng):
    seconds = sorted(rng.sample(range(-50, 500), rng.randint(1, 5)))
    return [
        [s / 8, rng.randint(40, 800) / 2, rng.randint(1, 32), rng.choice(UNITS), rng.randint(0, 1)]
        for s in seconds
    ]


def legal(rng, kind):
    """A legal value of a kind that is no file, id or engine."""
    if kind.choices:
        if kind.name in ("stems", "sinks"):
            chosen = rng.sample(kind.choices, rng.randint(1, len(kind.choices)))
            return Typed("s", ",".join(chosen))
        return Typed("s", rng.choice(kind.choices))
    if kind.name == "unit":
        value = rng.choice(UNITS)
        return Typed("i", value)
    if kind.low is not None:
        low = max(kind.low, 1e-3) if kind.range.startswith("over") else kind.low
        make = whole if kind.name in WHOLE or kind.osc in "ih" else real
        return make(rng, low, kind.high)
    if kind.name == "metre":
        return Typed("s", metre(rng))
    if kind.name == "key name":
        mode = rng.choice(["major", "minor"])
        return Typed("s", f"{rng.choice('ABCDEFG')}{rng.choice(['', '#', 'b'])} {mode}")
    if kind.name == "chords":
        return Typed("s", " | ".join(rng.choices(["C", "F#m", "Bb7", "Gsus4"], k=3)))
    if kind.name == "lora path":
        return Typed("s", f"/Nobody_{rng.randint(0, 9)}.safetensors")
    if kind.name == "loras":
        return Typed(
            "s", f"/Nobody_{rng.randint(0, 9)}.safetensors={rng.choice(['0', '1', '0.5'])}"
        )
    if kind.name == "tempo map":
        rows = tempo_map(rng)
        return Typed("s", json.dumps(rows), rows)
    if kind.name in ("text", "word", "tag"):
        return Typed("s", words(rng))
    if kind.name in ("id", "job id", "job reference"):
        return Typed("s", f"Nobody_{rng.randint(0, 10**9)}")
    if kind.name == "slot":
        return Typed("s", f"Slot_{rng.randint(0, 99)}.x")
    raise AssertionError(f"no values for the kind {kind.name!r}: give some here")


WHOLE = {"frame", "flag", "seed", "takes", "beats", "steps", "priority", "n", "port", "take"}


def illegal(rng, kind):
    """A value that no kind of its name may take."""
    wrong = [Typed("N", None)]
    if kind.osc == "s":
        wrong += [Typed("i", 5), Typed("d", 0.5), Typed("T", True)]
        if kind.name in ("word", "tag", "text"):
            wrong.append(Typed("s", "x" * (int(kind.high) + 1)))
        elif kind.name != "path":
            wrong.append(Typed("s", "?! ,"))
    else:
        wrong += [Typed("s", "1"), Typed("d", math.nan), Typed("d", math.inf)]
        wrong += [Typed("d", kind.low - 1), Typed("d", kind.high * 1.01 + 1)]
    return rng.choice(wrong)


def for_job(rng, names):
    """Legal values for some keys by name."""
    return {name: legal(rng, KEY[name].kind) for name in names}
