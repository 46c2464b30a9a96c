"""Mastering while rendering: stretches of raw stems in, finished stems out, a moment later.

One gain common to all stems carries fader, bus compression, fades and a limiter with fixed
look-ahead, so the stems sum to the mix. What has left never changes. Signals are float32
`(2, frames)`, gains float32 `(frames,)`; frame 0 is the window's first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from daemon.audio.loudness import amplitude
from daemon.engines.sketch.render.compress import reduction_db
from daemon.engines.sketch.render.fader import Tally, fader_db
from daemon.engines.sketch.render.level import PEAK_EDGE, at_rest, crowding, hop_means, k_power
from daemon.engines.sketch.render.master import (
    Beside,
    Check,
    ceiling_of,
    fades,
    limiting,
    look_ahead,
)
from daemon.engines.sketch.render.stems import HOP_S
from daemon.engines.sketch.render.tone import Array

_GLIDE_S = 0.5  # that the fader takes to its next place
_ROUNDS = 4
_NEAR_DB = 0.02
_SPARE = 2.0  # by which the gain may still rise once peaks were read


@dataclass(frozen=True)
class Aim:
    """What mastering aims for: loudness, ceiling, and fades inside `heard` frames of the window."""

    loudness_lufs: float
    ceiling_dbtp: float
    fade_in_s: float
    fade_out_s: float
    heard: slice
    frames: int
    rate: int


def _none() -> Array:
    return np.zeros(0, np.float32)


@dataclass
class _Strip:
    """What is known of the mix from frame `base` on, a look-ahead before `sent`.

    Frames before `sent` have left. `crowd` (see `crowding`) ends at `read`, the rest at `known`:
    the last samples' peaks can't be read before their neighbours are there.
    """

    base: int = 0
    sent: int = 0
    read: int = 0
    known: int = 0
    mix: Array = field(default_factory=lambda: np.zeros((2, 0), np.float32))
    power: Array = field(default_factory=_none)
    pre: Array = field(default_factory=_none)
    crowd: Array = field(default_factory=_none)
    stems: dict[str, Array] = field(default_factory=dict)
    k_state: Array = field(default_factory=lambda: at_rest(2))
    set_db: float | None = None
    squeezed_db: float = 0.0
    kept: tuple[float, float] = (0.0, 0.0)  # power before and after compressor and limiter


def mastering(
    stretches: Iterable[dict[str, Array]],
    aim: Aim,
    forecast: Array,
    hop: int,
    beside: Beside | None,
    check: Check,
) -> Iterator[dict[str, Array]]:
    """Yield finished stems, one piece after the other, from frame 0 to the last.

    `forecast` is the power of hops of `hop` frames from `aim.heard.start` on. `beside` is what
    plays along (the voice): the sum of both stays below the ceiling.
    """
    strip, tally = _Strip(), Tally(hop, forecast)
    for raw in stretches:
        check()
        fresh = _taken_in(strip, tally, raw, aim)
        check()
        _read_peaks(strip, tally, aim, beside)
        check()
        gain = _settled(strip, tally, aim, fresh)
        check()
        yield _let_go(strip, tally, aim, gain)


def _taken_in(strip: _Strip, tally: Tally, raw: dict[str, Array], aim: Aim) -> int:
    """Put a new stretch behind what waits, and measure it; return its length."""
    mix = np.zeros_like(next(iter(raw.values())))
    for stem in raw.values():
        mix += stem
    power, strip.k_state = k_power(mix, aim.rate, strip.k_state)
    tally.add(tally.measured, strip.known - aim.heard.start, _counted(power, strip.known, aim))
    strip.known += mix.shape[1]
    tally.seen = max(0, min(strip.known, aim.heard.stop) - aim.heard.start)
    strip.mix = np.concatenate([strip.mix, mix], axis=1)
    strip.power = np.concatenate([strip.power, power])
    for name, stem in raw.items():
        waiting = strip.stems.get(name)
        strip.stems[name] = stem if waiting is None else np.concatenate([waiting, stem], axis=1)
    return mix.shape[1]


def _counted(power: Array, at: int, aim: Aim) -> Array:
    """Return `power` of frames from `at` on without those that nobody hears after the end."""
    return power[: max(0, aim.heard.stop - at)]


def _read_peaks(strip: _Strip, tally: Tally, aim: Aim, beside: Beside | None) -> None:
    stop = strip.known if strip.known == aim.frames else strip.known - PEAK_EDGE
    first = max(strip.base, strip.read - PEAK_EDGE)
    set_db = strip.set_db
    if set_db is None:
        set_db = fader_db(tally, aim.loudness_lufs, None)
    mix = strip.mix[:, first - strip.base :]
    voice = None if beside is None else beside.within(first, first + mix.shape[1])
    most = amplitude(set_db) * _SPARE
    crowd = crowding(mix, voice, ceiling_of(aim.ceiling_dbtp), most)
    strip.crowd = np.concatenate([strip.crowd, crowd[strip.read - first : max(0, stop - first)]])
    strip.read = max(strip.read, stop)


def _settled(strip: _Strip, tally: Tally, aim: Aim, fresh: int) -> Array:
    """Return the gain of the frames that can leave.

    The fader is set anew until what compression and limiting take away is allowed for.
    """
    stop = strip.known if strip.known == aim.frames else strip.read - 2 * look_ahead(aim.rate)
    stop = max(strip.sent, stop)
    last, squeezed_db, before = strip.set_db, strip.squeezed_db, strip.pre
    gain = _none()
    for _ in range(_ROUNDS):
        set_db = fader_db(tally, aim.loudness_lufs, last)
        static = _glide(set_db if last is None else last, set_db, fresh, aim.rate)
        squeeze, strip.squeezed_db = _squeeze(strip.power[-fresh:], static, aim, squeezed_db)
        ends = fades(aim.frames, aim.rate, aim.fade_in_s, aim.fade_out_s, aim.heard,
                     slice(strip.known - fresh, strip.known))  # fmt: skip
        strip.pre, strip.set_db = np.concatenate([before, static * squeeze * ends]), set_db
        over = strip.pre[: len(strip.crowd)] * strip.crowd
        begin, end = strip.sent - strip.base, stop - strip.base
        gain = strip.pre[begin:end] * limiting(over, aim.rate)[begin:end]
        lost = _lost(strip, gain, set_db, strip.known == aim.frames)
        change = abs(10 * np.log10(lost / tally.lost))
        tally.lost = lost
        if change < _NEAR_DB:
            break
    return gain


def _glide(from_db: float, to_db: float, frames: int, rate: int) -> Array:
    """Return the gain of a fader that moves in half a second."""
    curve = np.full(frames, amplitude(to_db), np.float32)
    glide = min(frames, round(_GLIDE_S * rate))
    share = 0.5 - 0.5 * np.cos(np.pi * np.arange(glide) / max(1, glide))
    curve[:glide] = 10 ** ((from_db + (to_db - from_db) * share) / 20)
    return curve


def _squeeze(power: Array, static: Array, aim: Aim, start_db: float) -> tuple[Array, float]:
    """Return the compressor's gain for new frames, and where it ends (dB)."""
    hop = round(HOP_S * aim.rate)
    levels = hop_means(power * np.square(static), hop)
    ends_db, last = reduction_db(levels, HOP_S, aim.loudness_lufs, start_db)
    edges = np.arange(len(ends_db) + 1) * hop
    curve = np.interp(np.arange(len(static)), edges, np.concatenate([[start_db], ends_db]))
    return (10 ** (curve / 20)).astype(np.float32), last


