from dataclasses import replace

import numpy as np
import pytest
import soundfile
from audio_material import noise, write

from bridge.protocol.errors import PunchinError
from daemon.audio.reading import as_float, blocks, native_dtype, window

SUBTYPES = {
    "PCM_U8": "int16",
    "PCM_16": "int16",
    "PCM_24": "int32",
    "PCM_32": "int32",
    "FLOAT": "float32",
    "DOUBLE": "float64",
    "ULAW": "int16",
}


def whole(info, block=65_536):
    return np.concatenate(list(blocks(info, 0, info.frames, block)))


@pytest.mark.parametrize(("subtype", "dtype"), SUBTYPES.items())
def test_every_bit_survives(tmp_path, subtype, dtype):
    rng = np.random.default_rng(1)
    if dtype.startswith("int"):
        unused = {"PCM_U8": 8, "PCM_24": 8}.get(subtype, 0)
        limits = np.iinfo(dtype)
        x = rng.integers(limits.min, limits.max, (5000, 2), dtype, endpoint=True)
        x = x >> unused << unused
    else:
        x = (rng.standard_normal((5000, 2)) * 3).astype(dtype)
    info = write(tmp_path / "a.wav", x, 44_100, subtype)
    assert native_dtype(info) == dtype
    read = whole(info)
    assert read.dtype == dtype
    if subtype != "ULAW":
        assert np.array_equal(read, x)
    again = write(tmp_path / "b.wav", read, 44_100, subtype)
    assert np.array_equal(whole(again), read)


@pytest.mark.parametrize(
    ("container", "subtype", "rate"),
    [
        ("WAV", "PCM_24", 44_100),
        ("WAV", "IMA_ADPCM", 44_100),
        ("FLAC", "PCM_16", 44_100),
        ("AIFF", "PCM_24", 96_000),
        ("RF64", "FLOAT", 48_000),
        ("MP3", "MPEG_LAYER_III", 44_100),
        ("OGG", "VORBIS", 44_100),
        ("OGG", "OPUS", 48_000),
    ],
)
def test_any_window_is_a_slice_of_the_whole(tmp_path, container, subtype, rate):
    info = write(tmp_path / "a.x", noise(2, 150_000, 2), rate, subtype, container)
    everything = whole(info)
    assert len(everything) == info.frames
    rng = np.random.default_rng(3)
    for start in [0, 1, 1151, *rng.integers(0, info.frames - 5000, 8)]:
        end = int(start) + 3001
        part = np.concatenate(list(blocks(info, int(start), end, 777)))
        assert np.array_equal(part, everything[start:end])
        assert np.array_equal(window(info, int(start), end), as_float(everything[start:end]))
    assert np.array_equal(window(info, info.frames - 7, info.frames), as_float(everything[-7:]))


def test_window_is_full_scale_one(tmp_path):
    x = np.array([[-32768], [0], [16384]], np.int16)
    info = write(tmp_path / "a.wav", x)
    assert window(info, 0, 3).tolist() == [[-1.0], [0.0], [0.5]]
    assert window(info, 0, 3).dtype == np.float32
    loud = write(tmp_path / "b.wav", np.array([[2.5], [-4.0]]), 48_000, "DOUBLE")
    assert window(loud, 0, 2).tolist() == [[2.5], [-4.0]]


def test_blocks_are_no_longer_than_asked_and_may_be_empty(tmp_path):
    info = write(tmp_path / "a.wav", noise(1, 1000, 3))
    assert [b.shape for b in blocks(info, 100, 350, 100)] == [(100, 3), (100, 3), (50, 3)]
    assert list(blocks(info, 5, 5)) == []
    assert window(info, 5, 5).shape == (0, 3)


def test_outside_the_file_is_a_defect_of_the_caller(tmp_path):
    info = write(tmp_path / "a.wav", noise(1, 100))
    for start, end in ((-1, 5), (50, 101), (9, 8)):
        with pytest.raises(AssertionError):
            list(blocks(info, start, end))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_not_finite(tmp_path, value, subtype):
    x = noise(1, 1000, 2)
    x[700, 1] = value
    info = write(tmp_path / "a.wav", x, 44_100, subtype)
    assert window(info, 0, 700).shape == (700, 2)
    with pytest.raises(PunchinError) as caught:
        window(info, 0, 701)
    assert caught.value.code == 201


@pytest.mark.parametrize(
    ("container", "subtype"),
    [("FLAC", "PCM_16"), ("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS"), ("WAV", "PCM_16")],
)
def test_a_source_cut_off_since_it_was_probed(tmp_path, container, subtype):
    path = tmp_path / "a.x"
    info = write(path, noise(1, 100_000, 1), 44_100, subtype, container)
    path.write_bytes(path.read_bytes()[: info.size // 2])
    with pytest.raises(PunchinError) as caught:
        whole(info)
    assert caught.value.code == 201


def test_gone_or_with_other_channels(tmp_path):
    path = tmp_path / "a.wav"
    info = write(path, noise(1, 1000, 2))
    with pytest.raises(PunchinError) as caught:
        whole(replace(info, channels=1))
    assert caught.value.code == 201
    path.write_text("no longer audio")
    with pytest.raises(PunchinError) as caught:
        whole(info)
    assert caught.value.code == 201
    path.unlink()
    with pytest.raises(PunchinError) as caught:
        whole(info)
    assert caught.value.code == 200


def test_reads_only_what_is_asked_for(tmp_path, monkeypatch):
    info = write(tmp_path / "a.flac", noise(1, 300_000), 44_100, "PCM_16", "FLAC")
    asked = []
    read = soundfile.SoundFile.read
    monkeypatch.setattr(
        soundfile.SoundFile, "read", lambda self, n, **k: asked.append(n) or read(self, n, **k)
    )
    window(info, 200_000, 201_000)
    assert asked == [1000]
