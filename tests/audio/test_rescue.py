"""Files that nobody finished."""

import numpy as np
import pytest
import soundfile

from daemon.audio.rescue import rescue


def unfinished(path, samples, rate, subtype):
    """Write what a process that is killed leaves."""
    with soundfile.SoundFile(path, "w", rate, samples.shape[1], subtype, format="WAV") as file:
        file.write(samples)
        left = path.read_bytes()
    path.write_bytes(left)
    return path


@pytest.mark.parametrize(("subtype", "bits"), [("FLOAT", 32), ("PCM_16", 16), ("PCM_24", 24)])
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("more", [b"", b"x"])
def test_all_whole_frames_are_kept(tmp_path, subtype, bits, channels, more):
    whole = np.arange(-500 * channels, 500 * channels, dtype=np.int32).reshape(-1, channels) << 16
    part = unfinished(tmp_path / ".take.part", whole, 44100, subtype)
    part.write_bytes(part.read_bytes() + more)
    target = tmp_path / "take.wav"
    assert rescue(part, target) == 1000
    info = soundfile.info(target)
    assert (info.frames, info.samplerate, info.subtype) == (1000, 44100, subtype)
    assert np.array_equal(soundfile.read(target, dtype="int32", always_2d=True)[0], whole)
    assert target.stat().st_size == info.frames * channels * bits // 8 + _head(target)
    assert not part.exists()


def _head(path):
    return path.read_bytes().index(b"data") + 8


def test_no_more_than_is_wanted(tmp_path):
    part = unfinished(tmp_path / "part", np.ones((1000, 1), np.float32), 8000, "FLOAT")
    assert rescue(part, tmp_path / "take.wav", 700) == 700
    assert soundfile.info(tmp_path / "take.wav").frames == 700


@pytest.mark.parametrize(
    "left", [b"", b"half", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEdata\0\0\0\0x"]
)
def test_what_holds_no_sound_is_removed(tmp_path, left):
    (tmp_path / "part").write_bytes(left)
    assert rescue(tmp_path / "part", tmp_path / "take.wav") == 0
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_only_begun_is_removed(tmp_path):
    part = unfinished(tmp_path / "part", np.ones((0, 2), np.float32), 8000, "FLOAT")
    assert rescue(part, tmp_path / "take.wav") == 0
    assert list(tmp_path.iterdir()) == []
