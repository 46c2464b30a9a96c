"""`/punchin/capture` of notes: where it begins and ends, what is kept, what the context learns."""

import asyncio
import contextlib
import json
import time
from pathlib import Path

import mido
import pytest
from patience import PATIENCE_S

from bridge.protocol.errors import PunchinError
from daemon.core.bus import Bus
from daemon.core.context import Context
from daemon.core.note_capture import NoteCaptures
from daemon.player.transport import Line

PORT = "Keys 1"


class Asker:
    """The client that asked."""

    key, leased = "asker", False

    def __init__(self):
        self.heard = asyncio.Queue()

    def send(self, address, *args, instead=None):
        self.heard.put_nowait((address, args))


class Desk:
    """A recording, and a song at 120 bpm that stands, or is at `beat` until it is moved."""

    def __init__(self, folder, beat=None):
        self.context, self.asker, self.refused = Context(), Asker(), asyncio.Queue()
        self.now_s, self.line = 100.0, Line()
        if beat is not None:
            self.locate(beat)
        bus, folder = Bus(time.monotonic), folder / "captures"
        self.notes = NoteCaptures(
            self.context, bus, lambda: self.line, None, folder, lambda: self.now_s
        )
        self.notes.inputs = lambda: [PORT, "Pads"]

    async def begin(self, **args):
        args = {"on": True, "input": "midi", **args}
        await self.notes.begin(args, self.asker, self.refused.put_nowait)

    def play(self, beat, *message, port=PORT):
        """Let a message come when the song was, or will be, at `beat`."""
        self.notes.hear(port, bytes(message), self.line.time_of(beat))

    def locate(self, beat, playing=True):
        self.line = Line(playing=playing, at_s=self.now_s, beat=beat, bpm=120.0)

    async def captured(self):
        async with asyncio.timeout(PATIENCE_S):
            address, (path, seconds, told) = await self.asker.heard.get()
        assert address == "/punchin/captured"
        assert self.context.defaults["melody"] == path
        return Path(path), seconds, json.loads(told)

    async def refusal(self):
        async with asyncio.timeout(PATIENCE_S):
            return await self.refused.get()


@pytest.fixture
def desk_in(tmp_path):
    return lambda **told: Desk(tmp_path, **told)


def notes_of(path):
    now, found = 0, []
    score = mido.MidiFile(path)
    for message in score.tracks[1]:
        now += message.time
        if message.type == "note_on":
            found.append((round(now / score.ticks_per_beat, 2), message.note, message.velocity))
    return found


def run(work):
    asyncio.run(work())


def test_bars_from_the_next_bar_line_on(desk_in):
    async def work():
        desk = desk_in(beat=6.0)
        await desk.begin(when="bar", bars=2)
        assert desk.notes.state == "armed"
        desk.play(7.0, 0x90, 55, 90)
        desk.play(8.0, 0x90, 60, 90)
        assert desk.notes.state == "recording"
        desk.play(9.5, 0x80, 60, 0)
        desk.play(9.5, 0x90, 62, 80, port="Pads")
        desk.locate(16.0)
        path, seconds, told = await desk.captured()
        assert notes_of(path) == [(0.0, 60, 90), (1.5, 62, 80)]
        assert (seconds, told["quarters"], told["beat"], told["notes"]) == (4.0, 8.0, 8.0, 2)
        assert desk.context.music["bpm"] == 120.0
        assert desk.notes.state is None

    run(work)


def test_only_the_named_input_counts(desk_in):
    async def work():
        desk = desk_in(beat=0.0)
        await desk.begin(input="midi:keys", bars=1)
        desk.play(0.5, 0x90, 50, 90, port="Pads")
        desk.play(1.0, 0x90, 60, 90)
        desk.locate(4.0)
        path, _, told = await desk.captured()
        assert notes_of(path) == [(1.0, 60, 90)]
        assert told["input"] == "midi:keys"

    run(work)


