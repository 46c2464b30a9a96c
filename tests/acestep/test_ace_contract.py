"""What the contract asks of every engine, held by this one with its tiny model."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="NOT TESTED, torch is not installed")

from ace_desk import RATE, Desk, asked, music  # noqa: E402

from bridge.protocol.ops import KEY, OPS  # noqa: E402
from daemon.engines.acestep import AceStepEngine  # noqa: E402

CLIP = music(10.0)
WHOLE = (0.0, 10.0)
REQUESTS = {
    "generate": asked("generate", CLIP[:0], WHOLE, steps=1, prompt="calm"),
    "repaint": asked("repaint", CLIP, (4.0, 7.0), steps=1),
    "extend": asked("extend", CLIP, (-1.0, 0.0), (10.0, 11.0), steps=1),
    "bgm": asked("bgm", CLIP, WHOLE, steps=1, ways=("cover",)),
    "cover": asked("cover", CLIP, WHOLE, steps=1),
    "retake": asked("retake", CLIP, WHOLE, steps=1),
    "edit": asked("edit", CLIP, (4.0, 7.0), steps=2, prompt="folk"),
    "layer": asked("layer", CLIP, WHOLE, steps=1, track="bass"),
    "stems": asked("stems", CLIP, WHOLE, steps=1, stems=("drums", "bass")),
    "analyze": asked("analyze", CLIP),
}
ROLES = {
    **{op: {"region"} for op in ("repaint", "extend", "cover", "retake", "edit")},
    "layer": {"stem:bass"},
    "stems": {"stem:drums", "stem:bass"},
    "analyze": set(),
}


@pytest.fixture(scope="module")
def performed(engine):
    kept = {}

    def get(op):
        if op not in kept:
            port = Desk()
            kept[op] = (engine.run(REQUESTS[op], port), port)
        return kept[op]

    return get


def test_every_op_of_the_protocol_is_there():
    facts = AceStepEngine().capabilities()
    assert facts.ops == {op.name for op in OPS} == REQUESTS.keys()
    assert facts.keys <= KEY.keys()


@pytest.mark.parametrize("op", REQUESTS)
def test_chunks_cover_the_spans_under_the_ops_roles(performed, op):
    _, port = performed(op)
    sounds = port.sounds()
    if op in ROLES:
        assert sounds.keys() == ROLES[op]
    else:
        assert sounds
        assert all(role.startswith("stem:") for role in sounds)
    for role in sounds:
        chunks = [c for c in port.chunks if c.role == role and not c.provisional]
        for span in REQUESTS[op].spans:
            covered = np.zeros(span.frames, int)
            for chunk in chunks:
                a, b = chunk.start - span.start, chunk.start + len(chunk.samples) - span.start
                covered[max(0, a) : max(0, min(b, span.frames))] += 1
            assert (covered == 1).all(), role


@pytest.mark.parametrize("op", REQUESTS)
def test_results_are_plain_data_and_progress_goes_one_way(performed, op):
    result, port = performed(op)
    assert all("\n" not in note for note in result.notes)
    assert (result.analysis is not None) == (op == "analyze")
    if result.analysis:
        json.dumps(result.analysis, allow_nan=False)
        assert result.analysis["bpm"] == pytest.approx(120)
        assert result.analysis.keys() >= {"key", "chords", "notes", "downbeats", "loudness_lufs"}
    for role, document in result.documents.items():
        assert role == "recipe"
        json.loads(document)
    fractions = [fraction for fraction, _ in port.told]
    assert fractions == sorted(fractions)
    assert all(0 <= fraction <= 1 for fraction in fractions)
    assert all(stage and len(stage) <= 40 for _, stage in port.told)


def test_the_clip_is_left_as_it_is(performed):
    for op in REQUESTS:
        performed(op)
    assert (music(10.0) == CLIP).all()
    assert AceStepEngine().rate_for(44_100) == RATE


def test_it_is_as_good_as_new_after_unloading(tiny_turbo):
    made = AceStepEngine()
    first = made.load(str(tiny_turbo), Desk())
    ports = [Desk(), Desk()]
    made.run(REQUESTS["repaint"], ports[0])
    made.unload()
    made.unload()
    assert made.load(str(tiny_turbo), Desk()) == first
    made.run(REQUESTS["repaint"], ports[1])
    assert (ports[0].sounds()["region"] == ports[1].sounds()["region"]).all()
