"""Error numbers, their names, and the one exception tree that carries them.

    PunchinError
    ├── RequestError   1xx  what was asked
    ├── SourceError    2xx  the audio that was named
    ├── EngineError    3xx  the engine and its model
    ├── OutputError    4xx  disk, audio device, MIDI
    └── InternalError  500  a defect of ours

Raise with `error(code, message)`. A message is one line and ends with what to do next.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ErrorRow:
    """One numbered error of the protocol."""

    code: int
    name: str
    meaning: str


ERRORS = (
    ErrorRow(100, "unknown-command", "no such address, or an address pattern"),
    ErrorRow(101, "bad-arguments", "wrong number, kind or form of arguments, or a packet that is not OSC"),
    ErrorRow(102, "unknown-key", "a key that the key table lacks; the nearest known one is named"),
    ErrorRow(103, "out-of-range", "a value outside its range"),
    ErrorRow(104, "bad-id", "a job id that can't be a folder's name everywhere"),
    ErrorRow(105, "id-conflict", "this id belongs to a job with other arguments"),
    ErrorRow(106, "too-large", "a text over 256 KiB, a tag over 1 kB, a frame over 1 MiB"),
    ErrorRow(107, "nothing-selected", "no source or region was given and the context has none"),
    ErrorRow(108, "unknown-job", "no job has this id"),
    ErrorRow(109, "queue-full", "1,000 jobs are waiting"),
    ErrorRow(200, "source-not-found", "nothing at that path"),
    ErrorRow(201, "source-unreadable", "a directory, text, truncated, empty, or not finite"),
    ErrorRow(202, "source-changed", "the file changed after the job was accepted"),
    ErrorRow(203, "region-outside", "the region is outside the file, inverted, or shorter than 10 ms"),
    ErrorRow(204, "path-forbidden", "a device, a pipe, a network URL, or outside the setting `roots`"),
    ErrorRow(300, "engine-unavailable", "no such engine, or it could not start"),
    ErrorRow(301, "not-supported-by-engine", "this engine or this version can't do that"),
    ErrorRow(302, "model-missing", "the engine has no model"),
    ErrorRow(303, "model-invalid", "the model's files are damaged or of another kind"),
    ErrorRow(304, "out-of-memory", "the engine ran out of memory"),
    ErrorRow(305, "worker-died", "the engine's process died, also when tried again"),
    ErrorRow(306, "stalled", "the engine made no progress for too long"),
    ErrorRow(307, "bad-output", "the engine's result was not finite, or of the wrong length"),
    ErrorRow(400, "disk-full", "no space left for results"),
    ErrorRow(401, "write-failed", "a file or folder could not be written"),
    ErrorRow(402, "audio-device", "the audio device is missing or refused"),
    ErrorRow(403, "midi-port", "the MIDI port is missing or refused"),
    ErrorRow(500, "internal", "a defect in Punchin"),
)  # fmt: skip
NAMES = {row.code: row.name for row in ERRORS}


class PunchinError(Exception):
    """An error with a number of the protocol. `str()` is the message."""

    def __init__(self, code: int, message: str) -> None:
        if code not in NAMES:
            raise ValueError(f"no error has the number {code}")
        super().__init__(" ".join(message.split()))
        self.code = code

    @property
    def name(self) -> str:
        """The number's name on the wire."""
        return NAMES[self.code]

    @property
    def message(self) -> str:
        """One line for the musician."""
        return str(self)

    def as_dict(self) -> dict[str, object]:
        """Return `{"code", "name", "message"}` as `job.json` holds it."""
        return {"code": self.code, "name": self.name, "message": self.message}


class RequestError(PunchinError):
    """1xx: what was asked."""


class SourceError(PunchinError):
    """2xx: the audio that was named."""


class EngineError(PunchinError):
    """3xx: the engine and its model."""


class OutputError(PunchinError):
    """4xx: disk, audio device, MIDI."""


class InternalError(PunchinError):
    """500: a defect of ours."""


_BRANCHES = {1: RequestError, 2: SourceError, 3: EngineError, 4: OutputError, 5: InternalError}


def error(code: int, message: str) -> PunchinError:
    """Return the exception of the right branch for `code`."""
    return _BRANCHES[code // 100](code, message)
