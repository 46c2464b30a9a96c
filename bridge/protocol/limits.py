"""What an engine refuses of values that the protocol allows, as plain data.

An engine declares it, so that a job which it would refuse is refused before it is accepted, without
the engine. The engine itself checks by the same functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bridge.protocol.errors import error
from bridge.protocol.lyrics import untimed
from bridge.protocol.ops import KEY


@dataclass(frozen=True)
class Limits:
    """Nothing is refused where nothing is said.

    - `languages`: codes of those it sings.
    - `lyrics_characters`: the most that may be sung in what it hears.
    - `shared_s`: ops that divide lyrics without times over the passages of a clip, and from which
      length of the clip on, in seconds.
    - `longest_s`: the most that an op makes, in seconds.
    - `some_strength`: ops that need a `strength` above 0; `retake` only of a clip as it sounds.
    - `tracks`: the instruments that it can add.
    - `loras`: it uses LoRAs, so that what is none is refused.
    """

    languages: tuple[str, ...] = ()
    lyrics_characters: int = 0
    shared_s: Mapping[str, float] = field(default_factory=dict)
    longest_s: Mapping[str, float] = field(default_factory=dict)
    some_strength: tuple[str, ...] = ()
    tracks: tuple[str, ...] = ()
    loras: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


def hold(limits: Limits, op: str, values: Mapping[str, Any]) -> None:
    """Raise 103 or 301 for the first of a job's values that an engine with `limits` refuses.

    How long a clip or a result is, is asked by `hold_lyrics` and `hold_length`.
    """
    told = {k: v for k, v in values.items() if op in KEY[k].ops}
    if limits.languages and told.get("language"):
        code_of(told["language"], limits.languages)
    if limits.tracks and "track" in told:
        track_among(told["track"], limits.tracks)
    if op in limits.some_strength and (op != "retake" or "of" not in told):
        some_strength(told.get("strength", 1.0))


def hold_lyrics(limits: Limits, op: str, lyrics: str, clip_s: float) -> None:
    """Raise 103 for lyrics of which too much is sung, wherever the `clip_s` seconds lie."""
    if op in KEY["lyrics"].ops and clip_s < limits.shared_s.get(op, float("inf")):
        few_enough(untimed(lyrics), limits.lyrics_characters)


def hold_length(limits: Limits, op: str, seconds: float) -> None:
    """Raise 103 for more than an engine makes at once."""
    longest_s = limits.longest_s.get(op)
    if longest_s is not None and seconds > longest_s:
        raise error(
            103, f"the model makes at most {longest_s:g} s at once: ask for less, then extend"
        )


def code_of(told: str, languages: Sequence[str]) -> str:
    """Return the code among `languages` of a told language, `pt` for `pt_BR`. Raises 103."""
    code = told.strip().lower().replace("_", "-")
    for known in (code, code.split("-")[0]):
        if known in languages:
            return known
    raise error(
        103,
        f"the model sings no language {told[:40]!r}: use a code of two letters, as en, de or zh",
    )


def few_enough(sung: str, characters: int) -> str:
    """Return what is sung in a window. Raises 103 for more than `characters`; 0 is no limit."""
    if not characters or len(sung) <= characters:
        return sung
    raise error(
        103,
        f"the lyrics of this window have {len(sung)} characters, the model reads {characters}: "
        "mark lines with [mm:ss.xx] so that only those sung are taken",
    )


def some_strength(strength: float) -> float:
    """Return a strength above 0. Raises 103 for 0."""
    if strength > 0:
        return strength
    raise error(103, "strength 0 leaves nothing to do: use more than 0, at most 1")


def track_among(track: str, tracks: Sequence[str]) -> str:
    """Return a track that is one of `tracks`. Raises 301."""
    if track in tracks:
        return track
    raise error(301, f"the model has no track {track}: name one of {', '.join(tracks)}")


def limits_from(told: Mapping[str, Any]) -> Limits:
    """Return what `Limits.as_dict` gave, after a journey through JSON."""
    rows: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in told.items()}
    return Limits(**rows)
