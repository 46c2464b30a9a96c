"""The engine as the worker sees it: jobs cover their spans, repeat themselves, can be stopped."""

import json
import subprocess
import sys
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from bridge.protocol.errors import PunchinError
from daemon.audio.grid import Grid, TempoPoint
from daemon.audio.loudness import integrated_lufs, true_peak_db
from daemon.engines.base import Cancelled, Chunk, Request, Result, Span
from daemon.engines.sketch import SketchEngine
from daemon.engines.sketch.plan.codec import plan_from_json
from daemon.engines.sketch.plan.types import STEM_KINDS

RATE = 22050
HANDLE = 700
ENGINE = SketchEngine()


class Desk:
    """A port that remembers what it was given and can cancel at a given check."""

    def __init__(self, cancel_at: int | None = None) -> None:
        self.chunks: list[Chunk] = []
        self.fractions: list[float] = []
        self.stages: list[str] = []
        self.checks = 0
        self._cancel_at = cancel_at

    def check(self) -> None:
        self.checks += 1
        if self._cancel_at is not None and self.checks > self._cancel_at:
            raise Cancelled

    def progress(self, fraction: float, stage: str) -> None:
        self.fractions.append(fraction)
        self.stages.append(stage)

    def emit(self, chunk: Chunk) -> None:
        assert chunk.samples.dtype == np.float32
        assert np.isfinite(chunk.samples).all()
        self.chunks.append(chunk)

    def sounds(self) -> dict[str, np.ndarray]:
        """Everything of one role in one array."""
        pieces = defaultdict(list)
        for chunk in self.chunks:
            pieces[chunk.role].append(chunk.samples)
        return {role: np.concatenate(parts) for role, parts in pieces.items()}


def _tone(midi: float, seconds: float, level: float = 0.25) -> np.ndarray:
    """A sung tone: ten harmonics with vibrato, a soft attack and release."""
    t = np.arange(round(seconds * RATE)) / RATE
    turn = 2 * np.pi * 440 * 2 ** ((midi - 69) / 12) * (t - 0.0004 * np.cos(2 * np.pi * 5.5 * t))
    x = sum(np.sin(k * turn) / k**1.3 for k in range(1, 11))
    edge = np.minimum(1, np.minimum(t, t[::-1]) / 0.02)
    return np.asarray(level * x * edge)


def _voice(pitches: list[int], bpm: float = 120, quarters: float = 1.0) -> np.ndarray:
    length = quarters * 60 / bpm
    x = np.concatenate([_tone(p, length) for p in pitches]).astype(np.float32)
    return np.stack([x, x], axis=1)


def _band(bars: int = 8, bpm: float = 120, drums: bool = True) -> np.ndarray:
    """A loop of four chords with a bass and, if wanted, a click on every beat."""
    chords = [(48, 60, 64, 67), (43, 59, 62, 67), (45, 60, 64, 69), (41, 60, 65, 69)]
    bar_s = 240 / bpm
    out = np.zeros(round(bars * bar_s * RATE))
    rng = np.random.Generator(np.random.PCG64(1))
    hit = rng.standard_normal(1500) * np.exp(-np.arange(1500) / 250) * 0.3
    for i in range(bars):
        at = round(i * bar_s * RATE)
        for pitch in chords[i % 4]:
            for beat in range(4):
                x = _tone(pitch, bar_s / 4, 0.06)
                a = at + round(beat * bar_s / 4 * RATE)
                out[a : a + len(x)] += x[: len(out) - a]
        for beat in range(4 * drums):
            a = at + round(beat * bar_s / 4 * RATE)
            out[a : a + 1500] += hit[: len(out) - a]
    x32 = out.astype(np.float32)
    return np.stack([x32, 0.9 * x32], axis=1)


ODE = [64, 64, 65, 67, 67, 65, 64, 62, 60, 60, 62, 64, 64, 62, 62, 62]


def _request(op: str, clip: np.ndarray, spans: tuple[Span, ...], **more: object) -> Request:
    given = {
        "rate": RATE, "handle": HANDLE, "grid": Grid.steady(120), "grid_told": True, "key": None,
        "seed": 1, "options": {},
    }  # fmt: skip
    return Request(op, clip, spans=spans, **{**given, **more})  # type: ignore[arg-type]


def _run(request: Request) -> tuple[Result, Desk]:
    desk = Desk()
    result = ENGINE.run(request, desk)
    assert desk.fractions == sorted(desk.fractions)
    assert desk.fractions[-1] == 1.0
    for span in request.spans:
        begin = span.start - HANDLE
        for role, sound in desk.sounds().items():
            first = next(c.start for c in desk.chunks if c.role == role)
            if len(request.spans) == 1:
                assert first == begin
                assert sound.shape == (span.frames + 2 * HANDLE, 2)
    return result, desk


def _empty() -> np.ndarray:
    return np.zeros((0, 2), np.float32)


def _whole(clip: np.ndarray) -> tuple[Span, ...]:
    return (Span(0, len(clip)),)


def _mix(desk: Desk) -> np.ndarray:
    return sum(desk.sounds().values())[HANDLE:-HANDLE]  # type: ignore[index]


