"""The audio interface, through PortAudio.

The device's callback only copies from a `Feed`, whose filler renders well ahead. Blocking writes
would keep Python off the audio thread, but on JACK PortAudio buffers a single period for them and
does not tell when it ran dry: that broke playback on a busy machine, and nobody knew.

When a sound server dies the callbacks just stop, and `close` hangs for ever: the keeper notices
both, and only a new process can open a device again.

Threads: `open`, `close`: the keeper's, one at a time. `_fill`: PortAudio's.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from bridge.protocol.errors import PunchinError, error
from daemon.player import portaudio_library
from daemon.player.devices import Device, choose, found, takes
from daemon.player.outputs.base import CLOSED, Clock, Format, Health, Idle, Pulse, Start, never
from daemon.player.outputs.feed import Feed

# How far the filler is ahead (s), and how much it renders at once (frames).
_AHEAD_S = {"safe": 0.08, "low": 0.02}
_BLOCKS = {"safe": 1024, "low": 256}


class PortAudioOutput:
    """One device.

    `device` and `host_api` as `devices.choose` takes them; `latency` is `safe` or `low`; `rate` Hz
    is asked for where the device takes it, else its own.
    """

    name = "preview"

    def __init__(
        self, device: str = "", host_api: str = "", latency: str = "safe", rate: int | None = None
    ) -> None:
        self._wanted, self._latency, self._rate = (device, host_api), latency, rate
        self._stream: Any = None
        self._feed: Feed | None = None
        self._pulse: Pulse | None = None
        self.device: Device | None = None
        self.idle: Idle = never

    def open(self, start: Start) -> Format:
        """Open the device and begin to play. Raises PunchinError 402 with the mend."""
        library = portaudio_library.acquire()
        pulse = Pulse()
        try:
            with portaudio_library.alone():
                self.device = choose(found(library), *self._wanted)
                stream = self._opened(library, self.device, pulse)
        except BaseException:
            portaudio_library.release()
            raise
        self._stream, self._pulse = stream, pulse
        fmt = self._format()
        feed = Feed(fmt, self._ahead(fmt), pulse, self.idle)
        feed.begin(start(fmt))
        self._feed = feed
        return fmt

    def _opened(self, library: Any, device: Device, pulse: Pulse) -> Any:
        raw = library.query_devices(device.index)
        asked = self._rate is not None and takes(library, raw, self._rate)
        form = {
            "samplerate": self._rate if asked else device.rate,
            "device": device.index,
            "channels": min(2, device.outputs),
            "dtype": "float32",
            "latency": "high" if self._latency == "safe" else "low",
        }

        def fill(out: np.ndarray, _frames: int, moment: Any, status: Any) -> None:
            self._fill(pulse, out, moment, bool(status.output_underflow))

        def ended() -> None:
            pulse.end("the audio device stopped")

        try:
            stream = library.OutputStream(callback=fill, finished_callback=ended, **form)
            try:
                stream.start()
            except library.PortAudioError:
                stream.close()
                raise
        except library.PortAudioError as problem:
            raise _refused(device, portaudio_library.reason(problem)) from None
        return stream

    def _fill(self, pulse: Pulse, out: np.ndarray, moment: Any, underflow: bool) -> None:
        """Runs on PortAudio's thread: copies, never waits."""
        if self._feed is None or pulse is not self._pulse:
            out[:] = 0
            return
        ahead_s = max(0.0, moment.outputBufferDacTime - moment.currentTime)
        pulse.clock = Clock(pulse.frames, time.monotonic() + ahead_s)
        pulse.underruns += underflow
        self._feed.take(out)

    def _format(self) -> Format:
        stream, block = self._stream, _BLOCKS[self._latency]
        rate, device = round(stream.samplerate), self.device.name if self.device else ""
        fmt = Format(rate, stream.channels, stream.latency, block, device=device)
        return replace(fmt, latency_s=stream.latency + self._ahead(fmt) / rate)

    def _ahead(self, fmt: Format) -> int:
        """Frames ahead: at least two of the device's own blocks, which its latency bounds."""
        return round(max(_AHEAD_S[self._latency], 2 * fmt.latency_s) * fmt.rate)

    def close(self) -> None:
        """Let go of the device; hangs when its sound server has died."""
        if self._pulse is None:
            return
        self._pulse.end()
        with portaudio_library.alone():
            self._stream.abort()
            self._stream.close()
        self._stream = self._pulse = self._feed = None
        portaudio_library.release()

    def health(self) -> Health:
        """Return how it is."""
        pulse = self._pulse
        return pulse.health() if pulse else CLOSED

    def clock(self) -> Clock | None:
        """Return which frame is heard when."""
        pulse = self._pulse
        return pulse.clock if pulse else None


def _refused(device: Device, why: str) -> PunchinError:
    mend = "close other programs that use it, or choose another one (punchin devices)"
    return error(402, f"the audio device {device.name!r} refuses ({why}): {mend}")
