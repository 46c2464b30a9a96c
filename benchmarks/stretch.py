"""Time-stretch against the same songs rendered anew at the new tempo.

    python benchmarks/stretch.py [--ratios 0.8 0.9 1.1 1.25] [--songs 6] [--write FILE]

Needs fluidsynth and fluid-soundfont-gm (apt-get install); `signalsmith` needs the extra `stretch`.
`plain` is python-stretch over the whole song at once, as a control: what the attacks' own copies
are worth. The songs are those of the tuning set of `benchmarks/sketch.py`. Decay and reverb of a
new rendering don't stretch, so that no method can reach a distance of 0.

- beats: by how much the pattern of onsets within a beat lies late, mean of sizes and the largest
- onset: distance of each onset of the new rendering from the nearest one, median (90th percentile)
- spectrum: mean difference of log spectra in 48 bands 50 Hz–8 kHz, level aside
- flux: correlation of the onset strengths; attack: their 98th percentile over the rendering's
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.signal import stft

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.sketch import rulers  # noqa: E402
from benchmarks.sketch.corpus import fluid  # noqa: E402
from benchmarks.sketch.corpus.songs import Song, compose  # noqa: E402
from benchmarks.sketch.table import machine  # noqa: E402
from daemon.audio.stretch import signalsmith, stretched  # noqa: E402

Method = Callable[[np.ndarray, int, float], np.ndarray]
RATE = fluid.RATE
_BANDS_HZ = np.geomspace(50, 8000, 49)
_NEAR_MS = 50.0
_HEAD = ("ratio", "method", "beats ms", "onset ms", "spectrum dB", "flux", "attack", "x real time")


def main() -> None:
    """Measure every ratio with every method and print the table."""
    args = _arguments()
    bank = fluid.BANKS["fluidr3"]
    rows: list[tuple[str, ...]] = []
    try:
        songs = [compose(f"tune-{i:02d}", fluid.SEEDS["tune"], i) for i in range(args.songs)]
        clips = [_rendered(song, 1.0, bank) for song in songs]
        for ratio in args.ratios:
            anew = [_rendered(song, ratio, bank) for song in songs]
            rows += [_row(n, m, ratio, songs, clips, anew) for n, m in _methods().items()]
    except (OSError, RuntimeError) as problem:
        print(f"not measured: {problem} (apt-get install fluidsynth fluid-soundfont-gm)")
        return
    lines = [f"Measured {machine()}; {args.songs} songs.", "", *_table(rows)]
    print("\n".join(lines))
    if args.write:
        args.write.write_text("\n".join(["# Time-stretch", "", *lines, ""]), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ratios", type=float, nargs="+", default=[0.8, 0.9, 1.1, 1.25])
    parser.add_argument("--songs", type=int, default=6)
    parser.add_argument("--write", type=Path, help="write the table as Markdown")
    return parser.parse_args()


def _methods() -> dict[str, Method]:
    found: dict[str, Method] = {"wsola": lambda x, r, q: stretched(x, r, q, method="wsola")}
    if signalsmith.can(2):
        found["signalsmith"] = lambda x, r, q: stretched(x, r, q, method="signalsmith")
        found["plain"] = _plain
    return found


def _plain(x: np.ndarray, rate: int, ratio: float) -> np.ndarray:
    return signalsmith.filler(rate)(x, 0, len(x), round(len(x) * ratio))


def _rendered(song: Song, ratio: float, bank: Path) -> np.ndarray:
    slower = replace(song, bpm=song.bpm / ratio)
    sound = fluid.render(fluid.score_of(slower), bank)
    frames = round(song.quarters * 60 / slower.bpm * RATE)
    sound = np.pad(sound, ((0, max(0, frames - len(sound))), (0, 0)))[:frames]
    return sound * np.float32(0.6 / np.abs(sound).max())


def _row(
    name: str, method: Method, ratio: float, songs: list, clips: list, anew: list
) -> tuple[str, ...]:
    found, spent, length = [], 0.0, 0.0
    for song, clip, reference in zip(songs, clips, anew, strict=True):
        began = time.perf_counter()
        made = method(clip, RATE, ratio)
        spent += time.perf_counter() - began
        length += len(clip) / RATE
        found.append(_compared(made, reference, 60 / song.bpm * ratio))
    lag, near, far, distance, flux, attack = np.array(found).T
    return (
        f"{ratio:g}", name, f"{np.abs(lag).mean():.1f} ({np.abs(lag).max():.1f})",
        f"{np.median(near):.1f} ({np.mean(far):.1f})", f"{distance.mean():.2f}",
        f"{flux.mean():.2f}", f"{attack.mean():.2f}", f"{length / spent:.0f}",
    )  # fmt: skip


def _compared(made: np.ndarray, reference: np.ndarray, beat_s: float) -> tuple[float, ...]:
    frames = min(len(made), len(reference))
    made, reference = made[:frames], reference[:frames]
    folds = [rulers.folded(x, RATE, beat_s, 0.0, 2000) for x in (reference, made)]
    there, here = rulers.onset_times(reference, RATE), rulers.onset_times(made, RATE)
    errors_ms = np.array([np.abs(here - t).min(initial=1.0) for t in there]) * 1000
    errors_ms = errors_ms[errors_ms < _NEAR_MS]
    strong, want = rulers.flux(made, RATE)[0], rulers.flux(reference, RATE)[0]
    return (
        rulers.phase_lag_ms(*folds, beat_s),
        float(np.median(errors_ms)),
        float(np.percentile(errors_ms, 90)),
        _distance_db(made, reference),
        float(np.corrcoef(strong, want)[0, 1]),
        float(np.percentile(strong, 98) / np.percentile(want, 98)),
    )


def _distance_db(a: np.ndarray, b: np.ndarray) -> float:
    here, there = _bands_db(a), _bands_db(b)
    here -= np.median(here - there)
    floor = there.max() - 60
    return float(np.abs(np.maximum(here, floor) - np.maximum(there, floor)).mean())


def _bands_db(x: np.ndarray) -> np.ndarray:
    hz, _, spectrum = stft(rulers.mono(x), RATE, "hann", 2048, 2048 - 512)
    power = np.abs(spectrum) ** 2
    edges = zip(_BANDS_HZ[:-1], np.maximum(_BANDS_HZ[1:], _BANDS_HZ[:-1] + 22), strict=True)
    return 10 * np.log10(np.array([power[(hz >= a) & (hz < b)].sum(0) for a, b in edges]) + 1e-12)


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    lines = [_HEAD, ("---",) * len(_HEAD), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


if __name__ == "__main__":
    main()