def test_importing_the_engine_needs_no_heavy_package() -> None:
    code = (
        "import sys; from daemon.engines.sketch import SketchEngine; "
        "print(SketchEngine().capabilities().name, SketchEngine().rate_for(96000)); "
        "assert not {'scipy', 'soxr', 'mido'} & set(sys.modules), 'heavy import'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["sketch", "48000"]


@pytest.mark.parametrize(
    ("source", "own"),
    [(8000, 32000), (16000, 32000), (22050, 22050), (44100, 44100), (48000, 48000),
     (88200, 44100), (96000, 48000), (176400, 44100), (192000, 48000)],
)  # fmt: skip
def test_the_rate_follows_the_source(source: int, own: int) -> None:
    assert ENGINE.rate_for(source) == own


def test_it_loads_on_the_cpu_again_and_again() -> None:
    engine = SketchEngine()
    assert [engine.load(None, Desk()) for _ in range(2)] == ["cpu", "cpu"]
    engine.unload()
    assert engine.load(None, Desk()) == "cpu"


def test_an_op_that_it_lacks_names_an_engine_that_has_it() -> None:
    with pytest.raises(PunchinError) as told:
        ENGINE.run(_request("cover", _voice(ODE), _whole(_voice(ODE))), Desk())
    assert told.value.code == 301
    assert "acestep" in told.value.message


def test_generate_makes_stems_a_plan_and_midi() -> None:
    frames = 16 * RATE
    options = {"prompt": "sad lo-fi", "lyrics": "[verse]\nla\n[chorus]\nla\n"}
    result, desk = _run(_request("generate", _empty(), (Span(0, frames),), options=options))
    stems = [role.removeprefix("stem:").split("-")[0] for role in desk.sounds()]
    assert {"drums", "bass", "keyboard"} <= set(stems) <= set(STEM_KINDS)
    mix = _mix(desk)
    assert integrated_lufs(mix, RATE) == pytest.approx(-16, abs=0.5)
    assert true_peak_db(mix, RATE) <= -1.0
    plan = plan_from_json(str(result.documents["plan"]))
    assert plan.style == "lofi"
    assert result.key is not None
    assert result.key.endswith("minor")
    assert bytes(result.documents["midi"])[:4] == b"MThd"  # type: ignore[arg-type]
    assert any("not sung" in note for note in result.notes)
    assert any("Lo-fi" in note for note in result.notes)
    assert {"arranging", "rendering", "mixing"} <= set(desk.stages)


def test_the_same_seed_gives_the_same_samples_and_another_does_not() -> None:
    request = _request("generate", _empty(), (Span(0, 6 * RATE),), key="E minor")
    first, again = _run(request)[1].sounds(), _run(request)[1].sounds()
    fresh = Desk()
    SketchEngine().run(request, fresh)
    assert all(np.array_equal(first[role], again[role]) for role in first)
    assert all(np.array_equal(first[role], fresh.sounds()[role]) for role in first)
    other = _run(replace(request, seed=2))[1].sounds()
    assert any(not np.array_equal(first[role], other.get(role)) for role in first)


def test_a_backing_follows_the_voice_and_stays_below_it() -> None:
    clip = _voice(ODE)
    result, desk = _run(_request("bgm", clip, _whole(clip), options={"prompt": "pop"}))
    assert result.key == "C major"
    stems = {role.split(":")[1] for role in desk.sounds()}
    assert {"drums", "bass", "keyboard", "pad"} <= stems
    mix = _mix(desk)
    voice = integrated_lufs(clip, RATE)
    assert voice is not None
    assert integrated_lufs(mix, RATE) == pytest.approx(voice - 3, abs=1.0)
    assert true_peak_db(mix + clip, RATE) <= -0.9
    plan = plan_from_json(str(result.documents["plan"]))
    chords = {c.name for c in plan.chords}
    assert chords <= {"C", "F", "G", "Am", "Dm", "Em"}
    assert len(chords) >= 2


def test_a_told_key_wins() -> None:
    clip = _voice(ODE)
    result, _ = _run(_request("bgm", clip, _whole(clip), key="A minor"))
    assert result.key == "A minor"
    plan = plan_from_json(str(result.documents["plan"]))
    assert plan.chords[-1].name in ("Am", "E", "Em", "F", "Dm", "G", "C")
    assert plan.key == "A minor"


def test_without_a_melody_the_styles_loop_is_played_and_said() -> None:
    clip = np.zeros((8 * RATE, 2), np.float32)
    result, desk = _run(_request("bgm", clip, _whole(clip), key="D major"))
    assert any("No melody" in note and "D major" in note for note in result.notes)
    assert integrated_lufs(_mix(desk), RATE) is not None


@pytest.mark.parametrize("side", ["after", "before", "both"])
def test_extend_covers_its_spans_and_joins_on_the_clip(side: str) -> None:
    clip = _band()
    new = 4 * RATE
    spans = {
        "after": (Span(len(clip), len(clip) + new),),
        "before": (Span(-new, 0),),
        "both": (Span(-new, 0), Span(len(clip), len(clip) + new)),
    }[side]
    _, desk = _run(_request("extend", clip, spans, key="C major"))
    sound = desk.sounds()["region"]
    assert len(sound) == sum(s.frames + 2 * HANDLE for s in spans)
    if side in ("after", "both"):
        start = 0 if side == "after" else new + 2 * HANDLE
        assert np.array_equal(sound[start : start + HANDLE], clip[-HANDLE:])
    if side in ("before", "both"):
        assert np.array_equal(sound[new + HANDLE : new + 2 * HANDLE], clip[:HANDLE])
    loud, new_loud = integrated_lufs(clip, RATE), integrated_lufs(sound, RATE)
    assert new_loud == pytest.approx(loud, abs=2.0)


def test_extend_writes_new_parts_where_a_voice_stands_alone() -> None:
    clip = _voice(ODE)
    result, desk = _run(_request("extend", clip, (Span(len(clip), len(clip) + 2 * RATE),)))
    assert any("new parts" in note for note in result.notes)
    assert integrated_lufs(desk.sounds()["region"], RATE) is not None


def test_repaint_fits_the_clip() -> None:
    clip = _band()
    span = Span(4 * RATE, 8 * RATE)
    _, desk = _run(_request("repaint", clip, (span,), key="C major"))
    region = desk.sounds()["region"][HANDLE:-HANDLE]
    assert integrated_lufs(region, RATE) == pytest.approx(integrated_lufs(clip, RATE), abs=1.5)


def test_repaint_by_prompt_takes_the_clips_level_and_leaves_out_drums_it_has_not() -> None:
    clip = _band(drums=False)
    span = Span(4 * RATE, 8 * RATE)
    options = {"prompt": "rock", "strength": 1.0}
    result, desk = _run(_request("repaint", clip, (span,), key="C major", options=options))
    region = desk.sounds()["region"][HANDLE:-HANDLE]
    assert integrated_lufs(region, RATE) == pytest.approx(integrated_lufs(clip, RATE), abs=1.0)
    assert any("Rock" in note for note in result.notes)


def test_analyze_returns_the_protocols_fields() -> None:
    result, _ = _run(_request("analyze", _band(), ()))
    assert result.analysis is not None
    text = json.dumps(result.analysis)
    assert {"bpm", "meter", "key", "chords", "notes", "loudness_lufs", "voiced"} <= json.loads(
        text
    ).keys()


def test_listen_finds_bars() -> None:
    heard = ENGINE.listen(_band(), RATE, 120.0, (4, 4), {}, Desk())
    assert heard.grid.tempo_at(0) == 120
    assert 0 <= heard.confidence <= 1


def test_several_takes_of_a_clip_listen_once() -> None:
    clip = _voice(ODE[3:13])
    fresh, warm = Desk(), Desk()
    for seed, desk in ((1, fresh), (2, warm)):
        ENGINE.run(_request("analyze", clip, (), seed=seed), desk)
    assert warm.checks < fresh.checks


@pytest.mark.parametrize("op", ["generate", "bgm", "extend", "repaint"])
def test_a_cancelled_job_ends_at_the_next_check(op: str) -> None:
    clip = _empty() if op == "generate" else _band()
    span = {
        "generate": Span(0, 4 * RATE),
        "bgm": Span(0, len(clip)),
        "extend": Span(len(clip), len(clip) + RATE),
        "repaint": Span(RATE, 3 * RATE),
    }[op]
    desk = Desk(cancel_at=5)
    with pytest.raises(Cancelled):
        ENGINE.run(_request(op, clip, (span,)), desk)
    assert desk.checks == 6


GRIDS = {
    "3/4": Grid.steady(96, 3, 4, downbeat=0.4),
    "6/8": Grid.steady(70, 6, 8),
    "map": Grid((TempoPoint(0, 100), TempoPoint(2, 140, 3, 4, True), TempoPoint(4, 80, 7, 8))),
    "slow": Grid.steady(30),
    "fast": Grid.steady(290),
}
CLIPS = {
    "band": _band(2),
    "voice": _voice(ODE[:8]),
    "silence": np.zeros((3 * RATE, 2), np.float32),
    "short": _voice([60], quarters=1.0),
    "tiny": _voice([60])[:300],
}


ODD = [("band", grid) for grid in GRIDS] + [(clip, "map") for clip in CLIPS if clip != "band"]


@pytest.mark.parametrize(("clip", "grid"), ODD)
@pytest.mark.parametrize("op", ["bgm", "extend", "repaint"])
def test_odd_clips_and_grids_still_give_finite_sound(op: str, clip: str, grid: str) -> None:
    samples = CLIPS[clip]
    frames = len(samples)
    span = {
        "bgm": Span(0, frames),
        "extend": Span(frames, frames + RATE),
        "repaint": Span(frames // 4, frames // 2),
    }[op]
    _run(_request(op, samples, (span,), grid=GRIDS[grid]))


def test_samples_that_are_not_finite_do_not_spread() -> None:
    clip = _band(4)
    clip[1000:1010] = np.nan
    for op, span in (("bgm", Span(0, len(clip))), ("extend", Span(len(clip), len(clip) + RATE))):
        _run(_request(op, clip, (span,)))
