"""The demo: its clips, its proofs, and the whole of it against a real daemon."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bridge import NoDaemon
from daemon.cli import demo
from daemon.demo import studio as studio_module
from daemon.demo.clips import load_clips
from daemon.demo.proof import continues, laid_over, same_outside, stems_add_up
from daemon.demo.studio import studio

RATE = 8000


def write(path: Path, samples: Any) -> Path:
    soundfile.write(path, np.asarray(samples, dtype=np.int16), RATE, subtype="PCM_16")
    return path


def ramp(frames: int, start: int = 0) -> np.ndarray:
    return np.stack([np.arange(start, start + frames)] * 2, axis=1)


# -- clips ---------------------------------------------------------------------------------------


def test_the_facts_of_the_clips_fit_the_files() -> None:
    clips = load_clips()
    assert set(clips) == {"vocal", "band"}
    for clip in clips.values():
        bars = clip.seconds / clip.grid.bars_length(clip.downbeat, 1)
        assert bars == pytest.approx(8, abs=0.01)
    first, last = clips["band"].repaint_bars
    start_s, end_s = clips["band"].bars(first, last)
    assert 0 < start_s < end_s < clips["band"].seconds


def test_the_clips_are_told_in_their_readme() -> None:
    clips = load_clips()
    page = (clips["band"].path.parent / "README.md").read_text("utf-8")
    for clip in clips.values():
        row = next(line for line in page.splitlines() if f"`{clip.path.name}`" in line)
        assert f"{clip.bpm:g}" in row
        assert f"{clip.rate / 1000:g} kHz" in row
        assert clip.key.replace("b ", "♭ ") in row


# -- proofs --------------------------------------------------------------------------------------


def test_same_outside(tmp_path: Path) -> None:
    source = ramp(100)
    mix = source.copy()
    mix[40:60] += 1
    a, b = write(tmp_path / "a.wav", source), write(tmp_path / "b.wav", mix)
    assert same_outside(a, b, 40, 60).holds
    assert not same_outside(a, b, 41, 60).holds
    assert not same_outside(a, b, 40, 59).holds
    assert not same_outside(a, a, 40, 60).holds
    assert not same_outside(a, write(tmp_path / "c.wav", mix[:99]), 40, 60).holds


def test_continues(tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", ramp(100))
    assert continues(source, write(tmp_path / "b.wav", ramp(150)), 50).holds
    assert not continues(source, write(tmp_path / "b.wav", ramp(151)), 50).holds
    assert not continues(source, write(tmp_path / "b.wav", ramp(150, 1)), 50).holds
    assert not continues(source, write(tmp_path / "b.wav", ramp(50)), 50).holds


def test_stems_add_up(tmp_path: Path) -> None:
    one, two = write(tmp_path / "1.wav", ramp(50)), write(tmp_path / "2.wav", ramp(50, 7))
    mix = write(tmp_path / "m.wav", ramp(50) + ramp(50, 7))
    assert stems_add_up(mix, [one, two], 50).holds
    assert not stems_add_up(mix, [one], 50).holds
    assert not stems_add_up(mix, [one, two], 51).holds
    assert not stems_add_up(write(tmp_path / "0.wav", 0 * ramp(50)), [], 50).holds


def test_vocal_and_backing_together_never_clip(tmp_path: Path) -> None:
    loud = np.full((200, 1), 30000)
    band = np.full((180, 2), 30000)
    laid_over(write(tmp_path / "v.wav", loud), write(tmp_path / "b.wav", band), tmp_path / "o.wav")
    both, _ = soundfile.read(tmp_path / "o.wav")
    assert both.shape == (180, 2)
    assert np.abs(both).max() == pytest.approx(10 ** (-1 / 20), abs=1e-4)


# -- the whole -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_demo_leaves_what_it_promises(tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "demo-out"
    assert demo.main(["--out", str(out)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert told.count("✓") == 3
    assert "0 of 577,309 samples outside the region differ" in told
    for name, _, _ in demo.JOBS:
        folder = out / name
        assert (folder / "overview.png").stat().st_size > 10_000
        assert soundfile.info(folder / "mix.wav").frames > 0
        job = json.loads((folder / "job.json").read_text("utf-8"))
        assert job["op"] == name.partition("-")[2]
        assert job["request"]["bpm"] == pytest.approx(job["result"]["bpm"])
    stems = sorted(p.stem for p in (out / "1-bgm" / "stems").iterdir())
    assert {"drums", "bass"} <= set(stems)
    assert (out / "1-bgm" / "midi.mid").read_bytes().startswith(b"MThd")
    assert soundfile.info(out / "1-bgm" / "vocal-and-backing.wav").frames == 710_016


def test_a_daemon_that_does_not_start_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(studio_module.tempfile, "tempdir", None)
    code = "import sys; sys.exit('no room for a daemon')"
    monkeypatch.setattr(studio_module, "command", lambda: [sys.executable, "-c", code])
    with pytest.raises(NoDaemon, match="no room for a daemon"), studio():
        pass
    assert demo.main(["--out", str(tmp_path / "out")]) == 1
    assert "punchin doctor" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
