"""The settings as values: a frozen dataclass a section, checked by `daemon.core.settings`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Server:
    """Where the daemon listens and what it may read; empty `roots` means everywhere."""

    host: str
    port: int
    roots: tuple[Path, ...]


@dataclass(frozen=True)
class EngineChoice:
    """The engine of jobs that name none, its model's folder, and the SoundFont of `sketch`.

    The others are for engines with a model; `budget_gb` 0 means all that is free.
    """

    name: str
    model: Path | None
    soundfont: Path | None
    device: str
    precision: str
    budget_gb: float
    speculate: str
    compile: bool


@dataclass(frozen=True)
class Models:
    """Where models lie, the address they are fetched from, and whether they may be fetched."""

    folder: Path | None
    mirror: str
    offline: bool


@dataclass(frozen=True)
class Jobs:
    """How patient the daemon is: seconds, and counts of jobs and of runs of a job."""

    stall_s: float
    cancel_s: float
    queue: int
    attempts: int


@dataclass(frozen=True)
class Audio:
    """Sample rate (Hz) of audio that has no source, and the device of the preview.

    `device_rate` (Hz) 0 means the device's own; `preroll_s` are seconds.
    `transport`: one of `daemon.core.song.SOURCES`.
    """

    rate: int
    device: str
    host_api: str
    latency: str
    device_rate: int
    preroll_s: float
    transport: str


@dataclass(frozen=True)
class Live:
    """Where `play` sounds, and the destinations of live buffers."""

    play: tuple[str, ...]
    follow: str
    reastream: tuple[str, ...]
    reastream_rate: int
    jack_pairs: tuple[str, ...]
    jack_connect: tuple[str, ...]
    capture: str
    capture_preroll_s: float
    captures: Path | None


@dataclass(frozen=True)
class Midi:
    """Parts of port names, names of maps, and whether clock moves the transport."""

    input: tuple[str, ...]
    output: tuple[str, ...]
    map: tuple[str, ...]
    clock: str
    clock_output: tuple[str, ...]
    backend: str


@dataclass(frozen=True)
class Log:
    """The least level that is logged."""

    level: str


@dataclass(frozen=True)
class Settings:
    """All settings, checked."""

    server: Server
    engine: EngineChoice
    models: Models
    jobs: Jobs
    audio: Audio
    live: Live
    midi: Midi
    log: Log
