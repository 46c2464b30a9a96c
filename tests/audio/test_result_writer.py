import errno
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from audio_material import noise

from bridge.protocol.errors import PunchinError
from daemon.audio import writer as module
from daemon.audio.formats import written_dtype
from daemon.audio.types import OutputFormat
from daemon.audio.writer import LONGEST_TEXT_BYTES, Writer, request_comment

WAV = OutputFormat("WAV", "PCM_16", 44_100, 2)


def pcm(frames=1000, channels=2, seed=1):
    return np.random.default_rng(seed).integers(-30_000, 30_000, (frames, channels), np.int16)


def names(folder):
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize("container", ["WAV", "WAVEX", "RF64", "FLAC"])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_samples_and_request_read_back(tmp_path, container, subtype):
    fmt = OutputFormat(container, subtype, 44_100, 2)
    x = pcm().astype(written_dtype(fmt)) << (8 if subtype == "PCM_24" else 0)
    comment = request_comment({"engine": "sketch", "seed": 5, "prompt": "Späte Züge, 夜 ♫"})
    with Writer(tmp_path / "a.wav", fmt, {"software": "Punchin 1", "comment": comment}) as out:
        for block in np.array_split(x, 7):
            out.write(block)
        assert out.commit() == tmp_path / "a.wav"
    with soundfile.SoundFile(str(tmp_path / "a.wav")) as file:
        assert np.array_equal(file.read(dtype=written_dtype(fmt)), x)
        assert json.loads(file.comment)["prompt"] == "Späte Züge, 夜 ♫"
        assert file.software.startswith("Punchin 1")
    assert names(tmp_path) == ["a.wav"]


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_32", "FLOAT", "DOUBLE"])
def test_other_sample_types(tmp_path, subtype):
    fmt = OutputFormat("WAV", subtype, 96_000, 3)
    x = (noise(1, 500, 3) * 100).astype(written_dtype(fmt))
    x = x << 8 if subtype == "PCM_U8" else x
    with Writer(tmp_path / "a.wav", fmt) as out:
        out.write(x)
        out.commit()
    read, rate = soundfile.read(str(tmp_path / "a.wav"), dtype=written_dtype(fmt))
    assert rate == 96_000
    assert np.array_equal(read, x)


@pytest.mark.parametrize("container", ["WAV", "FLAC"])
def test_the_longest_comment_still_reads_back(tmp_path, container):
    fields = {"id": "a", "seed": 12, "prompt": "ä" * 9000, "lyrics": 'x"\n' * 9000}
    comment = request_comment(fields)
    assert LONGEST_TEXT_BYTES - 500 < len(comment.encode()) <= LONGEST_TEXT_BYTES
    kept = json.loads(comment)
    assert (kept["id"], kept["seed"]) == ("a", 12)
    assert kept["prompt"].endswith("…")
    with Writer(
        tmp_path / "a", OutputFormat(container, "PCM_16", 8000, 2), {"comment": comment}
    ) as w:
        w.write(pcm())
        w.commit()
    with soundfile.SoundFile(str(tmp_path / "a")) as file:
        assert file.comment == comment


def test_short_requests_are_not_cut_and_hopeless_ones_end():
    assert json.loads(request_comment({"a": 1, "b": None})) == {"a": 1, "b": None}
    many = {f"key{n}": n for n in range(300)}
    assert len(request_comment(many).encode()) <= LONGEST_TEXT_BYTES


def test_nothing_is_visible_before_commit(tmp_path):
    with Writer(tmp_path / "a.wav", WAV) as out:
        out.write(pcm())
        assert names(tmp_path) == [".a.wav.part"]
    assert names(tmp_path) == []


def test_an_exception_leaves_nothing_and_an_old_file_alone(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"old")

    def interrupted():
        with Writer(tmp_path / "a.wav", WAV) as out:
            out.write(pcm())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert names(tmp_path) == ["a.wav"]
    assert (tmp_path / "a.wav").read_bytes() == b"old"