def test_without_a_song_it_begins_with_the_first_note_and_ends_when_told(desk_in):
    async def work():
        desk = desk_in()
        desk.context.apply("tempo", {"bpm": 90.0, "beats": 3, "unit": 4})
        desk.line = Line(bar_beats=3.0)
        await desk.begin()
        desk.notes.hear(PORT, bytes((0x90, 60, 70)), 100.0)
        desk.notes.hear(PORT, bytes((0x80, 60, 0)), 101.0)
        desk.now_s = 101.9
        await desk.notes.end()
        path, seconds, told = await desk.captured()
        assert told["quarters"] == 3
        assert seconds == pytest.approx(2.0)
        score = mido.MidiFile(path)
        metre = next(m for m in score.tracks[0] if m.type == "time_signature")
        assert (metre.numerator, metre.denominator) == (3, 4)
        assert score.length == pytest.approx(2.0, abs=0.01)
        assert desk.context.music["bpm"] == 90.0

    run(work)


def test_an_end_that_is_told_waits_for_the_bar_line(desk_in):
    async def work():
        desk = desk_in(beat=4.0)
        await desk.begin(when="bar")
        desk.play(4.0, 0x90, 60, 90)
        desk.locate(9.0)
        await desk.notes.end()
        assert desk.notes.state == "recording"
        desk.play(11.0, 0x80, 60, 0)
        desk.locate(12.0)
        _, _, told = await desk.captured()
        assert told["quarters"] == 8

    run(work)


def test_it_ends_with_the_transport(desk_in):
    async def work():
        desk = desk_in(beat=4.0)
        await desk.begin(when="bar")
        desk.play(5.0, 0x90, 60, 90)
        desk.locate(5.5, playing=False)
        path, _, told = await desk.captured()
        assert notes_of(path) == [(1.0, 60, 90)]
        assert told["quarters"] == 4

    run(work)


def test_armed_over_a_standing_transport_it_begins_when_that_runs(desk_in):
    async def work():
        desk = desk_in()
        await desk.begin(when="bar", bars=1)
        desk.notes.hear(PORT, bytes((0x90, 40, 90)), 100.0)
        desk.locate(2.5)
        desk.play(4.0, 0x90, 60, 90)
        desk.locate(8.0)
        path, _, told = await desk.captured()
        assert told["beat"] == 4.0
        assert notes_of(path) == [(0.0, 60, 90)]

    run(work)


def test_the_bar_line_on_which_the_song_is_started_counts(desk_in):
    """Beat 8 was at 100 s, told 60 ms later; the first note came before that."""

    async def work():
        desk = desk_in()
        await desk.begin(when="bar", bars=1)
        desk.notes.hear(PORT, bytes((0x90, 60, 90)), 100.01)
        desk.now_s = 100.06
        desk.locate(8.12)
        desk.play(9.0, 0x90, 62, 90)
        desk.locate(12.0)
        path, _, told = await desk.captured()
        assert told["beat"] == 8.0
        assert notes_of(path) == [(pytest.approx(0.02, abs=2e-3), 60, 90), (1.0, 62, 90)]

    run(work)


def test_over_the_region_where_the_daw_has_it(desk_in):
    """The source lies at beat 32; its seconds 1 to 3 are beats 34 to 38 at 120."""

    async def work():
        desk = desk_in(beat=40.0)
        desk.context.apply("region", {"source": "/a.wav", "start": 1.0, "end": 3.0})
        desk.context.apply("place", {"seconds": 16.0, "beat": 32.0})
        await desk.begin(when="region")
        desk.play(41.0, 0x90, 40, 90)
        assert desk.notes.state == "armed"
        desk.locate(33.0)
        desk.play(34.5, 0x90, 60, 90)
        desk.locate(38.0)
        path, _, told = await desk.captured()
        assert (told["beat"], told["quarters"]) == (34.0, 4.0)
        assert notes_of(path) == [(0.5, 60, 90)]

    run(work)


