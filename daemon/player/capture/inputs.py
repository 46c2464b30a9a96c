"""Where recorded sound comes from: JACK ports, or an interface through PortAudio.

An input calls `take(block, time_s, missed)` from its real-time thread: `block` is float32
`(frames, channels)`, valid during the call only; `time_s`, on the scale of `time.monotonic()`, is
when its first frame was at the microphone, the latency that the system reports taken off; `missed`
is how many frames went by unheard since the block before, as far as the system tells.
"""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from bridge.protocol.errors import error
from daemon.player import portaudio_library
from daemon.player.devices import choose, found
from daemon.player.outputs import jack_ports

Take = Callable[[np.ndarray, float, int], None]
JACK = "jack:"
_MOST_CHANNELS = 2
_MOST_PERIOD = 8192


@dataclass(frozen=True)
class InputFormat:
    """`rate` in Hz, number of `channels`, and what is recorded from."""

    rate: int
    channels: int
    name: str


class Input(Protocol):
    """Something to record from."""

    def open(self, prepare: Callable[[InputFormat], Take]) -> InputFormat:
        """Ask `prepare` what takes the sound, and begin. Raises PunchinError 402."""

    def close(self) -> None:
        """Let go of it."""

    def gone(self) -> bool:
        """Whether the device or its server has ended."""


def of(name: str, host_api: str = "") -> Input:
    """Return the input of a setting: `jack:` and a pattern of ports, else a device's name."""
    if name.startswith(JACK):
        return JackInput(name.removeprefix(JACK) or "system:capture_*")
    return PortAudioInput(name, host_api)


class JackInput:
    """The first one or two output ports that match a shell pattern, as `system:capture_*`."""

    def __init__(self, pattern: str, client_name: str = "punchin-capture") -> None:
        self._pattern, self._client_name = pattern, client_name
        self._client: Any = None
        self._gone = False

    def open(self, prepare: Callable[[InputFormat], Take]) -> InputFormat:
        """Join the server and connect the ports. Raises PunchinError 402."""
        client = jack_ports.join(self._client_name, self._end)
        try:
            with jack_ports.told("the JACK ports can't be recorded"):
                fmt = self._begin(client, prepare)
        except BaseException:
            jack_ports.leave(client)
            raise
        self._client = client
        return fmt

    def _begin(self, client: Any, prepare: Callable[[InputFormat], Take]) -> InputFormat:
        sources = [
            p
            for p in client.get_ports(is_audio=True, is_output=True)
            if fnmatch.fnmatchcase(p.name, self._pattern)
        ][:_MOST_CHANNELS]
        if not sources:
            mend = "see the ports in qjackctl or with jack_lsp and set live.capture"
            raise error(402, f"no JACK port matches {self._pattern!r}: {mend}")
        fmt = InputFormat(client.samplerate, len(sources), ", ".join(p.name for p in sources))
        take = prepare(fmt)
        ports = [client.inports.register(f"in_{i + 1}") for i in range(len(sources))]
        block = np.zeros((_MOST_PERIOD, len(ports)), np.float32)
        missing = jack_ports.missing_frames()
        before_s: float | None = None  # between the microphone and our ports, once connected

        def process(frames: int) -> None:
            if before_s is None:
                return
            part, cycle = block[:frames], client.last_frame_time
            for i, port in enumerate(ports):
                part[:, i] = port.get_array()
            if (missed := missing(cycle, frames)) < 0:
                return  # its place is taken
            since_s = client.frames_since_cycle_start / fmt.rate
            take(part, time.monotonic() - since_s - before_s, missed)

        client.set_process_callback(process)
        client.activate()
        for source, port in zip(sources, ports, strict=True):
            client.connect(source, port)
        before_s = max(jack_ports.latency_frames(p, playback=False) for p in ports) / fmt.rate
        return fmt

    def _end(self) -> None:
        self._gone = True

    def close(self) -> None:
        """Leave the server."""
        client, self._client = self._client, None
        if client:
            jack_ports.leave(client)

    def gone(self) -> bool:
        """Whether the server has ended."""
        return self._gone


class PortAudioInput:
    """An interface; `device` and `host_api` as `devices.choose` takes them."""

    def __init__(self, device: str = "", host_api: str = "") -> None:
        self._wanted = (device, host_api)
        self._stream: Any = None
        self._gone = False

    def open(self, prepare: Callable[[InputFormat], Take]) -> InputFormat:
        """Open the device and begin. Raises PunchinError 402."""
        library = portaudio_library.acquire()
        try:
            with portaudio_library.alone():
                device = choose(found(library), *self._wanted, side="inputs")
                fmt = InputFormat(device.rate, min(_MOST_CHANNELS, device.inputs), device.name)
                self._stream = self._opened(library, device.index, fmt, prepare(fmt))
        except BaseException:
            portaudio_library.release()
            raise
        return fmt

    def _opened(self, library: Any, index: int, fmt: InputFormat, take: Take) -> Any:
        def fill(block: np.ndarray, _frames: int, moment: Any, _status: Any) -> None:
            ago_s = max(0.0, moment.currentTime - moment.inputBufferAdcTime)
            take(block, time.monotonic() - ago_s, 0)

        try:
            stream = library.InputStream(
                samplerate=fmt.rate,
                device=index,
                channels=fmt.channels,
                dtype="float32",
                latency="high",
                callback=fill,
                finished_callback=self._end,
            )
            try:
                stream.start()
            except library.PortAudioError:
                stream.close()
                raise
        except library.PortAudioError as problem:
            why = portaudio_library.reason(problem)
            mend = "close other programs that use it, or choose another one (punchin devices)"
            raise error(402, f"the input {fmt.name!r} refuses ({why}): {mend}") from None
        return stream

    def _end(self) -> None:
        self._gone = True

    def close(self) -> None:
        """Let go of the device; hangs when its sound server has died."""
        stream, self._stream = self._stream, None
        if stream:
            with portaudio_library.alone():
                stream.abort()
                stream.close()
            portaudio_library.release()

    def gone(self) -> bool:
        """Whether the device has ended."""
        return self._gone