def _lost(strip: _Strip, gain: Array, set_db: float, ends: bool) -> float:
    """Return the share of power that compressor and limiter leave: so far, at the end now."""
    begin = strip.sent - strip.base
    power = strip.power[begin : begin + len(gain)]
    before, after = (0.0, 0.0) if ends else strip.kept
    before += float(power.sum(dtype=np.float64)) * amplitude(2 * set_db)
    after += float((power * np.square(gain)).sum(dtype=np.float64))
    return max(0.05, after / before) if before > 0 and after > 0 else 1.0


def _let_go(strip: _Strip, tally: Tally, aim: Aim, gain: Array) -> dict[str, Array]:
    """Return the frames that `gain` covers, and move on behind them."""
    begin, count = strip.sent - strip.base, len(gain)
    power = strip.power[begin : begin + count]
    left = power * np.square(gain)
    static = amplitude(2 * (strip.set_db or 0.0))
    strip.kept = (
        strip.kept[0] + float(power.sum(dtype=np.float64)) * static,
        strip.kept[1] + float(left.sum(dtype=np.float64)),
    )
    tally.add(tally.left, strip.sent - aim.heard.start, _counted(left, strip.sent, aim))
    finished = {name: stem[:, :count] * gain for name, stem in strip.stems.items()}
    strip.stems = {name: stem[:, count:] for name, stem in strip.stems.items()}
    strip.sent += count
    tally.gone = max(0, min(strip.sent, aim.heard.stop) - aim.heard.start)
    _trim(strip, max(strip.base, strip.sent - 2 * look_ahead(aim.rate) - PEAK_EDGE))
    return finished


def _trim(strip: _Strip, base: int) -> None:
    """Forget what lies before frame `base`."""
    cut = base - strip.base
    strip.mix = strip.mix[:, cut:]
    strip.power, strip.pre = strip.power[cut:], strip.pre[cut:]
    strip.crowd = strip.crowd[cut:]
    strip.base = base
