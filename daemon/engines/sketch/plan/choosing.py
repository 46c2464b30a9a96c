"""Which style a prompt names, or suits what is heard; standard library only."""

from __future__ import annotations

from collections.abc import Mapping

from daemon.engines.sketch.plan.caption_words import asks_for, plain
from daemon.engines.sketch.plan.styles import Style

_MISSING = 0.3  # for a player that was named and that the style has not
_USUAL_BPM = 112.0  # about where popular music lies


def named_style(text: str, styles: Mapping[str, Style]) -> str | None:
    """Return the style whose words cover most of a plain `text`, None when none is named."""
    scores = {
        name: sum(len(w) for w in {style.name, *style.words} if asks_for(text, plain(w)))
        for name, style in styles.items()
    }
    best = max(scores, key=lambda name: (scores[name], name), default=None)
    return best if best is not None and scores[best] > 0 else None


def nearest_style(
    bpm: float | None,
    busy: float,
    styles: Mapping[str, Style],
    players: frozenset[str] = frozenset(),
) -> str:
    """Return the style that suits a tempo, a density (0…1) and the stems that are named.

    With `bpm` None no tempo is preferred, only the middle of what people play.
    """

    def distance(style: Style) -> float:
        low, high = style.tempo_bpm
        told = bpm if bpm is not None else _USUAL_BPM
        outside = max(low / told, told / high, 1.0) - 1
        centre = abs(told - (low + high) / 2) / (high - low + 40)
        have = {part.stem.split("-")[0] for part in style.parts} | {"drums"}
        missing = _MISSING * len(players - have)
        return 3 * outside + 0.3 * centre + abs(style.busy - busy) + style.surprise + missing

    return min(sorted(styles), key=lambda name: distance(styles[name]))
