"""What sketch does ahead of a job: it listens once, changes no sample, and soon lets go."""

import threading

import numpy as np
import pytest
import soundfile
from engine_desk import ODE, RATE, Desk, band, request_of, voice, whole

from daemon.audio.probe import probe
from daemon.core.planner import plan
from daemon.engines.base import Cancelled, Span
from daemon.engines.sketch import SketchEngine
from daemon.engines.sketch.jobs import studio as studio_module
from daemon.engines.sketch.listen import ear
from daemon.engines.sketch.render.bank import Bank
from daemon.worker.ahead import QuietPort, prepare
from daemon.worker.clip import Shelf
from daemon.worker.perform import perform
from daemon.worker.port import JobPort

TOLD = {"bpm": 120.0, "downbeat": 0.0}
REGION = {"start": 4.0, "end": 6.0}
JOBS = {
    "repaint": ("repaint", {**TOLD, **REGION}),
    "repaint, untold": ("repaint", REGION),
    "repaint, new": ("repaint", {**TOLD, **REGION, "strength": 0.9}),
    "extend": ("extend", {**TOLD, "side": "both", "bars": 2}),
    "bgm": ("bgm", {}),
    "layer": ("layer", {**TOLD, "track": "keyboard"}),
    "cover": ("cover", TOLD),
    "retake": ("retake", TOLD),
    "stems": ("stems", TOLD),
    "analyze": ("analyze", {}),
    "generate": ("generate", {"seconds": 4.0, "prompt": "jazz"}),
}


class Inbox:
    """The control plane's end of the channel."""

    def __init__(self):
        self.said = []

    def send(self, header, payload=b""):
        if header["kind"] != "progress":
            self.said.append((dict(header), bytes(payload)))


@pytest.fixture
def song(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, band(8), RATE, "PCM_24")
    return path


def work_of(path, name, seed=1):
    op, keys = JOBS[name]
    source = None if op == "generate" else probe(str(path))
    return plan(op, {"seed": seed, **keys}, source, 22_050)


def done(engine, work, clips=None):
    inbox = Inbox()
    perform(engine, work, 1, JobPort(inbox, threading.Event()), clips)
    return inbox.said


@pytest.fixture
def deaf(monkeypatch):
    """From now on nothing is listened to or measured."""

    def refuse(*_args, **_keys):
        raise AssertionError("it listens")

    def close():
        for name in ("listen", "gather", "hear_bars", "measured"):
            monkeypatch.setattr(studio_module, name, refuse)
        monkeypatch.setattr(ear, "gather", refuse)

    return close


@pytest.mark.parametrize("name", JOBS)
def test_a_prepared_job_listens_no_more_and_says_the_same(song, name, deaf):
    without = done(SketchEngine(), work_of(song, name))
    engine, clips = SketchEngine(), Shelf()
    prepare(engine, work_of(song, name, seed=7), QuietPort(lambda: False), clips)
    deaf()
    assert done(engine, work_of(song, name), clips) == without
    assert any(header["kind"] == "take" for header, _ in without)


def test_every_op_is_prepared():
    facts = SketchEngine().capabilities()
    assert {op for op, _ in JOBS.values()} == facts.prepares == facts.ops


# -- sounds of a style, made in spare time ---------------------------------------------------------

SPARE = QuietPort(lambda: False)
STYLED = {
    "selected": ("repaint", {**TOLD, **REGION, "prompt": "jazz"}),
    "selected, no prompt": ("repaint", {**TOLD, **REGION}),
    "nothing selected": ("generate", {"seconds": 4.0, "prompt": "house"}),
}


@pytest.fixture
def styled(song, monkeypatch):
    monkeypatch.setattr(f"{__name__}.JOBS", STYLED)
    return lambda name, seed: work_of(song, name, seed)


def made_by(engine, work):
    """How many sounds a job has made that were not there, and what it says."""
    before = engine._studio.bank.made if engine._studio else 0
    said = done(engine, work)
    return engine._studio.bank.made - before, said


@pytest.mark.parametrize("name", STYLED)
def test_in_spare_time_the_sounds_of_the_style_are_made(styled, name):
    """A job with a seed that nobody foresaw finds nearly all, and plays the same samples."""
    cold, expected = made_by(SketchEngine(), styled(name, 99))
    engine = SketchEngine()
    prepare(engine, styled(name, 1), SPARE, Shelf())
    known = engine._studio.bank.made
    engine.idle(SPARE)
    assert engine._studio.bank.made > known
    warm, said = made_by(engine, styled(name, 99))
    assert cold > 15
    assert warm <= 0.2 * cold
    assert said == expected


