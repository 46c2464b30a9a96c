# ruff: noqa: E501 -- the rows read best one a line
"""The schema of the settings: for each one its form, default and meaning.

What reads the file, `docs/settings.md` and the examples there are made from these rows.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daemon.core.song import SOURCES
from daemon.player.destinations import Destination, Rule


class Wrong(ValueError):
    """A value that a form refuses; the text says what is expected."""


@dataclass(frozen=True)
class Form:
    """What a value must look like.

    `check` takes a TOML value and returns the setting or raises `Wrong`; `parse` makes a TOML value
    of a text from the environment or the command line.
    """

    range: str
    check: Callable[[Any], Any]
    parse: Callable[[str], Any] = str


@dataclass(frozen=True)
class Row:
    """One setting, `<section>.<key>` in the file."""

    section: str
    key: str
    form: Form
    default: Any
    meaning: str

    @property
    def name(self) -> str:
        """The name as messages and the command line use it."""
        return f"{self.section}.{self.key}"

    @property
    def variable(self) -> str:
        """The environment variable that overrides the file."""
        return f"PUNCHIN_{self.section}_{self.key}".upper()


# -- forms ---------------------------------------------------------------------------------------


def _number_of(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        return float(text)


def whole(low: int, high: int) -> Form:
    """Return a form for a whole number in `[low, high]`."""
    about = f"a whole number from {low:,} to {high:,}"

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise Wrong(about)
        return value

    return Form(f"{low:,} … {high:,}", check, _number_of)


def number(low: float, high: float, unit: str) -> Form:
    """Return a form for a number in `[low, high]`."""
    about = f"a number from {low:,g} to {high:,g} ({unit})"

    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Wrong(about)
        if not low <= value <= high:
            raise Wrong(about)
        return float(value)

    return Form(f"{low:,g} … {high:,g} {unit}", check, _number_of)


def text(about: str) -> Form:
    """Return a form for a text that is not empty."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            raise Wrong(f"a text ({about})")
        return value.strip()

    return Form(about, check)


def choice(*words: str) -> Form:
    """Return a form for one of a few words."""

    def check(value: Any) -> str:
        if value not in words:
            raise Wrong("one of " + ", ".join(words))
        return str(value)

    return Form(" · ".join(words), check)


