"""The contract of an engine, held by every engine that can be found: `daemon/engines/base.py`."""

import ast
import contextlib
import importlib.util
import itertools
import json
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge.protocol.errors import PunchinError
from bridge.protocol.ops import KEY, OPS
from daemon.audio.clips import HeldClip
from daemon.audio.grid import Grid
from daemon.engines import registry
from daemon.engines.base import Cancelled, Chunk, Heard, Request, Result, Span

ROOT = Path(__file__).resolve().parents[2]
BROKEN = {"unimportable", "bomb"}
NAMES = sorted(registry.doors().keys() - BROKEN)
ALL_OPS = {op.name for op in OPS}
HEAVY = ("torch", "torchaudio", "scipy", "soxr", "pyloudnorm", "diffusers", "transformers")
REGION_OPS = {"repaint", "extend", "cover", "retake", "edit"}
RATE = 22050
SECONDS = 8.0
HANDLE = 1103
ROLES = ("drums", "bass", "keyboard")


class Recorder:
    """A port that keeps what an engine says, and cancels at the n-th check if told so."""

    def __init__(self, cancel_at=None):
        self.chunks = []
        self.told = []
        self.checks = 0
        self.cancel_at = cancel_at
        self.cancelled_at_s = None
        self.thread = threading.get_ident()

    def check(self):
        assert threading.get_ident() == self.thread, "a port belongs to one thread"
        self.checks += 1
        if self.cancel_at is not None and self.checks >= self.cancel_at:
            self.cancelled_at_s = self.cancelled_at_s or time.perf_counter()
            raise Cancelled

    def progress(self, fraction, stage):
        self.check()
        self.told.append((fraction, stage))

    def emit(self, chunk):
        self.check()
        assert isinstance(chunk, Chunk)
        self.chunks.append(chunk)