def test_finish_leaves_the_rename_to_the_caller(tmp_path):
    with Writer(tmp_path / "a.wav", WAV) as out:
        out.write(pcm())
        part = out.finish()
    assert part == tmp_path / ".a.wav.part"
    assert soundfile.info(str(part)).frames == 1000
    part.replace(tmp_path / "a.wav")


def test_commit_flushes_file_before_rename_and_folder_after(tmp_path, monkeypatch):
    seen = []
    fsync = os.fsync

    def noted(descriptor):
        seen.append(sorted(names(tmp_path)))
        fsync(descriptor)

    monkeypatch.setattr(module.os, "fsync", noted)
    with Writer(tmp_path / "a.wav", WAV) as out:
        out.write(pcm())
        out.commit()
    assert seen[0] == [".a.wav.part"]
    if os.name != "nt":
        assert seen[1] == ["a.wav"]


def test_a_part_left_by_a_crash_is_overwritten(tmp_path):
    (tmp_path / ".a.wav.part").write_bytes(b"x" * 100_000)
    with Writer(tmp_path / "a.wav", WAV) as out:
        out.write(pcm(10))
        out.commit()
    assert soundfile.info(str(tmp_path / "a.wav")).frames == 10


def test_wrong_type_or_channels_is_a_defect_of_the_caller(tmp_path):
    with Writer(tmp_path / "a.wav", WAV) as out:
        for block in (pcm().astype(np.int32), pcm(10, 1), pcm()[:, 0]):
            with pytest.raises(AssertionError):
                out.write(block)


def test_a_folder_that_is_missing_or_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "none" / "a.wav", tmp_path / "file" / "a.wav"):
        with pytest.raises(PunchinError) as caught:
            Writer(path, WAV)
        assert caught.value.code == 401
        assert ";" in caught.value.message


@pytest.mark.parametrize(("number", "code"), [(errno.EDQUOT, 400), (errno.EIO, 401)])
def test_a_flush_that_fails(tmp_path, monkeypatch, number, code):
    def failing(_):
        raise OSError(number, os.strerror(number))

    def attempt():
        with Writer(tmp_path / "a.wav", WAV) as out:
            out.write(pcm())
            monkeypatch.setattr(module.os, "fsync", failing)
            out.commit()

    with pytest.raises(PunchinError) as caught:
        attempt()
    assert caught.value.code == code
    assert names(tmp_path) == []


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 64 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if (
        not sys.platform.startswith("linux")
        or subprocess.run(command, capture_output=True).returncode
    ):
        pytest.skip("needs the right to mount a tmpfs")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("container", ["WAV", "RF64", "FLAC"])
@pytest.mark.parametrize("block", [65_536, 500])
def test_a_full_disk(small_disk, container, block):
    (small_disk / "keep").write_bytes(b"x" * 20_000)

    def attempt():
        with Writer(small_disk / "a.wav", OutputFormat(container, "PCM_16", 44_100, 2)) as out:
            for part in np.array_split(pcm(65_536), 65_536 // block):
                out.write(part)
            out.commit()

    with pytest.raises(PunchinError) as caught:
        attempt()
    assert caught.value.code == 400
    assert names(small_disk) == ["keep"]


@pytest.mark.parametrize("container", ["WAV", "FLAC"])
def test_a_disk_that_is_full_only_at_the_very_end(small_disk, container):
    """What libsndfile still holds back when the last block was taken must not get lost."""
    outcomes = set()
    for spare in range(0, 30_000, 1500):
        (small_disk / "filler").write_bytes(b"x" * (40_000 - spare))
        outcomes.add(outcome(small_disk / "a.wav", container))
        assert names(small_disk) == ["filler"]
    assert outcomes == {"whole", 400}


def outcome(path, container):
    """Try to write 8,000 frames: `whole` when they all read back, else the error's number."""
    try:
        with Writer(path, OutputFormat(container, "PCM_16", 44_100, 2)) as out:
            out.write(pcm(8000))
            out.commit()
    except PunchinError as fault:
        return fault.code
    read, _ = soundfile.read(str(path), dtype="int16")
    path.unlink()
    return "whole" if np.array_equal(read, pcm(8000)) else "damaged"
