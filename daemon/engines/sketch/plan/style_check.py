"""What is wrong with a style file, all of it at once; standard library only."""

from __future__ import annotations

from typing import Any

from daemon.engines.sketch.plan.instruments import DRUM_KEYS, GM_PROGRAMS, is_drums
from daemon.engines.sketch.plan.steps import ALPHABET
from daemon.engines.sketch.plan.types import STEM_KINDS

ROLES = ("bass", "chords", "arp", "strum", "pad", "lead")
COLOURS = ("triad", "seventh", "power")
_TOP = {
    "title", "summary", "words", "tempo_bpm", "busy", "swing", "swing_grid", "colour", "restless",
    "surprise", "room", "humanise", "progressions", "drums", "parts",
}  # fmt: skip
_PART = {
    "name", "stem", "role", "instrument", "low", "high", "range", "level", "voices", "gain_db",
    "pan", "send_db", "duck_db",
}  # fmt: skip
_DRUMS = {"kit", "gain_db", "send_db", "low", "high", "fill"}
_NUMERALS = frozenset(["i", "ii", "iii", "iv", "v", "vi", "vii"])


def mistakes(data: dict[str, Any]) -> list[str]:
    """Return every mistake in a style as a sentence without a full stop; empty when it is right."""
    found = _unknown("the style", data, _TOP)
    for key in ("title", "tempo_bpm", "progressions", "parts"):
        if key not in data:
            found.append(f"`{key}` is missing")
    if not _pair(data.get("tempo_bpm", [60, 120])):
        found.append("`tempo_bpm` must be two numbers, the lower first")
    if data.get("colour", "triad") not in COLOURS:
        found.append(f"`colour` must be one of {', '.join(COLOURS)}")
    if not 0 <= data.get("swing", 0) <= 1 or data.get("swing_grid", 8) not in (8, 16):
        found.append("`swing` must be 0…1 and `swing_grid` 8 or 16")
    found += [
        f"`{k}` must be 0…1" for k in ("restless", "surprise") if not 0 <= data.get(k, 0) <= 1
    ]
    found += _unknown("room", data.get("room", {}), {"seconds", "tone_hz"})
    found += _unknown("humanise", data.get("humanise", {}), {"early_ms", "late_ms", "velocity"})
    found += _progressions(data.get("progressions", {}))
    found += _drums(data["drums"]) if "drums" in data else []
    for row in data.get("parts", []):
        found += _part(row)
    return found


def _unknown(where: str, table: dict[str, Any], known: set[str]) -> list[str]:
    return [f"{where} has an unknown key `{key}`" for key in table if key not in known]


def _pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and value[0] <= value[1]


def _pattern(where: str, text: str) -> list[str]:
    found = []
    if len(text) != 16:
        found.append(f"{where} needs 16 steps, `{text}` has {len(text)}")
    if strange := sorted(set(text) - ALPHABET):
        found.append(f"{where} has the unknown step `{strange[0]}`")
    return found


def _progressions(table: dict[str, list[str]]) -> list[str]:
    found = [f"progressions lack `{mode}`" for mode in ("major", "minor") if not table.get(mode)]
    for rows in table.values():
        for word in " ".join(rows).split():
            if word.strip("#b°7").lower() not in _NUMERALS:
                found.append(f"`{word}` is no chord of a progression")
    return found


def _drums(table: dict[str, Any]) -> list[str]:
    found = _unknown("drums", table, _DRUMS)
    if not is_drums(table.get("kit", "")):
        found.append("`drums.kit` must name a drum kit")
    for level in ("low", "high", "fill"):
        for kit in table.get(level, []):
            for piece, text in kit.items():
                if piece not in DRUM_KEYS:
                    found.append(f"drums have no piece `{piece}`")
                found += _pattern(f"drums.{level}.{piece}", text)
    return found


def _part(row: dict[str, Any]) -> list[str]:
    name = row.get("name", "a part")
    found = _unknown(name, row, _PART)
    for key in ("name", "stem", "role", "instrument"):
        if key not in row:
            found.append(f"{name} lacks `{key}`")
    if row.get("role") not in ROLES:
        found.append(f"the role of {name} must be one of {', '.join(ROLES)}")
    instrument = row.get("instrument", "")
    if instrument not in GM_PROGRAMS or is_drums(instrument):
        found.append(f"{name} has the unknown instrument `{instrument}`")
    if row.get("stem", "").split("-")[0] not in STEM_KINDS:
        found.append(f"{name} has the unknown stem `{row.get('stem')}`")
    low, high = row.get("range", [48, 72])
    if not 21 <= low < high <= 108 or high - low < 12:
        found.append(f"the range of {name} must span at least an octave within 21…108")
    for level in ("low", "high"):
        for text in row.get(level, []):
            found += _pattern(f"{name}.{level}", text)
    if row.get("role") != "pad" and not (row.get("low") or row.get("high")):
        found.append(f"{name} needs patterns")
    return found