def test_a_region_follows_the_tempo_map(desk_in):
    async def work():
        desk = desk_in(beat=0.0)
        desk.context.apply("region", {"source": "/a.wav", "start": 1.0, "end": 3.0})
        desk.context.apply("place", {"seconds": 0.0, "beat": 0.0})
        rows = ((0.0, 60.0, 4, 4, 0), (2.0, 120.0, 4, 4, 0))
        desk.context.apply("tempomap", {"map": rows})
        await desk.begin(when="region")
        desk.play(1.0, 0x90, 60, 90)
        desk.locate(4.0)
        _, _, told = await desk.captured()
        assert (told["beat"], told["quarters"]) == (1.0, 3.0)

    run(work)


@pytest.mark.parametrize(
    ("prepare", "args", "code"),
    [
        (lambda _: None, {"input": "midi:Organ"}, 403),
        (lambda _: None, {"when": "region"}, 107),
        (
            lambda c: c.apply("region", {"source": "/a.wav", "start": 1.0, "end": 3.0}),
            {"when": "region"},
            101,
        ),
    ],
)
def test_what_can_not_be_recorded_is_told(desk_in, prepare, args, code):
    async def work():
        desk = desk_in()
        prepare(desk.context)
        with pytest.raises(PunchinError) as caught:
            await desk.begin(**args)
        assert caught.value.code == code
        assert desk.notes.state is None

    run(work)


def test_one_at_a_time_and_an_end_needs_a_beginning(desk_in):
    async def work():
        desk = desk_in(beat=1.0)
        with pytest.raises(PunchinError):
            await desk.notes.end()
        await desk.begin(when="bar")
        with pytest.raises(PunchinError) as caught:
            await desk.begin(when="bar")
        assert caught.value.code == 101
        await desk.notes.end()
        assert "before it began" in (await desk.refusal()).message
        with contextlib.suppress(asyncio.QueueEmpty):
            raise AssertionError(desk.asker.heard.get_nowait())
        assert "melody" not in desk.context.defaults

    run(work)


def test_without_a_note_nothing_is_kept(desk_in, tmp_path):
    async def work():
        desk = desk_in(beat=0.0)
        await desk.begin(when="bar", bars=1)
        desk.play(0.5, 0x80, 60, 0)
        desk.locate(4.0)
        assert (await desk.refusal()).code == 101

    run(work)
    assert not (tmp_path / "captures").exists()


def test_a_folder_that_can_not_be_made_is_told(desk_in, tmp_path):
    (tmp_path / "captures").write_text("a file")

    async def work():
        desk = desk_in(beat=0.0)
        await desk.begin(bars=1)
        desk.play(0.0, 0x90, 60, 90)
        desk.locate(4.0)
        assert (await desk.refusal()).code in (400, 401)

    run(work)


@pytest.mark.parametrize(
    ("quarters", "told", "metre"),
    [(4.0, None, (4, 4)), (3.0, None, (3, 4)), (3.0, "6/8", (6, 8)), (3.5, None, (7, 8)),
     (4.0, "6/8", (4, 4)), (2.25, None, (9, 16))],
)  # fmt: skip
def test_the_metre_is_that_of_the_bars(quarters, told, metre):
    from daemon.core.note_capture import _metre

    assert _metre(quarters, told) == metre


def test_what_was_played_while_the_daemon_stood_still_is_kept(desk_in):
    """It wakes behind the end, and reads only then what came meanwhile."""

    async def work():
        desk = desk_in(beat=0.0)
        await desk.begin(when="bar", bars=1)
        desk.play(0.0, 0x90, 60, 90)
        desk.now_s += 3.0  # beat 6
        desk.notes._look()
        desk.play(2.0, 0x90, 62, 80)
        path, _, _ = await desk.captured()
        assert notes_of(path) == [(0.0, 60, 90), (2.0, 62, 80)]

    run(work)