def pattern(allowed: str, about: str) -> Form:
    """Return a form for a text that matches the regular expression `allowed`."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(allowed, value):
            raise Wrong(about)
        return value

    return Form(about, check)


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Wrong("true or false")
    return value


def _truth_of(text: str) -> Any:
    return {"true": True, "1": True, "false": False, "0": False}.get(text.strip().lower(), text)


def _path(value: Any) -> Path:
    path = Path(value).expanduser() if isinstance(value, str) and value else None
    if path is None or not path.is_absolute():
        raise Wrong("an absolute path")
    return path


def _path_or_none(value: Any) -> Path | None:
    return None if value == "" else _path(value)


def _paths(value: Any) -> tuple[Path, ...]:
    if not isinstance(value, list):
        raise Wrong("a list of absolute paths")
    return tuple(map(_path, value))


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
        raise Wrong("a list of texts")
    return tuple(v.strip() for v in value)


FLAG = Form("true · false", _yes_or_no, _truth_of)
PATH = Form("absolute path, `~` allowed, or empty", _path_or_none)
PATHS = Form(
    "list of absolute paths, `~` allowed",
    _paths,
    lambda text: [part for part in text.split(os.pathsep) if part],
)

TEXTS = Form(
    "list of texts; in a variable with commas between",
    _texts,
    lambda text: [part for part in text.split(",") if part],
)


def text_or_empty(about: str) -> Form:
    """Return a form for a text that may be empty."""

    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise Wrong(f"a text ({about}), or an empty one")
        return value.strip()

    return Form(f"{about}, or empty", check)


def _outputs(value: Any) -> tuple[str, ...]:
    words = _texts(value)
    if not words or not set(words) <= {"preview", "reastream", "jack"}:
        raise Wrong("a list of preview, reastream, jack")
    return words


OUTPUTS = Form("list of preview · reastream · jack", _outputs, TEXTS.parse)


def _destinations(value: Any) -> tuple[str, ...]:
    words = _texts(value)
    for word in words:
        try:
            Destination.parse(word)
        except ValueError as problem:
            raise Wrong(f"a list of {problem}") from None
    return words


def _rules(value: Any) -> tuple[str, ...]:
    words = _texts(value)
    for word in words:
        try:
            Rule.parse(word)
        except ValueError as problem:
            raise Wrong(f"a list of {problem}") from None
    return words


RULES = Form("list of `[pair=]client:port`, `*` for any letters", _rules, TEXTS.parse)
DESTINATIONS = Form("list of `[what=][identifier@]host[:port]`", _destinations, TEXTS.parse)

# -- rows ----------------------------------------------------------------------------------------

SECTIONS = {
    "server": "Where the daemon listens and what it may read.",
    "engine": "What makes the music.",
    "models": "Where models lie and where they come from (`punchin models`).",
    "jobs": "How patient the daemon is.",
    "audio": "Audio that has no source to take after, and the device of the preview; `docs/preview.md` has the set-up.",
    "live": "Where else things sound; `docs/live-buffers.md` has the set-up.",
    "midi": "Controllers and clock; `docs/midi.md` has the set-up.",
    "log": "What the daemon tells about itself.",
}
ROWS = (
    Row("server", "host", text("host name or address"), "127.0.0.1", "the address to listen on; with one that is not loopback, other machines can run jobs and read your audio files"),
    Row("server", "port", whole(0, 65535), 9140, "the port, for UDP and TCP; 0 takes a free one"),
    Row("server", "roots", PATHS, (), "the folders that sources may lie in; empty: every local file that you can read"),
    Row("engine", "name", text("name of an installed engine"), "sketch", "the engine of jobs that name none"),
    Row("engine", "model", PATH, None, "the model's folder, for engines that need one"),
    Row("engine", "soundfont", PATH, None, "a SoundFont (.sf2, .sf3) that plays in place of the built-in voices of `sketch`; empty: those. Another file at the same path is heard after `/punchin/engine none` and `/punchin/engine sketch`"),
    Row("engine", "device", pattern(r"auto|cpu|mps|cuda(:[0-9]{1,2})?", "auto, cpu, mps, cuda or cuda:N"), "auto", "where model engines run; auto: the CUDA device with the most free memory, else the Apple GPU, else the CPU"),
    Row("engine", "precision", choice("auto", "float32", "bfloat16", "float16"), "auto", "the numbers that a model runs in; auto: bfloat16 (where the device lacks it float16) with a float32 VAE on a GPU, float32 on the CPU"),
    Row("engine", "budget_gb", number(0, 1000, "GB"), 0.0, "how much of the device's memory a model engine may take; 0: all that is free"),
    Row("engine", "speculate", choice("auto", "on", "off"), "auto", "after a repaint or a retake the take with the next seed is made while nobody waits, so that it is there at once when it is asked for; auto: on a CUDA device, and not on battery"),
    Row("engine", "compile", FLAG, False, "a model engine has its model compiled in spare time, which takes minutes once and makes it somewhat faster; nothing waits for it"),
    Row("models", "folder", PATH, None, "where `punchin models pull` puts models, and where a model engine looks when `engine.model` is empty; empty: `models` in Punchin's data folder"),
    Row("models", "mirror", pattern(r"https?://[^\s/]+(/\S*)?", "an address that begins with https:// or http://"), "https://huggingface.co", "the host that models are fetched from, in Hugging Face's manner"),
    Row("models", "offline", FLAG, False, "never open a connection to fetch a model"),
    Row("jobs", "stall_s", number(1, 86400, "s"), 120.0, "a job without any progress for so long fails as stalled (306)"),
    Row("jobs", "cancel_s", number(0.1, 600, "s"), 5.0, "an engine that does not react to a cancel for so long is killed and started again"),
    Row("jobs", "queue", whole(1, 100000), 1000, "how many jobs may wait; more are refused (109)"),
    Row("jobs", "attempts", whole(1, 10), 3, "how often a job is run in all when its engine's process dies"),
    Row("audio", "rate", whole(8000, 192000), 48000, "sample rate (Hz) of `generate` without a source"),
    Row("audio", "device", text_or_empty("part of a device's name, its number, or `none`"), "", "the device of the preview (`punchin devices` lists them); empty: the system's own choice; `none`: no sound, only positions"),
    Row("audio", "host_api", text_or_empty("part of a host API's name"), "", "the audio system to look for the device in; empty: any"),
    Row("audio", "latency", choice("safe", "low"), "safe", "how much the device buffers"),
    Row("audio", "device_rate", whole(0, 192000), 0, "the rate (Hz) to open the device at, where it takes it; 0: its own"),
    Row("audio", "preroll_s", number(0, 60, "s"), 0.1, "how much of a job that is still at work must be there before it begins to sound"),
    Row("audio", "transport", choice(*SOURCES), "auto", "who says where the DAW's song is: `osc`, `midi` (clock, time code), `jack` (JACK's transport), `link` (Ableton Link, the extra `link`), or `auto`, the one of the others than `link` that moved last, JACK's where `live.play` names `jack`"),
    Row("live", "play", OUTPUTS, ("preview",), "where `/punchin/play` sounds: any of preview, reastream, jack"),
    Row("live", "follow", choice("on", "off"), "on", "whether what was launched on a bar or beat stops with the DAW's transport"),
    Row("live", "reastream", DESTINATIONS, (), "where ReaStream packets go: `host`, with `:port` behind it when it is not 58710, with `name@` before it when the plug-in's identifier is not `default`, and before that `stem=` for another pair than the mix, `*=` for all in one stream"),
    Row("live", "reastream_rate", whole(8000, 192000), 48000, "the rate (Hz) of the DAW's project; ReaStream converts nothing"),
    Row("live", "jack_pairs", TEXTS, ("mix",), "the stereo pairs of JACK ports: `mix` and names of stems"),
    Row("live", "jack_connect", RULES, (), "the ports of others that our JACK ports are connected to when they appear, as `mix=system:playback_*`; in the pattern `{pair}` is the pair's name, and `*=` rules for all pairs"),
    Row("live", "capture", text_or_empty("part of a device's name, or `jack:` and a pattern of ports"), "", "what `/punchin/capture` records; empty: the system's own input; `midi`, with `:` and a part of a port's name behind it: notes"),
    Row("live", "capture_preroll_s", number(0, 60, "s"), 1.0, "how much of what was heard before the punch a recording keeps, as context"),
    Row("live", "captures", PATH, None, "the folder for recordings; empty: `captures` in the daemon's home"),
    Row("midi", "input", TEXTS, (), "the inputs to open, by a part of their name; `virtual` makes an input of our own that others connect to; empty: no MIDI in"),
    Row("midi", "output", TEXTS, (), "the outputs for the lights of controllers, named alike"),
    Row("midi", "map", TEXTS, ("pads",), "the maps that say what controls do: names (`punchin midi maps`) or paths that end in `.toml`"),
    Row("midi", "clock", choice("in", "off"), "in", "whether MIDI clock, song position, time code and machine control move the transport"),
    Row("midi", "clock_output", TEXTS, (), "the outputs that get MIDI clock and song position of the transport, named alike"),
    Row("midi", "backend", choice("auto", "alsa", "coremidi", "winmm", "jack"), "auto", "the MIDI system; auto: all that there are"),
    Row("log", "level", choice("debug", "info", "warning", "error"), "info", "what is worth a line in the log"),
)  # fmt: skip
ROW = {row.name: row for row in ROWS}
