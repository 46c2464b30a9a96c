"""What is solved together, held from before, or foreseen half-way: the same samples as without."""

import itertools
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import torch
from ace_desk import Desk, asked, music

from daemon.engines.acestep import solving
from daemon.engines.acestep.latents import encode as encoding
from daemon.engines.acestep.ops.again import put

CLIP = music(12.0)
REPAINT = asked("repaint", CLIP, (4.0, 6.5), prompt="warm pop")
WAYS = {
    "repaint": REPAINT,
    "extend": asked("extend", CLIP, (-1.0, 0.0), (12.0, 13.0)),
    "cover": asked("cover", CLIP, (0.0, 12.0), prompt="folk", strength=0.4),
    "retake": asked("retake", CLIP, (0.0, 12.0), strength=0.8),
    "generate": asked("generate", CLIP[:0], (0.0, 10.0), prompt="calm"),
}


@pytest.fixture
def session(engine):
    """The engine's session with empty hands, as it was afterwards."""
    held = engine._session
    ways = held.ways
    held.caches.clear()
    held.kept.clear()
    yield held
    held.ways = ways


@pytest.fixture
def batches(monkeypatch):
    """How many rows were solved at once, each time."""
    seen, solve = [], solving.sample

    def watched(dit, problem, on_step):
        seen.append(problem.noise.shape[0])
        return solve(dit, problem, on_step)

    monkeypatch.setattr(solving, "sample", watched)
    return seen


@pytest.fixture
def tiles(monkeypatch):
    """The tiles that were encoded."""
    seen, encode = [], encoding.encode_tile

    def watched(vae, heard, start, end):
        seen.append((start, end))
        return encode(vae, heard, start, end)

    monkeypatch.setattr(encoding, "encode_tile", watched)
    return seen


def _played(engine, request):
    port = Desk()
    engine.run(request, port)
    return port


def _far(one, two):
    """The RMS of the difference of two runs, relative to that of the first."""
    pairs = zip(one.sounds().values(), two.sounds().values(), strict=True)
    return max(np.sqrt(np.mean((a - b) ** 2) / np.mean(a**2)) for a, b in pairs)


# -- takes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_later_takes_are_one_batch_and_each_as_if_alone(engine, session, batches, way):
    asked_for = WAYS[way]
    sides = len(asked_for.spans)
    first = _played(engine, replace(asked_for, later_seeds=(8, 9)))
    assert batches == [1] * sides
    second = _played(engine, replace(asked_for, seed=8, take=2, later_seeds=(9,)))
    assert batches == [1] * sides + [2] * sides
    third = _played(engine, replace(asked_for, seed=9, take=3))
    assert batches == [1] * sides + [2] * sides
    session.kept.clear()
    alone = [_played(engine, replace(asked_for, seed=seed)) for seed in (7, 8, 9)]
    assert _far(alone[0], first) == 0
    assert _far(alone[1], second) < 1e-5
    assert _far(alone[2], third) < 1e-5
    assert _far(second, third) > 0.01


def test_a_batch_has_as_many_rows_as_it_may(engine, session, batches):
    session.ways = replace(session.ways, rows=2)
    _played(engine, replace(REPAINT, seed=8, take=2, later_seeds=(9, 10, 11)))
    for take, seed in enumerate((9, 10, 11), 3):
        later = tuple(range(seed + 1, 12))
        _played(engine, replace(REPAINT, seed=seed, take=take, later_seeds=later))
    assert batches == [2, 2]


def test_a_row_of_no_numbers_is_solved_again(engine, session, batches, monkeypatch):
    solve = solving.sample

    def broken(dit, problem, on_step):
        made = solve(dit, problem, on_step)
        made[1:] = float("nan")
        return made

    monkeypatch.setattr(solving, "sample", broken)
    _played(engine, replace(REPAINT, seed=8, take=2, later_seeds=(9,)))
    third = _played(engine, replace(REPAINT, seed=9, take=3))
    assert batches == [2, 1]
    assert np.isfinite(third.sounds()["region"]).all()


def test_another_prompt_is_another_take(engine, session, batches):
    _played(engine, replace(REPAINT, seed=8, take=2, later_seeds=(9,)))
    _played(engine, replace(REPAINT, seed=9, take=3, options={"prompt": "cold pop"}))
    assert batches == [2, 1]


