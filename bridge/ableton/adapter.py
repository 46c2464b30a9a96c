"""Reads what is selected in Live through AbletonOSC, for those who have that script and not ours.

AbletonOSC listens on port 11000 and answers to port 11001 of whoever asked; this module takes that
port only while it reads, in a process outside Live. It can read clips in session slots, unwarped
ones only, since AbletonOSC tells no warp markers. Results are not brought back: their files are in
the job's folder.

    python -m bridge.ableton.adapter                  tell the daemon what is selected
    python -m bridge.ableton.adapter repaint [PROMPT] and start a job on it

Units: seconds of the source file, tempo in quarter notes a minute.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from bridge import mailbox
from bridge.ableton.Punchin import osc
from bridge.protocol.errors import PunchinError, error
from bridge.protocol.ops import OP

ASK_PORT, ANSWER_PORT = 11000, 11001
ANSWER_S = 1.0  # AbletonOSC looks at its socket every 100 ms
Ask = Callable[..., list[Any]]


@dataclass(frozen=True)
class Selected:
    """A selected session clip."""

    path: str
    track: str
    name: str
    start_s: float
    end_s: float
    clip_start_s: float
    clip_end_s: float
    bpm: float
    metre: tuple[int, int]


class Connection:
    """A conversation with AbletonOSC; a context manager that gives the port back."""

    def __init__(
        self, ask_port: int = ASK_PORT, answer_port: int = ANSWER_PORT, patience_s: float = ANSWER_S
    ) -> None:
        """Raises error 107 when another client of AbletonOSC has the port."""
        self._to, self._patience_s = ("127.0.0.1", ask_port), patience_s
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind(("127.0.0.1", answer_port))
        except OSError:
            self._socket.close()
            raise error(
                107,
                f"port {answer_port}, to which AbletonOSC answers, is taken by another program:"
                " close that, or use Punchin's own Remote Script",
            ) from None

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: object, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def ask(self, address: str, *args: Any) -> list[Any]:
        """Return the answer's values, without the arguments that it repeats. Raises error 107."""
        self._socket.sendto(osc.encode(address, args), self._to)
        end_s = time.monotonic() + self._patience_s
        while (left_s := end_s - time.monotonic()) > 0:
            self._socket.settimeout(left_s)
            try:
                heard = osc.decode(self._socket.recv(65536))
            except (TimeoutError, ValueError, ConnectionError):
                continue
            for answered, values in heard:
                if answered == address and list(values[: len(args)]) == list(args):
                    return list(values[len(args) :])
                if answered == "/live/error":
                    raise error(107, f"AbletonOSC says: {values[0] if values else 'no'}; try again")
        raise error(
            107,
            f"AbletonOSC does not answer {address}: choose it under Control Surface in Live's"
            " settings, or select a clip in a session slot",
        )


def read(ask: Ask) -> Selected:
    """Read the selected session clip; `ask(address, *args)` returns the answer's values.

    Raises error 107 for a selection that can't be used, 200 for a file that is missing.
    """
    where = ask("/live/view/get/selected_clip")
    if len(where) < 2:
        raise error(107, "no session slot is selected: click an audio clip in Session View")
    at = (int(where[0]), int(where[1]))

    def clip(name: str) -> Any:
        values = ask(f"/live/clip/get/{name}", *at)
        return values[0] if values else None

    if not clip("is_audio_clip"):
        raise error(107, "the selected slot holds no audio clip: click one in Session View")
    path = str(clip("file_path") or "")
    if not Path(path).is_file():
        raise error(200, f"the clip's file is missing ({path}): find it with Live's File Manager")
    if clip("warping"):
        raise error(
            107,
            "the clip is warped, and AbletonOSC tells no warp markers: switch Warp off, or use"
            " Punchin's own Remote Script",
        )
    first, last = float(clip("start_marker")), float(clip("end_marker"))
    start_s, end_s = (
        (float(clip("loop_start")), float(clip("loop_end"))) if clip("looping") else (first, last)
    )
    tempo = float(ask("/live/song/get/tempo")[0])
    metre = [int(ask(f"/live/song/get/signature_{n}")[0]) for n in ("numerator", "denominator")]
    track = str(ask("/live/track/get/name", at[0])[0])
    region = (max(0.0, start_s), end_s, max(0.0, first), last)
    return Selected(path, track, str(clip("name") or ""), *region, tempo, (metre[0], metre[1]))


def messages(clip: Selected) -> list[tuple[str, list[Any]]]:
    """Return the context that the daemon is told; a slot's clip is launched on a bar."""
    region = [clip.start_s, clip.end_s, clip.clip_start_s, clip.clip_end_s]
    return [
        ("/punchin/region", [clip.path, *region]),
        ("/punchin/tempo", [clip.bpm, *clip.metre]),
        ("/punchin/downbeat", [clip.clip_start_s]),
    ]


def main(words: Sequence[str], connect: Callable[[], Connection] = Connection) -> int:
    """Tell the daemon what is selected, and start a job when an op is named; an exit code."""
    if words and words[0] not in OP:
        print(f"there is no op {words[0]!r}: use one of {', '.join(OP)}", file=sys.stderr)
        return 2
    try:
        with connect() as connection:
            clip = read(connection.ask)
        told = messages(clip)
        if words:
            prompt = ["prompt", " ".join(words[1:])] if words[1:] else []
            told.append((f"/punchin/{words[0]}", ["*", *prompt]))
        answers = mailbox.request(told)
    except (PunchinError, TimeoutError) as e:
        print(e, file=sys.stderr)
        return 1
    refused = [a for a in answers if a[0] in ("/punchin/failed", "/punchin/error")]
    print(f"{clip.track} · {clip.name}: {clip.start_s:.3f}–{clip.end_s:.3f} s of {clip.path}")
    for address, args in refused or answers:
        print(address, *args)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
