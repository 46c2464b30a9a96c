"""The nine tables of a SoundFont's `pdta` list as arrays of records, every index checked.

Layouts: SoundFont 2.04, sections 7.2 to 7.10. The last record of a table only ends the one before.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from daemon.engines.sketch.soundfont.faults import damaged
from daemon.engines.sketch.soundfont.generators import Gen
from daemon.engines.sketch.soundfont.riff import Bytes, Places

_MOST_BYTES = 64 << 20  # of one table; the largest banks have a few
_BAG = [("gen", "<u2"), ("mod", "<u2")]
_MOD = [("source", "<u2"), ("goal", "<u2"), ("amount", "<i2"), ("scale", "<u2"), ("form", "<u2")]
_GEN = [("kind", "<u2"), ("amount", "<i2")]
_LAYOUTS: dict[str, list[tuple[str, str]]] = {
    "phdr": [("name", "S20"), ("program", "<u2"), ("bank", "<u2"), ("bag", "<u2"),
             ("library", "<u4"), ("genre", "<u4"), ("morphology", "<u4")],
    "pbag": _BAG,
    "pmod": _MOD,
    "pgen": _GEN,
    "inst": [("name", "S20"), ("bag", "<u2")],
    "ibag": _BAG,
    "imod": _MOD,
    "igen": _GEN,
    "shdr": [("name", "S20"), ("start", "<u4"), ("end", "<u4"), ("loop_start", "<u4"),
             ("loop_end", "<u4"), ("rate", "<u4"), ("root", "u1"), ("cents", "i1"),
             ("link", "<u2"), ("kind", "<u2")],
}  # fmt: skip


@dataclass(frozen=True)
class Records:
    """The tables by their names in the file, each a structured array."""

    phdr: np.ndarray
    pbag: np.ndarray
    pmod: np.ndarray
    pgen: np.ndarray
    inst: np.ndarray
    ibag: np.ndarray
    imod: np.ndarray
    igen: np.ndarray
    shdr: np.ndarray


def read_records(data: Bytes, places: Places, path: Path) -> Records:
    """Return the tables. Raises 303 for one that is missing, cut or points outside another."""
    tables = {name: _table(data, places, name, path) for name in _LAYOUTS}
    records = Records(**tables)
    _check_level(records.phdr, records.pbag, records.pgen, records.pmod, "preset", path)
    _check_level(records.inst, records.ibag, records.igen, records.imod, "instrument", path)
    _check_targets(records.pgen, Gen.INSTRUMENT, len(records.inst) - 1, "instrument", path)
    _check_targets(records.igen, Gen.SAMPLE, len(records.shdr) - 1, "sample", path)
    return records


def _table(data: Bytes, places: Places, name: str, path: Path) -> np.ndarray:
    if name not in places:
        raise damaged(path, f"lacks its chunk {name}")
    start, size = places[name]
    layout = np.dtype(_LAYOUTS[name])
    if size > _MOST_BYTES or size % layout.itemsize or size < layout.itemsize:
        raise damaged(path, f"has a chunk {name} of a wrong size ({size} bytes)")
    return np.frombuffer(data[start : start + size].tobytes(), layout)


def _check_level(
    heads: np.ndarray, bags: np.ndarray, gens: np.ndarray, mods: np.ndarray, what: str, path: Path
) -> None:
    """Check that the ranges of heads and bags go up and stay inside their tables."""
    if len(heads) < 2 or len(bags) < 2:
        raise damaged(path, f"has no {what}")
    for index, most in (
        (heads["bag"], len(bags) - 1),
        (bags["gen"], len(gens)),
        (bags["mod"], len(mods)),
    ):
        steps = np.diff(index.astype(np.int64))
        if index.max() > most or (len(steps) and steps.min() < 0):
            raise damaged(path, f"has a {what} whose parts lie outside their table")


def _check_targets(gens: np.ndarray, kind: Gen, count: int, what: str, path: Path) -> None:
    wanted = gens["amount"][:-1][gens["kind"][:-1] == kind].view("<u2") if len(gens) else gens
    if len(wanted) and int(wanted.max()) >= count:
        raise damaged(path, f"names {what} {int(wanted.max())} of {count}")