# -- what is in hand -----------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_what_is_in_hand_gives_the_same_samples(engine, session, tiles, way):
    cold = _played(engine, WAYS[way])
    encoded = len(tiles)
    assert (encoded == 0) == (way == "generate")
    warm = _played(engine, WAYS[way])
    assert len(tiles) == encoded
    assert _far(cold, warm) == 0


def test_windows_of_one_source_share_their_tiles(engine, session, tiles):
    long = music(30.0)
    step = 48_000 * 2 // 5 * 5  # two seconds, a whole number of steps of the window
    one = asked("repaint", long[: 48_000 * 24], (8.0, 10.0), source_start=0)
    two = asked("repaint", long[step : step + 48_000 * 24], (6.0, 8.0), source_start=step)
    _played(engine, replace(one, source_mark="song"))
    before = len(tiles)
    _played(engine, replace(two, source_mark="song"))
    assert before > 2
    assert len(tiles) - before < before


# -- half-way ------------------------------------------------------------------------------------


def _untimed(request):
    """Without what may move the whole, so that no chunk is provisional on that account."""
    return replace(request, options={**request.options, "grid": "off"})


@pytest.mark.parametrize("way", WAYS)
def test_a_long_job_is_heard_half_way(engine, session, way):
    request = _untimed(WAYS[way])
    plain = _played(engine, request)
    seconds = itertools.count(0.0, 10.0)
    session.ways = replace(session.ways, clock=lambda: next(seconds))
    heard = _played(engine, request)
    assert _far(plain, heard) == 0
    early = [c for c in heard.chunks if c.provisional]
    final = [c for c in heard.chunks if not c.provisional]
    assert heard.chunks[0].provisional
    assert len(early) > len([c for c in plain.chunks if c.provisional])
    span = WAYS[way].spans[0]
    assert min(c.start for c in early) >= span.start
    assert {c.role for c in early} == {c.role for c in final}
    assert all(np.isfinite(c.samples).all() for c in early)
    fractions = [fraction for fraction, _ in heard.told]
    assert fractions == sorted(fractions)


def test_a_short_job_is_not_heard_half_way(engine, session):
    session.ways = replace(session.ways, clock=lambda: 0.0)
    assert not [c for c in _played(engine, _untimed(REPAINT)).chunks if c.provisional]


def test_what_is_foreseen_grows_into_the_result(engine, session):
    """x - t·v at half the steps is nearer to the result than the noise it began with."""
    checkpoint = session.checkpoint_for("repaint")
    seen = []
    seconds = itertools.count(0.0, 10.0)
    session.ways = replace(session.ways, clock=lambda: next(seconds))
    problems = []
    solve = session.solve
    session.solve = lambda *given: problems.append(given) or solve(*given)
    try:
        _played(engine, REPAINT)
    finally:
        del session.solve
    _, problem, share, takes, _ = problems[0]
    made = solve(checkpoint, problem, share, takes, seen.append)[0]
    new = ~problem.keep
    assert len(seen) == 1
    foreseen, noise = seen[0][new], problem.noise[0][new]
    assert torch.dist(foreseen, made[new]) < torch.dist(noise, made[new])


# -- a take made again ---------------------------------------------------------------------------


def test_a_region_made_again_without_new_noise_is_as_loud_as_it_was(
    engine, session, monkeypatch, tmp_path
):
    monkeypatch.setenv("PUNCHIN_HOME", str(tmp_path))
    for op in ("repaint", "again"):  # further off than a splice makes good
        module = import_module(f"daemon.engines.acestep.ops.{op}")
        monkeypatch.setattr(module, "edge_gain", lambda *told: 4.0)
    port = Desk()
    result = engine.run(REPAINT, port)
    (tmp_path / "jobs" / "first").mkdir(parents=True)
    document = tmp_path / "jobs" / "first" / "recipe-1.json"
    document.write_text(result.documents["recipe"], "utf-8")
    span, clip = REPAINT.spans[0], CLIP.copy()
    put(clip, 0, span, (port.start(), port.sounds()["region"]))
    again = _played(engine, asked("retake", clip, (0.0, 12.0), of="first", strength=0.0))
    whole = again.sounds()["region"]
    assert np.array_equal(whole[: span.start], clip[: span.start])
    inner = slice(span.start + 9_600, span.end - 9_600)
    level_db = 10 * np.log10(np.mean(whole[inner] ** 2) / np.mean(clip[inner] ** 2))
    assert abs(level_db) < 0.5
