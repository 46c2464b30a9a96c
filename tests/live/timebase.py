"""A client that leads JACK's transport and tells bars and beats with it, as a DAW does.

It counts from frame 0 of the transport, in `bpm` beats of `metre` a minute.
"""

import time

from ears import joined


class Leader:
    """`metre` as `(4, 4)`. Without `bpm` it moves the transport and tells no bars."""

    TICKS = 1920

    def __init__(self, bpm=None, metre=(4, 4), name="leader"):
        self._bpm, self._metre = bpm, metre
        self.client = joined(name)
        if bpm:
            assert self.client.set_timebase_callback(self._tell)
        self.client.activate()

    def _tell(self, _state, _frames, position, _new):
        import jack

        beats, unit = self._metre
        ticks = position.frame / position.frame_rate * self._bpm / 60 * self.TICKS
        beat, tick = divmod(int(ticks), self.TICKS)
        position.valid = jack._lib.JackPositionBBT
        position.bar, position.beat, position.tick = beat // beats + 1, beat % beats + 1, tick
        position.beats_per_bar, position.beat_type = beats, unit
        position.ticks_per_beat, position.beats_per_minute = self.TICKS, self._bpm

    def roll(self, frame=0):
        self.client.transport_locate(frame)
        while self.state()[0] != frame:
            time.sleep(0.001)
        self.client.transport_start()

    def stop(self):
        self.client.transport_stop()

    def tempo(self, bpm):
        self._bpm = bpm

    def state(self):
        """Return the transport's frame at the start of a cycle, and when (`time.monotonic()`)."""
        while True:
            cycle = self.client.last_frame_time
            _, position = self.client.transport_query()
            now_s, now, later_s = time.monotonic(), self.client.frame_time, time.monotonic()
            if self.client.last_frame_time == cycle and later_s - now_s < 0.0003:
                return position["frame"], now_s - (now - cycle) / self.client.samplerate
