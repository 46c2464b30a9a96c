"""All zones of a struck key as one sound. Signals are float32 `(channels, frames)`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from daemon.engines.sketch.render.tone import closing, low_cut
from daemon.engines.sketch.soundfont.font import Font
from daemon.engines.sketch.soundfont.generators import Gen
from daemon.engines.sketch.soundfont.voice import Note, panned, sounded

STROKE_S = 2.5
"""A drum rings no longer."""

_ONSET = 1e-3  # of the peak in the first second; what lies before is no part of the stroke
_ONSET_S, _HEAD_S = 1.0, 0.25
_DC_HZ = 16.0
_FADE_S = 0.5

Array = np.ndarray


def sound_of(font: Font, notes: Sequence[Note], length_s: float, rate: int) -> Array:
    """Return what sounds in `length_s` of a held key, from its onset on; one channel if centred.

    It may be shorter, where it dies away before. Raises 303.
    """
    frames = round((length_s + _HEAD_S) * rate)
    parts = [(sounded(font, note, frames, rate), panned(note)) for note in notes]
    longest = max((len(part) for part, _ in parts), default=0)
    channels = 1 if all(note.values[Gen.PAN] == 0 for note in notes) else 2
    out = np.zeros((channels, max(1, longest)), np.float32)
    for part, sides in parts:
        for channel, side in zip(out, sides, strict=False):
            channel[: len(part)] += np.float32(side) * part
    out = low_cut(_from_onset(out, rate)[:, : round(length_s * rate)], rate, _DC_HZ, 1)
    out *= closing(out.shape[1], rate)
    return np.ascontiguousarray(out)


def faded(sound: Array, rate: int) -> Array:
    """Return a stroke, let go softly if it would ring on beyond `STROKE_S`."""
    if sound.shape[1] < round(STROKE_S * rate):
        return sound
    fade = round(_FADE_S * rate)
    sound[:, -fade:] *= np.linspace(1, 0, fade, dtype=np.float32) ** 2
    return sound


def _from_onset(sound: Array, rate: int) -> Array:
    """Return a sound without what lies 60 dB below the peak before it begins."""
    level = np.abs(sound).max(axis=0)
    peak = float(level[: round(_ONSET_S * rate)].max())
    return sound[:, int(np.argmax(level > _ONSET * peak)) :] if peak > 0 else sound
