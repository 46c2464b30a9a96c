"""Latents of own results outlive the worker, and what lies on the disk is never trusted blindly."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="NOT TESTED, torch is not installed")

from ace_desk import Desk, asked, music  # noqa: E402

from daemon.engines.acestep import AceStepEngine  # noqa: E402
from daemon.engines.acestep.latents.own import Own  # noqa: E402
from daemon.engines.acestep.latents.stored import Store  # noqa: E402
from daemon.engines.acestep.parts import HOP  # noqa: E402

FRAMES, BYTES = 40, 40 * (HOP * 2 + 4) * 4


def piece(seed):
    rng = np.random.default_rng(seed)
    level = 0.1 * np.exp(0.5 * rng.standard_normal((FRAMES, 1, 1)))
    samples = (level * rng.standard_normal((FRAMES, HOP, 2))).reshape(-1, 2).astype(np.float32)
    return torch.from_numpy(rng.standard_normal((FRAMES, 4)).astype(np.float32)), samples


@pytest.fixture
def store(tmp_path):
    (tmp_path / "jobs" / "one").mkdir(parents=True)
    return Store(tmp_path / "kept", tmp_path / "jobs", "this", 10 * BYTES)


def saved(store, *seeds, job="one"):
    own = Own(store=store)
    for seed in seeds:
        own.keep(*piece(seed), job)
        own.save()
    return own


def files_of(store):
    return [path for path in store.folder.rglob("*") if path.is_file()]


def knows(own, seed):
    known, latents = own.found_in(piece(seed)[1])
    return known.any() and torch.equal(latents[known], piece(seed)[0][torch.from_numpy(known)])


def test_what_was_saved_is_known_to_the_next_one(store):
    saved(store, 1, 2)
    later = Own(store=store)
    assert len(later) == 2
    assert knows(later, 1)
    assert knows(later, 2)


def test_nothing_is_written_before_there_is_time(store):
    own = Own(store=store)
    own.keep(*piece(1), "one")
    assert not store.folder.exists()

    def busy():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        own.save(busy)
    assert not store.folder.exists()
    own.save()
    assert len(files_of(store)) == 1
    own.save()
    assert len(files_of(store)) == 1


def test_the_oldest_go_first(store):
    small = replace(store, most_bytes=round(2.5 * BYTES))
    saved(small, 1, 2, 3)
    later = Own(store=small)
    assert [knows(later, seed) for seed in (1, 2, 3)] == [False, True, True]


def test_what_was_made_for_a_forgotten_job_is_forgotten(store):
    (store.jobs / "two").mkdir()
    own = saved(store, 1)
    own.keep(*piece(2), "two")
    own.save()
    own.keep(*piece(3), "two")
    (store.jobs / "two").rmdir()
    own.save()
    assert [knows(own, seed) for seed in (1, 2, 3)] == [True, False, False]
    assert [knows(Own(store=store), seed) for seed in (1, 2, 3)] == [True, False, False]
    assert [path.name for path in store.folder.iterdir()] == ["one"]


def test_what_belongs_to_no_job_is_not_kept_on_the_disk(store):
    saved(store, 1, job="")
    assert not store.folder.exists()


def test_another_vae_s_latents_are_not_taken(store):
    saved(store, 1)
    assert len(Own(store=replace(store, vae="other"))) == 0
    assert len(Own(store=store)) == 1


def _cut(file):
    file.write_bytes(file.read_bytes()[:-100])


def _flip(file):
    data = bytearray(file.read_bytes())
    data[-1000] ^= 64
    file.write_bytes(data)


@pytest.mark.parametrize(
    "damage", [_cut, _flip, lambda file: file.write_bytes(b""), lambda file: file.write_text("{}")]
)
def test_a_damaged_file_is_removed(store, damage):
    saved(store, 1, 2)
    files = sorted(files_of(store), key=lambda file: file.stat().st_mtime_ns)
    damage(files[0])
    (store.folder / "one" / ".x.1.part").write_bytes(b"half")
    later = Own(store=store)
    assert len(later) == 1
    assert knows(later, 2)
    assert files_of(store) == [files[1]]


def test_a_disk_that_takes_nothing_fails_nothing(store):
    store.folder.write_text("in the way")
    own = saved(store, 1)
    assert knows(own, 1)


def test_the_next_worker_makes_the_same_of_an_own_result(tiny_turbo, tmp_path, monkeypatch):
    monkeypatch.setenv("PUNCHIN_HOME", str(tmp_path))

    def loaded():
        made = AceStepEngine()
        made.load(str(tiny_turbo), Desk())
        return made

    def run(engine, request):
        port = Desk()
        engine.run(request, port)
        return port.sounds().popitem()[1]

    first = loaded()
    (tmp_path / "jobs" / "one").mkdir(parents=True)
    asked_for = asked("generate", music(1.0)[:0], (0.0, 12.0), steps=2, grid="off")
    made = run(first, replace(asked_for, job="one"))
    repaint = asked("repaint", made[: 12 * 48_000], (5.0, 7.0), steps=2)
    assert not (tmp_path / "cache").exists()
    wanted = run(first, repaint)
    first.idle(Desk())
    second = loaded()
    assert np.array_equal(run(second, repaint), wanted)
    shutil.rmtree(tmp_path / "cache" / "acestep")
    third = loaded()
    assert not np.array_equal(run(third, repaint), wanted)
