"""The ops of the engine as the worker asks for them."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile

torch = pytest.importorskip("torch", reason="NOT TESTED, torch is not installed")

from ace_desk import HANDLE, RATE, Desk, asked, music  # noqa: E402

from bridge.protocol.errors import PunchinError  # noqa: E402
from daemon.engines.acestep.parts import GRAIN, HOP  # noqa: E402
from daemon.engines.base import Cancelled  # noqa: E402

CLIP = music(11.0)
NOTHING = CLIP[:0]
WAYS = {
    "repaint": asked("repaint", CLIP, (4.0, 6.5), prompt="warm pop"),
    "repaint-cut": asked("repaint", CLIP, (4.0, 6.5), cut=(1, 1), strength=0.6),
    "extend-after": asked("extend", CLIP, (11.0, 13.0)),
    "extend-before": asked("extend", CLIP, (-2.0, 0.0)),
    "extend-both": asked("extend", CLIP, (-1.0, 0.0), (11.0, 12.0)),
    "generate": asked("generate", NOTHING, (0.0, 10.0), prompt="calm", lyrics="[verse]\nla"),
    "cover": asked("cover", CLIP, (0.0, 11.0), prompt="folk", strength=0.4),
    "retake": asked("retake", CLIP, (0.0, 11.0), strength=0.3),
}


@pytest.fixture(scope="module")
def performed(engine):
    """One run of a way, kept: several tests look at it."""
    kept = {}

    def get(way):
        if way not in kept:
            port = Desk()
            kept[way] = (engine.run(WAYS[way], port), port)
        return kept[way]

    return get


@pytest.fixture
def solved(engine, monkeypatch):
    """What was to be solved, and what came of it, in order."""
    session, seen = engine._session, []
    solve = session.solve

    def watched(checkpoint, problem, share, *more):
        made = solve(checkpoint, problem, share, *more)
        seen.append((problem, made))
        return made

    monkeypatch.setattr(session, "solve", watched)
    return seen


@pytest.mark.parametrize("way", WAYS)
def test_what_was_asked_for_is_covered_and_nothing_beyond_the_handles(performed, way):
    _, port = performed(way)
    request = WAYS[way]
    chunks = [c for c in port.chunks if not c.provisional]
    for span in request.spans:
        mine = [c for c in chunks if c.start < span.end and c.start + len(c.samples) > span.start]
        assert mine[0].start <= span.start
        assert mine[0].start >= span.start - HANDLE
        assert span.end <= mine[-1].start + len(mine[-1].samples) <= span.end + HANDLE
        for one, two in itertools.pairwise(mine):
            assert one.start + len(one.samples) == two.start
    assert all(np.isfinite(c.samples).all() for c in chunks)


@pytest.mark.parametrize("way", WAYS)
def test_the_same_seed_gives_the_same_samples_and_another_seed_others(engine, performed, way):
    _, first = performed(way)
    again, other = Desk(), Desk()
    engine.run(WAYS[way], again)
    engine.run(replace(WAYS[way], seed=8), other)
    for role, samples in first.sounds().items():
        assert (samples == again.sounds()[role]).all()
        assert not np.allclose(samples, other.sounds()[role], atol=1e-3)


@pytest.mark.parametrize("way", WAYS)
def test_progress_goes_from_nought_to_one(performed, way):
    _, port = performed(way)
    fractions = [fraction for fraction, _ in port.told]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] < 0.3
    assert 0.7 < fractions[-1] <= 1


@pytest.mark.parametrize("way", ["repaint", "extend-both", "generate", "cover"])
def test_a_cancel_ends_it_at_every_stage_and_leaves_it_as_new(engine, performed, way):
    _, whole = performed(way)
    stages = [stage for _, stage in whole.told]
    firsts = {stage: 1 + stages.index(stage) for stage in dict.fromkeys(stages)}
    for stage, at in firsts.items():
        if stage == "encoding":
            engine._session.caches.clear()
        port = Desk(cancel_at=at)
        with pytest.raises(Cancelled):
            engine.run(WAYS[way], port)
        assert port.checks == at, f"it went on after a cancel while {stage}"
    again = Desk()
    engine.run(WAYS[way], again)
    for role, samples in whole.sounds().items():
        assert (samples == again.sounds()[role]).all()


@pytest.mark.parametrize("way", ["repaint", "repaint-cut", "extend-after", "extend-before"])
def test_kept_latents_are_the_sources(engine, solved, way):
    engine.run(WAYS[way], Desk())
    problem, made = solved[-1]
    assert problem.keep.any()
    assert not problem.keep.all()
    assert torch.equal(made[0][problem.keep], problem.source[problem.keep])
    assert not torch.allclose(made[0][~problem.keep], problem.source[~problem.keep])


def test_hold_releases_the_last_steps(engine, solved):
    engine.run(WAYS["repaint"], Desk())
    engine.run(replace(WAYS["repaint"], options={"prompt": "warm pop", "hold": 0.5}), Desk())
    (problem, held), (_, released) = solved
    assert torch.equal(released[0][problem.keep], held[0][problem.keep])
    assert not torch.equal(released, held)


def test_strength_begins_at_its_time(engine, solved):
    engine.run(WAYS["repaint-cut"], Desk())
    assert solved[-1][0].schedule[0] == 0.6
    with pytest.raises(PunchinError) as refused:
        engine.run(replace(WAYS["repaint"], options={"strength": 0.0}), Desk())
    assert refused.value.code == 103


@pytest.mark.parametrize(
    "other",
    [
        asked("repaint", CLIP, (4.0, 5.5), prompt="warm pop"),
        asked("repaint", CLIP[2 * GRAIN * HOP :], (3.2, 5.7), prompt="warm pop"),
    ],
    ids=["another end", "another context"],
)
def test_the_regions_noise_stays(engine, solved, other):
    engine.run(WAYS["repaint"], Desk())
    engine.run(other, Desk())
    one, two = ((p.noise[0], int((~p.keep).nonzero()[0])) for p, _ in solved)
    assert torch.equal(one[0][one[1] :][:38], two[0][two[1] :][:38])


def test_extend_is_a_repaint_of_a_longer_clip(engine, solved):
    clip = CLIP[: 270 * HOP]
    tail = (270 * HOP / RATE, 330 * HOP / RATE - HANDLE / RATE)
    engine.run(asked("extend", clip, tail), Desk())
    longer = np.pad(clip, ((0, 60 * HOP), (0, 0)))
    region = (260 * HOP / RATE, 330 * HOP / RATE)
    engine.run(asked("repaint", longer, region), Desk())
    (one, made), (two, as_repaint) = solved
    assert torch.equal(one.keep, two.keep)
    # A longer clip's kept frames hear what follows; those that are relied on don't differ by it.
    difference = (one.source[one.keep] - two.source[two.keep]).abs().max()
    assert difference < 1e-4 * one.source.std()
    assert (made - as_repaint).abs().max() < 1e-3 * made.std()


def test_extending_both_sides_draws_other_noise_on_each(engine, solved):
    engine.run(WAYS["extend-both"], Desk())
    before, after = (problem for problem, _ in solved)
    one, two = (p.noise[0][~p.keep][:20] for p in (before, after))
    assert not torch.allclose(one, two)


def test_what_lies_beside_the_region_is_what_the_vae_makes_of_the_clip(engine, performed):
    """A handle is for the splice to compare: it is the same moment of the same music."""
    _, port = performed("repaint")
    handle = port.sounds()["region"][:HANDLE]
    source = engine._session.latents(WAYS["repaint"], 0, 275, _NoShare())
    from daemon.engines.acestep.latents.decode import decode

    frame = 4 * RATE // HOP
    plain = decode(engine._session.shared.vae, source, frame - 20, frame)[-HANDLE:]
    near = slice(0, HOP // 2)  # what the decoder hears of the region is little here
    scale = np.sum(plain[near] * handle[near]) / np.sum(plain[near] ** 2)
    assert 10 ** (-3 / 20) - 0.01 <= scale <= 10 ** (3 / 20) + 0.01


class _NoShare:
    def tell(self, fraction):
        pass


def test_a_result_that_is_worked_on_again_is_not_encoded_again(engine, solved):
    port = Desk()
    engine.run(WAYS["repaint"], port)
    clip, (first, made) = CLIP.copy(), solved[-1]
    clip[4 * RATE : round(6.5 * RATE)] = 0.8 * port.sounds()["region"][HANDLE:-HANDLE]
    engine.run(asked("repaint", clip, (1.0, 2.5)), Desk())
    here = slice(4 * RATE // HOP + 8, round(6.5 * RATE) // HOP - 8)
    assert torch.equal(solved[-1][0].source[here], made[0][here])
    assert not torch.equal(solved[-1][0].source[here], first.source[here])


@pytest.mark.parametrize("way", ["repaint", "extend-after", "generate", "cover", "retake"])
def test_a_reference_gives_every_op_its_timbre(engine, solved, tmp_path, way):
    path = tmp_path / "other.wav"
    soundfile.write(path, music(5.0, seed=9), 44_100)
    request = WAYS[way]
    told = replace(request, options={**request.options, "reference": str(path), "steps": 1})
    plain = replace(request, options={**request.options, "steps": 1})
    engine.run(told, Desk())
    engine.run(plain, Desk())
    one, two = (problem.conditions.states for problem, _ in solved)
    assert one.shape == two.shape
    assert not torch.allclose(one, two)


def test_guidance_is_refused_kindly_by_a_distilled_model(engine):
    result = engine.run(replace(WAYS["repaint"], options={"guidance": 5.0}), Desk())
    assert any("guidance" in note for note in result.notes)


def test_a_prompt_that_is_too_long_is_told_each_time(engine):
    long = replace(WAYS["repaint"], options={"prompt": "warm slow " * 400})
    for _ in range(2):
        notes = engine.run(long, Desk()).notes
        assert [note for note in notes if note.startswith("the end of the prompt was not read")]
    notes = engine.run(WAYS["repaint"], Desk()).notes
    assert not [note for note in notes if "was not read" in note]


def test_a_language_that_nobody_sings(engine):
    with pytest.raises(PunchinError) as refused:
        engine.run(replace(WAYS["repaint"], options={"language": "tlh"}), Desk())
    assert refused.value.code == 103


def test_more_than_the_model_can_make(engine):
    with pytest.raises(PunchinError) as refused:
        engine.run(asked("generate", NOTHING, (0, 601)), Desk())
    assert refused.value.code == 103


def test_the_lines_sung_in_the_window_are_told(engine, performed):
    lyrics = "[00:01.00] one\n[00:05.00] two\n[10:00.00] far away"
    result = engine.run(replace(WAYS["repaint"], options={"lyrics": lyrics}), Desk())
    assert "lyrics: 2 of 3 lines by time" in result.notes
    parts = json.loads(result.documents["recipe"])["parts"]
    assert "two" in parts[0]["text"]["lyrics"]
    assert "far away" not in parts[0]["text"]["lyrics"]


def test_what_is_relied_on_of_a_window_is_as_in_the_whole_clip(engine, solved):
    """A window equals the whole: it is heard beyond its ends, as far as the encoder hears."""
    first, last = 2 * GRAIN, 27 * GRAIN
    window = CLIP[first * HOP : last * HOP]
    engine.run(asked("repaint", window, (2.0, 4.0), cut=(1, 1), steps=1), Desk())
    problem, _ = solved[-1]
    whole = engine._session.latents(WAYS["repaint"], 0, 275, _NoShare())
    kept = problem.keep.nonzero()[:, 0]
    apart = problem.source[kept] - whole[first + GRAIN + kept]
    assert apart.abs().max() < 1e-5 * whole.std()


def test_a_clip_is_listened_to_once(engine, monkeypatch):
    from daemon.engines.sketch import listen

    port = Desk()
    first = engine.listen(CLIP, RATE, None, None, {}, port)
    assert first.grid.tempo_at(0.0) == pytest.approx(120, rel=0.02)
    monkeypatch.setattr(listen, "hear_bars", None)
    assert engine.listen(CLIP.copy(), RATE, None, None, {}, port) == first


def test_an_op_that_it_does_not_know(engine):
    with pytest.raises(PunchinError) as refused:
        engine.run(replace(WAYS["repaint"], op="whistle"), Desk())
    assert refused.value.code == 301