def _clip():
    """Eight seconds of a tune over bass and clicks at 120 quarter notes a minute."""
    rng = np.random.Generator(np.random.PCG64(11))
    t = np.arange(round(SECONDS * RATE)) / RATE
    out = 0.002 * rng.standard_normal(len(t))
    roots = np.repeat([220.0, 174.61, 261.63, 196.0], len(t) // 4)
    for part, gain in ((0.5, 0.15), (1.0, 0.1), (1.25, 0.07), (1.5, 0.07)):
        out[: len(roots)] += gain * np.sin(2 * np.pi * roots * part * t[: len(roots)])
    beat = (t * 2) % 1.0
    out += 0.3 * np.exp(-beat * 40) * rng.standard_normal(len(t))
    return np.stack([out, 0.9 * out], axis=1).astype(np.float32)


CLIP = _clip()
NOTHING = np.zeros((0, 2), np.float32)
SPANS = {
    "repaint": (Span(round(2 * RATE), round(4 * RATE)),),
    "edit": (Span(round(2 * RATE), round(4 * RATE)),),
    "extend": (Span(-round(2 * RATE), 0), Span(len(CLIP), len(CLIP) + round(2 * RATE))),
    "generate": (Span(0, round(4 * RATE)),),
    "analyze": (),
}
OPTIONS = {
    "generate": {"prompt": "calm pop", "seconds": 4.0},
    "cover": {"prompt": "folk", "strength": 0.5},
    "retake": {"strength": 0.3},
    "edit": {"prompt": "folk", "lyrics": "la la"},
    "layer": {"track": "bass"},
    "stems": {"stems": ("drums", "bass")},
}


def _request(op, seed=7):
    clip = NOTHING if op == "generate" else CLIP
    return Request(
        op=op,
        clip=clip,
        rate=RATE,
        spans=SPANS.get(op, (Span(0, len(clip)),)),
        handle=0 if op == "analyze" else HANDLE,
        grid=Grid.steady(120.0),
        grid_told=True,
        key=None,
        seed=seed,
        options=OPTIONS.get(op, {}),
    )


@pytest.fixture(scope="module", params=NAMES)
def engine(request):
    """Each engine, loaded once."""
    made = registry.make(request.param)
    facts = made.capabilities()
    if facts.needs_model:
        pytest.skip(f"NOT TESTED, the engine {facts.name} needs a model")
    made.load(None, Recorder())
    yield made
    made.unload()


def _ops(engine):
    return sorted(engine.capabilities().ops, key=[op.name for op in OPS].index)


PERFORMED = {}


def _performed(engine, op):
    """One run of an op, kept: several tests look at it."""
    key = (engine.capabilities().name, op)
    if key not in PERFORMED:
        port = Recorder()
        PERFORMED[key] = (engine.run(_request(op), port), port)
    return PERFORMED[key]


def _takes_by_role(port):
    found = {}
    for chunk in port.chunks:
        if not chunk.provisional:
            found.setdefault(chunk.role, []).append(chunk)
    return found


# -- before anything is loaded -------------------------------------------------------------------


def test_both_engines_are_held():
    assert {"fake", "sketch"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_capabilities_come_before_load_as_plain_data(name):
    facts = registry.make(name).capabilities()
    assert json.loads(json.dumps(facts.as_dict(), allow_nan=False)) == facts.as_dict()
    assert facts.name == name
    assert facts.version
    assert facts.summary
    assert "\n" not in facts.summary
    assert facts.ops
    assert facts.ops <= ALL_OPS
    assert facts.keys <= KEY.keys()
    assert facts.context_s >= 0
    assert facts.bandwidth_hz is None or facts.bandwidth_hz > 1000


@pytest.mark.parametrize("name", NAMES)
def test_its_door_imports_nothing_heavy(name):
    module, _, attribute = registry.doors()[name].value.partition(":")
    code = (
        f"import sys; from {module} import {attribute}; {attribute}().capabilities(); "
        f"print(*sys.modules)"
    )
    path = [str(ROOT), str(ROOT / "tests" / "plugin")]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}; {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert [m for m in done.stdout.split() if m.split(".")[0] in HEAVY] == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rate", [8000, 11025, 22050, 32000, 44100, 48000, 96000, 192000])
def test_it_names_a_rate_for_every_source(name, rate):
    wanted = registry.make(name).rate_for(rate)
    assert isinstance(wanted, int)
    assert 8000 <= wanted <= 192000


# -- loading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_it_loads_twice_and_unloads(name):
    made = registry.make(name)
    if made.capabilities().needs_model:
        pytest.skip(f"NOT TESTED, the engine {name} needs a model")
    before = made.capabilities()
    port = Recorder()
    device = made.load(None, port)
    assert device
    assert made.load(None, port) == device
    made.unload()
    made.unload()
    assert made.load(None, port) == device
    assert made.capabilities() == before
    made.unload()


# -- running -------------------------------------------------------------------------------------


def test_every_op_covers_its_spans_in_order(engine):
    for op in _ops(engine):
        _, port = _performed(engine, op)
        request = _request(op)
        for role, chunks in _takes_by_role(port).items():
            where = (engine.capabilities().name, op, role)
            for chunk in chunks:
                assert chunk.samples.dtype == np.float32, where
                assert chunk.samples.ndim == 2, where
                assert chunk.samples.shape[1] == 2, where
                assert np.isfinite(chunk.samples).all(), where
                assert np.abs(chunk.samples).max(initial=0) < 10, where
            ends = [(c.start, c.start + len(c.samples)) for c in chunks]
            for (_, end), (start, _) in itertools.pairwise(ends):
                assert start >= end, (where, "chunks overlap or are out of order")
            for span in request.spans:
                _assert_covered(span, request.handle, ends, where)


def _assert_covered(span, handle, ends, where):
    """The chunks hold every frame of the span, and nothing beyond its handles."""
    mine = [(a, b) for a, b in ends if a < span.end + handle and b > span.start - handle]
    assert mine, (where, "nothing for a span")
    assert mine[0][0] >= span.start - handle, where
    assert mine[-1][1] <= span.end + handle, where
    assert mine[0][0] <= span.start, (where, "begins late")
    assert mine[-1][1] >= span.end, (where, "ends early")
    for (_, end), (start, _) in itertools.pairwise(mine):
        assert start == end, (where, "a hole")


def test_its_roles_are_those_of_the_op(engine):
    for op in _ops(engine):
        _, port = _performed(engine, op)
        roles = set(_takes_by_role(port))
        if op == "analyze":
            assert roles == set()
        elif op in REGION_OPS:
            assert roles == {"region"}
        elif op == "layer":
            assert roles == {"stem:bass"}
        elif op == "stems":
            assert roles == {"stem:drums", "stem:bass"}
        else:
            assert roles
            assert all(role.startswith("stem:") for role in roles)


def test_same_seed_same_samples_and_takes_differ(engine):
    for op in _ops(engine):
        if op == "analyze":
            continue
        _, first = _performed(engine, op)
        again = Recorder()
        engine.run(_request(op), again)
        for role, chunks in _takes_by_role(first).items():
            one = np.concatenate([c.samples for c in chunks])
            two = np.concatenate([c.samples for c in _takes_by_role(again)[role]])
            assert (one == two).all(), (op, role)
    other = Recorder()
    engine.run(_request("generate", seed=8), other)
    _, first = _performed(engine, "generate")
    assert any(
        role not in _takes_by_role(other)
        or not np.array_equal(
            np.concatenate([c.samples for c in chunks]),
            np.concatenate([c.samples for c in _takes_by_role(other)[role]]),
        )
        for role, chunks in _takes_by_role(first).items()
    )


def test_it_takes_a_clip_that_is_read_in_blocks_where_it_says_so(engine):
    """An engine that says nothing of blocks, like one from before there were any, gets arrays."""
    facts = engine.capabilities()
    assert facts.in_blocks <= facts.ops
    for op in sorted(facts.in_blocks):
        _, held = _performed(engine, op)
        port, request = Recorder(), _request(op)
        result = engine.run(replace(request, clip=_Pieces(request.clip, RATE)), port)
        assert (result.analysis is None) == (op != "analyze")
        for role, chunks in _takes_by_role(held).items():
            one = np.concatenate([c.samples for c in chunks])
            two = np.concatenate([c.samples for c in _takes_by_role(port)[role]])
            assert np.allclose(one, two, atol=1e-5), (op, role)


class _Pieces(HeldClip):
    """A clip that nobody has heard before, and that nobody may have as a whole."""

    digest = b"unheard"

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("the whole clip was asked for")


def test_it_leaves_the_clip_as_it_is(engine):
    before = CLIP.copy()
    for op in _ops(engine):
        _performed(engine, op)
    assert (before == CLIP).all()


def test_progress_goes_from_nought_to_one(engine):
    for op in _ops(engine):
        _, port = _performed(engine, op)
        fractions = [fraction for fraction, _ in port.told]
        assert fractions, op
        assert fractions == sorted(fractions), op
        assert fractions[0] >= 0, op
        assert fractions[-1] <= 1, op
        assert all(stage and len(stage) <= 40 for _, stage in port.told), op


def test_results_are_plain_data(engine):
    for op in _ops(engine):
        result, _ = _performed(engine, op)
        assert isinstance(result, Result)
        assert result.key is None or KEY["key"].kind.shape(result.key) == result.key
        assert all(isinstance(note, str) and "\n" not in note for note in result.notes)
        assert (result.analysis is not None) == (op == "analyze")
        for role, document in result.documents.items():
            assert role in ("plan", "midi", "recipe")
            if role != "midi":
                json.loads(document)
            else:
                assert bytes(document)[:4] == b"MThd"


def test_the_analysis_has_what_the_protocol_lists(engine):
    if "analyze" not in engine.capabilities().ops:
        pytest.skip("does no analyze")
    analysis = dict(_performed(engine, "analyze")[0].analysis)
    json.dumps(analysis, allow_nan=False)
    assert analysis.keys() >= {
        "bpm", "meter", "key", "key_confidence", "downbeats", "chords", "notes", "loudness_lufs",
        "peak_dbfs", "voiced",
    }  # fmt: skip
    assert 0 <= analysis["key_confidence"] <= 1
    assert 0 <= analysis["voiced"] <= 1
    assert analysis["downbeats"] == sorted(analysis["downbeats"])
    for row in analysis["chords"]:
        assert row.keys() >= {"start", "end", "name"}
        assert row["start"] < row["end"] <= SECONDS + 0.1
    for row in analysis["notes"]:
        assert row.keys() >= {"start", "end", "midi"}
        assert row["start"] < row["end"]


@pytest.mark.parametrize("bpm", [None, 120.0])
@pytest.mark.parametrize("metre", [None, (3, 4)])
@pytest.mark.parametrize("clip", [CLIP, NOTHING], ids=["clip", "nothing"])
def test_it_listens(engine, clip, bpm, metre):
    heard = engine.listen(clip, RATE, bpm, metre, {}, Recorder())
    assert isinstance(heard, Heard)
    assert 0 <= heard.confidence <= 1
    assert 20 <= heard.grid.tempo_at(0.0) <= 400
    if bpm is not None:
        assert heard.grid.tempo_at(0.0) == pytest.approx(bpm)
    if metre is not None:
        assert heard.grid.metre_at(0.0) == metre


def _cancelled(run, share, checks):
    """The port of a run that was cancelled at a share of its checks.

    A run has fewer than the one before where that had to hear its clip first, or waited longer for
    what it does beside; then its own number counts.
    """
    while True:
        port = Recorder(cancel_at=max(1, int(share * checks)))
        with contextlib.suppress(Cancelled):
            run(port)
        assert port.checks <= port.cancel_at, "it went on after the cancel"
        if port.cancelled_at_s is not None:
            return port
        assert port.checks, "never checks"
        checks = port.checks


def test_a_cancel_ends_every_op_at_the_next_check(engine, capsys):
    slowest = {}
    for op in _ops(engine):
        warm = Recorder()
        engine.run(_request(op), warm)
        assert warm.checks >= 1, (op, "never checks")
        for share in (0, 0.5, 1):
            port = _cancelled(
                lambda port, op=op: engine.run(_request(op), port), share, warm.checks
            )
            took_s = time.perf_counter() - port.cancelled_at_s
            slowest[op] = max(slowest.get(op, 0.0), took_s)
    # A cancelled engine is as good as new.
    _, port = _performed(engine, "generate")
    again = Recorder()
    engine.run(_request("generate"), again)
    assert len(again.chunks) == len(port.chunks)
    with capsys.disabled():
        name = engine.capabilities().name
        worst = max(slowest, key=slowest.get)
        print(f"\n  {name}: cancel to return at most {1000 * slowest[worst]:.2f} ms ({worst})")


def test_it_checks_often_enough(engine, capsys):
    """Printed, not asserted: a machine that does other things has long gaps."""

    class Gaps(Recorder):
        last = None
        longest = 0.0

        def check(self):
            now = time.perf_counter()
            self.longest = max(self.longest, now - (self.last or now))
            self.last = now
            super().check()

    for op in _ops(engine):
        port = Gaps()
        engine.run(_request(op), port)
        with capsys.disabled():
            print(f"\n  {engine.capabilities().name} {op}: {1000 * port.longest:.0f} ms", end="")
        assert port.checks


def test_what_is_prepared_sounds_as_without(engine):
    for op in sorted(engine.capabilities().prepares):
        _, before = _performed(engine, op)
        ahead, after = Recorder(), Recorder()
        engine.prepare(_request(op, seed=9), ahead)
        engine.run(_request(op), after)
        assert ahead.chunks == []
        for role, chunks in _takes_by_role(before).items():
            one = np.concatenate([c.samples for c in chunks])
            two = np.concatenate([c.samples for c in _takes_by_role(after)[role]])
            assert np.array_equal(one, two), (op, role)


def test_a_preparation_gives_way_at_every_check(engine):
    facts = engine.capabilities()
    assert facts.prepares <= facts.ops
    for op in sorted(facts.prepares):
        whole = Recorder()
        engine.prepare(_request(op, seed=10), whole)
        assert whole.checks >= 1, (op, "never checks")
        seeds = itertools.count(11)
        for share in (0, 0.5):
            _cancelled(
                lambda port, op=op, seeds=seeds: engine.prepare(_request(op, next(seeds)), port),
                share,
                whole.checks,
            )
        again = Recorder()
        engine.run(_request(op), again)
        assert len(again.chunks) == len(_performed(engine, op)[1].chunks)


def test_spare_time_ends_when_something_is_wanted(engine):
    if engine.capabilities().prepares:
        port = Recorder(cancel_at=1)
        with contextlib.suppress(Cancelled):
            engine.idle(port)
        assert port.checks <= 1
        assert port.chunks == []


def test_an_op_it_does_not_name_is_refused_or_never_asked(engine):
    lacking = sorted(ALL_OPS - engine.capabilities().ops)
    for op in lacking:
        with pytest.raises(PunchinError) as refusal:
            engine.run(_request(op), Recorder())
        assert refusal.value.code == 301


def test_the_contract_names_every_method_that_is_used():
    """The worker calls nothing that the contract does not name."""
    spec = importlib.util.find_spec("daemon.engines.base")
    contract = ast.parse(Path(spec.origin).read_text())
    named = {
        f.name
        for node in contract.body
        if isinstance(node, ast.ClassDef) and node.name in ("Engine", "Ahead")
        for f in node.body
        if isinstance(f, ast.FunctionDef)
    }
    used = set()
    for path in (ROOT / "daemon" / "worker").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            if is_call and isinstance(node.func.value, ast.Name) and node.func.value.id == "engine":
                used.add(node.func.attr)
    assert used == named