def test_while_a_job_may_be_heard_nothing_is_made(styled):
    engine, after = SketchEngine(), Desk()
    prepare(engine, styled("selected", 1), SPARE, Shelf())
    done(engine, styled("selected", 2))
    engine.idle(after)
    assert after.checks <= 1


def test_spare_time_is_used_once(styled):
    engine = SketchEngine()
    prepare(engine, styled("selected", 1), SPARE, Shelf())
    engine.idle(SPARE)
    again = Desk()
    engine.idle(again)
    assert again.checks <= 1


def test_what_gave_way_goes_on_when_there_is_time_again(styled):
    engine, whole_way = SketchEngine(), Desk()
    prepare(engine, styled("selected", 1), SPARE, Shelf())
    with pytest.raises(Cancelled):
        engine.idle(Desk(cancel_at=200))
    engine.idle(whole_way)
    other = SketchEngine()
    prepare(other, styled("selected", 1), SPARE, Shelf())
    other.idle(SPARE)
    assert set(engine._studio.bank._sounds) == set(other._studio.bank._sounds)


def test_sounds_made_in_spare_time_push_out_no_others(styled):
    engine = SketchEngine()
    engine.load(None, Desk())
    bank = engine._studio.bank = Bank(limit_bytes=24 << 20)
    prepare(engine, styled("nothing selected", 1), SPARE, Shelf())
    known = set(bank._sounds)
    assert 0.5 < bank.share < 1
    engine.idle(SPARE)
    assert known <= set(bank._sounds)


@pytest.mark.parametrize("name", ["stems", "analyze"])
def test_where_no_instrument_plays_none_is_made(song, name):
    engine = SketchEngine()
    engine.load(None, Desk())
    prepare(engine, work_of(song, name), SPARE, Shelf())
    made = engine._studio.bank.made
    engine.idle(SPARE)
    assert engine._studio.bank.made == made


def test_the_next_job_on_a_clip_of_unknown_tempo_does_not_listen_again(song, deaf):
    engine = SketchEngine()
    done(engine, work_of(song, "repaint, untold"))
    deaf()
    assert done(engine, work_of(song, "repaint, untold", seed=2))


def test_a_tempo_that_is_told_later_counts(song):
    """What was heard without a tempo is not taken for what is heard with one."""
    engine, fresh = SketchEngine(), SketchEngine()
    slower = plan("repaint", {"seed": 1, **REGION, "bpm": 60.0}, probe(str(song)), 44_100)
    prepare(engine, work_of(song, "repaint, untold"), QuietPort(lambda: False), Shelf())
    assert done(engine, slower) == done(fresh, slower)


def test_few_clips_are_remembered():
    engine, long = SketchEngine(), round(1.5 * RATE)
    for gain in np.linspace(0.2, 1.0, 7, dtype=np.float32):
        clip = gain * band(1)[:long]
        engine.listen(clip, RATE, None, None, {}, Desk())
        engine.prepare(request_of("analyze", clip, whole(clip)), Desk())
    assert len(engine._studio.heard) == len(engine._studio.bars) == 4
    for i in range(6):
        clip, span = band(1)[i:], Span(RATE // 2, RATE)
        engine.prepare(request_of("repaint", clip, (span,)), Desk())
    assert len(engine._studio.around) == 4


def test_the_clips_heard_last_are_those_remembered():
    engine, long = SketchEngine(), round(1.5 * RATE)
    for gain in np.linspace(0.2, 1.0, 7, dtype=np.float32):
        clip = gain * band(1)[:long]
        engine.prepare(request_of("analyze", clip, whole(clip)), Desk())
    found = [heard.loudness_lufs for heard in engine._studio.heard.values()]
    assert found == sorted(found)  # those of the loudest, which were the last
    assert found[0] > found[-1] - 8


def gave_way(request, share, checks):
    """An engine whose preparation gave way at a share of its checks.

    There are the fewer, the less it waits for what it does beside.
    """
    while True:
        engine, port = SketchEngine(), Desk(cancel_at=int(share * checks))
        try:
            engine.prepare(request, port)
        except Cancelled:
            return engine
        assert 0 < port.checks < checks
        checks = port.checks


def test_a_preparation_gives_way_wherever_it_is_and_harms_nothing():
    clip, span = voice(ODE), Span(2 * RATE, 4 * RATE)
    request = request_of("repaint", clip, (span,))
    heard = Desk()
    SketchEngine().run(request, heard)
    whole_way = Desk()
    SketchEngine().prepare(request, whole_way)
    assert whole_way.chunks == []
    for share in (0.0, 0.3, 0.6, 0.9):
        engine, after = gave_way(request, share, whole_way.checks), Desk()
        engine.run(request, after)
        assert np.array_equal(after.sounds()["region"], heard.sounds()["region"])
