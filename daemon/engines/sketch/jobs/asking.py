"""What a request asks for in musical terms: caption, style, key, and sentences about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from daemon.audio.grid import Grid
from daemon.engines.base import Request
from daemon.engines.sketch.jobs.melody import told_line
from daemon.engines.sketch.jobs.studio import Studio
from daemon.engines.sketch.listen.names import key_name, parse_key
from daemon.engines.sketch.plan.caption import Caption, read_caption
from daemon.engines.sketch.plan.caption_players import bent
from daemon.engines.sketch.plan.caption_terms import tempo_within
from daemon.engines.sketch.plan.choosing import nearest_style
from daemon.engines.sketch.plan.song import picked
from daemon.engines.sketch.plan.styles import Style
from daemon.engines.sketch.plan.told_chords import key_of_chords

_DENSITY = 0.3  # by which a prompt's word for more or less moves a style's density
_ONSETS_OF_BUSY = 4.0  # onsets a beat that count as the densest
_MAJOR_ROOTS = (0, 2, 4, 5, 7, 9, 10)
_MINOR_ROOTS = (0, 2, 4, 5, 7, 9, 11)


@dataclass(frozen=True)
class Wish:
    """The style to play, the caption it came from, and notes for the musician."""

    style: Style
    caption: Caption
    notes: tuple[str, ...]


def wish_of(
    studio: Studio, request: Request, onsets_per_beat: float | None = None, other: bool = False,
    like: str | None = None, like_what: str = "the reference",
) -> Wish:  # fmt: skip
    """Return what to play: a style named by `preset` or `prompt`, else one that suits the tempo.

    `like` is the style that a reference or the clip (`like_what`) is like; it comes after those.
    With `other` the seed chooses among the styles for the tempo, but for the one that suits best.
    """
    options = request.options
    caption = caption_of(studio, options)
    bpm = request.grid.tempo_at(0.0)
    name, how = _named(studio, options, caption)
    if name is None and like is not None:
        name, how = like, f"nearest to {like_what}"
    elif name is None:
        busy = 0.5 if onsets_per_beat is None else min(1.0, onsets_per_beat / _ONSETS_OF_BUSY)
        name, how = _suiting(studio, caption, bpm, busy), "chosen for the tempo"
        if other:
            name = _another(name, bpm, request.seed, studio.styles)
            how = "another one for the tempo"
    style = with_feel(studio.styles[name], options, caption)
    style = bent(style, caption.players, caption.instruments, studio.styles, bpm)
    return Wish(style, caption, (f"Style: {style.title} ({how}).", *_unsung(request)))


def caption_of(studio: Studio, options: Mapping[str, Any]) -> Caption:
    """Return what `prompt` and `negative` ask for."""
    return read_caption(options.get("prompt", ""), options.get("negative", ""), studio.styles)


def _named(studio: Studio, options: Mapping[str, Any], caption: Caption) -> tuple[str | None, str]:
    """Return the style that preset or prompt name, and which of them."""
    preset = str(options.get("preset", ""))
    if preset in studio.broken:
        raise studio.broken[preset]
    if preset in studio.styles:
        return preset, "as asked"
    return caption.style, "from the prompt"


def _suiting(studio: Studio, caption: Caption, bpm: float | None, busy: float) -> str:
    """Return the style that suits where none is named."""
    return nearest_style(
        bpm, busy + _DENSITY * caption.density, studio.styles, caption.players - caption.without
    )


def _another(name: str, bpm: float, seed: int, styles: Mapping[str, Style]) -> str:
    """Return a style other than `name` that is played at about `bpm`."""
    near = [
        s.name
        for s in styles.values()
        if s.name != name and s.tempo_bpm[0] * 0.85 <= bpm <= s.tempo_bpm[1] * 1.15
    ]
    near = near or [other for other in styles if other != name] or [name]
    return near[picked(seed, len(near), "another style")]


def with_feel(style: Style, options: Mapping[str, Any], caption: Caption | None = None) -> Style:
    """Return the style with the swing (0…1) and the share of its humanising that were asked for."""
    rule = style.humanise.scaled(float(options.get("humanize", 1.0)))
    said = caption.terms.swing if caption is not None else None
    swing = float(options.get("swing", style.swing if said is None else said))
    return replace(style, swing=swing, humanise=rule)


def ending_of(options: Mapping[str, Any], otherwise: bool) -> bool:
    """Return whether the music shall end, as told, else `otherwise`."""
    told = options.get("ending")
    return otherwise if told is None else bool(told)


def new_piece(
    studio: Studio, options: Mapping[str, Any], bpm: float | None, metre: tuple[int, int] | None
) -> tuple[Grid, float | None]:
    """Return bars for a new piece, and its length (s) where a played line tells it.

    They are what is told, else what the prompt says, else the line's, else the style's.
    """
    caption = caption_of(studio, options)
    line = told_line(options, studio.styles)
    metre = metre or caption.terms.metre or (line.grid.metre_at(0.0) if line else (4, 4))
    if bpm is None and line and caption.terms.bpm is None:
        bpm = line.grid.tempo_at(0.0)
    if bpm is None:
        name = _named(studio, options, caption)[0] or _suiting(
            studio, caption, caption.terms.bpm, 0.5
        )
        bpm = round(tempo_within(caption.terms, *studio.styles[name].tempo_bpm), 2)
    grid = Grid.steady(bpm, *metre, 0.0)
    return grid, grid.second_at(line.quarters) if line else None


def _unsung(request: Request) -> tuple[str, ...]:
    if not request.options.get("lyrics", "").strip():
        return ()
    return ("The lyrics are not sung by sketch; their tags shape the form.",)


def key_of(request: Request, heard: str | None, caption: Caption) -> str:
    """Return the told key, else the prompt's, the told chords', the heard one, or the mood's."""
    if request.key:
        return key_name(*parse_key(request.key))
    if caption.terms.key:
        return key_name(*parse_key(caption.terms.key))
    if told := key_of_chords(request.options):
        return told
    if heard:
        return heard
    is_minor = bool(caption.minor)
    roots = _MINOR_ROOTS if is_minor else _MAJOR_ROOTS
    return key_name(roots[request.seed % len(roots)], is_minor)
