"""Sources that are gone, changed, damaged or dangerous: a numbered error each, and no job."""

import os

import numpy as np
import pytest
import soundfile
from real_house import RATE, Ear, make_source

REGION = ("start", 0.2, "end", 0.6)


def _missing(folder):
    return folder / "missing.wav"


def _directory(folder):
    path = folder / "folder.wav"
    path.mkdir()
    return path


def _truncated(folder):
    path = make_source(folder / "whole.wav")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


def _text(folder):
    path = folder / "text.wav"
    path.write_text("dear diary\n" * 100)
    return path


def _empty(folder):
    path = folder / "empty.wav"
    path.touch()
    return path


def _no_samples(folder):
    path = folder / "none.wav"
    soundfile.write(str(path), np.zeros((0, 2)), RATE)
    return path


def _fifo(folder):
    path = folder / "pipe.wav"
    os.mkfifo(path)
    return path


def _loop(folder):
    path = folder / "loop.wav"
    path.symlink_to(path)
    return path


BAD = [
    (_missing, 200),
    (_loop, 200),
    (_directory, 201),
    (_truncated, 201),
    (_text, 201),
    (_empty, 201),
    (_no_samples, 201),
    (_fifo, 204),
    (lambda _: "/dev/zero", 204),
    (lambda _: "/dev/stdin", 204),
    (lambda _: "https://example.com/take.wav", 204),
    (lambda _: "smb://nas/take.wav", 204),
    (lambda _: "takes/relative.wav", 101),
    (lambda _: "", 107),
    (lambda _: "/" + "x" * 5000, 200),
]


@pytest.mark.skipif(os.name != "posix", reason="FIFOs and /dev are POSIX")
@pytest.mark.parametrize(("make", "code"), BAD, ids=range(len(BAD)))
def test_a_bad_source_is_refused(house, tmp_path, make, code):
    path = str(make(tmp_path))
    before = house.job_ids()
    with Ear(house) as ear:
        word, (found, _name, message) = ear.run("repaint", "bad", path, *REGION)
        assert (word, found) == ("failed", code), message
        assert "\n" not in message
    assert house.job_ids() == before


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_source_that_is_not_finite_fails_the_job(house, tmp_path, value):
    samples = np.full((RATE, 2), 0.1, np.float32)
    samples[RATE // 3, 1] = value
    path = tmp_path / "float.wav"
    soundfile.write(str(path), samples, RATE, "FLOAT")
    job_id = f"v{value}".replace("-", "minus")
    with Ear(house) as ear:
        word, (code, *_) = ear.run("repaint", job_id, str(path), *REGION)
        assert (word, code) == ("failed", 201)
    assert house.files(job_id) == []


@pytest.mark.parametrize(
    ("region", "code"),
    [
        (("start", 0.2, "end", 1.5), 203),
        (("start", 2.0, "end", 3.0), 203),
        (("start", 0.6, "end", 0.2), 203),
        (("start", 0.2, "end", 0.2), 203),
        (("start", 0.2, "end", 0.209), 203),
        (("start_frame", 100, "end_frame", 10**12), 203),
        (("start_beat", -100.0, "end_beat", 2.0, "bpm", 120, "downbeat", 0.0), 203),
        (("start", -0.5, "end", 0.2), 203),
        (("start", float("nan"), "end", 0.2), 103),
        (("start", 0.2, "end", float("inf")), 103),
    ],
)
def test_a_bad_region_is_refused(house, source, region, code):
    with Ear(house) as ear:
        word, (found, _name, message) = ear.run("repaint", "region", source, *region)
        assert (word, found) == ("failed", code), message
    assert "region" not in house.job_ids()


def _kept(home):
    """All there is but what the daemon writes on its own."""
    return sorted(p for p in home.rglob("*") if "recent" not in p.name and "logs" not in p.parts)


@pytest.mark.parametrize(
    "job_id",
    [
        "../up", "a/b", "a\\b", "..", ".", ".hidden", "-x", "con", "NUL.txt", "end.",
        "", "x" * 65, "ä", "a b", "a\tb", "C:", "~",
    ],
)  # fmt: skip
def test_an_id_with_a_path_trick_is_refused(house, job_id):
    everything = _kept(house.home)
    with Ear(house) as ear:
        ear.send("/punchin/generate", job_id, "seconds", 0.1)
        assert ear.until("/punchin/error", "/punchin/failed")[0] == 104
        for control in ("cancel", "job", "forget"):
            ear.send(f"/punchin/{control}", job_id)
            assert ear.until("/punchin/error")[0] in (104, 108)
    assert _kept(house.home) == everything


def test_a_source_that_vanishes_or_changes_while_its_job_waits(house, tmp_path):
    gone, changed = make_source(tmp_path / "gone.wav"), make_source(tmp_path / "changed.wav")
    with Ear(house) as ear:
        ear.send("/punchin/generate", "ahead", "seconds", 0.1, "prompt", "wait 600")
        for name, path in (("gone", gone), ("changed", changed)):
            ear.send("/punchin/repaint", name, str(path), *REGION)
            ear.until("/punchin/accepted", about=name)
        gone.unlink()
        make_source(changed, seconds=2.0)
        ear.send("/punchin/cancel", "ahead")
        assert ear.ended("gone")[1][0] == 200
        assert ear.ended("changed")[1][0] == 202
    for name in ("gone", "changed"):
        assert house.job(name)["state"] == "failed"
        assert house.files(name) == []


def test_a_source_that_changes_while_its_job_runs(house, tmp_path):
    path, go = make_source(tmp_path / "live.wav"), tmp_path / "go"
    with Ear(house) as ear:
        ear.send("/punchin/repaint", "live", str(path), *REGION, "prompt", f"hold {go}")
        while ear.until("/punchin/progress", about="live")[2] != "waiting":
            pass
        make_source(path, seconds=2.0)
        go.touch()
        assert ear.ended("live")[1][0] == 202
    assert house.files("live") == []


def test_a_lyrics_file_that_never_ends_is_refused(house, tmp_path):
    endless = tmp_path / "words.txt"
    endless.write_bytes(b"la " * 200_000)
    with Ear(house) as ear:
        for n, (path, code) in enumerate(((endless, 106), ("/dev/zero", 204))):
            args = ("seconds", 0.1, "lyrics_file", str(path))
            assert ear.run("generate", f"w{n}", *args)[1][0] == code
