"""A recorder on a line that the test sets, what it told at its end, and what it can't record."""

import threading

from patience import PATIENCE_S

from daemon.player.capture.recorder import Recorder
from daemon.player.transport import Line


class Session:
    """One recording; `begin`, `end` and what it is at, as plain methods."""

    def __init__(self, source, order, line=None):
        self._line = line or Line()
        self._told = []
        self._ended = threading.Event()
        self._recorder = Recorder(source, order, lambda: self._line, self._hear)

    def _hear(self, news):
        if news["kind"] == "capture_begun":
            return
        self._told.append(news)
        self._ended.set()

    def begin(self):
        return self._recorder.begin()

    def end(self):
        self._recorder.end()

    def close(self):
        self._recorder.close()

    def stage(self):
        return self._recorder.stage

    def lost_frames(self):
        return self._recorder.lost_frames

    def over(self):
        return self._ended.is_set()

    def news(self):
        """Wait for the end and return what was told."""
        assert self._ended.wait(PATIENCE_S), "the recording does not end"
        return self._told[0]


class Starting:
    """A JACK client that has a port and takes no connection yet."""

    def __init__(self, name):
        import jack

        self._client = jack.Client(name, no_start_server=True)
        self._client.outports.register("out")

    def close(self):
        self._client.close()
