import os
import tracemalloc

import numpy as np
import pytest
import soundfile
from audio_material import music, noise, write
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.protocol.errors import PunchinError
from daemon.audio import reading, resample
from daemon.audio.channels import Fitting, Fold
from daemon.audio.clip_files import FileClip, ResampledClip, StereoClip
from daemon.audio.clips import HeldClip, as_reader
from daemon.audio.probe import probe

FORMATS = [
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "FLOAT"),
    ("FLAC", "PCM_16"),
    ("MP3", "MPEG_LAYER_III"),
    ("OGG", "VORBIS"),
]


def unchecked():
    pass


def stereo_of(info, start, end):
    return StereoClip.of(FileClip(info, start, end), unchecked)


@pytest.mark.parametrize(("container", "subtype"), FORMATS)
def test_any_piece_is_a_slice_of_the_window(tmp_path, container, subtype):
    info = write(tmp_path / "a.x", noise(1, 90_000, 2), 44_100, subtype, container)
    start, end = 1234, 81_234
    whole = reading.window(info, start, end)
    clip = FileClip(info, start, end)
    assert (clip.shape, len(clip), clip.rate) == ((80_000, 2), 80_000, 44_100)
    assert np.array_equal(np.concatenate(list(clip.blocks(7_000))), whole)
    assert [len(b) for b in clip.blocks(30_000)] == [30_000, 30_000, 20_000]
    for a, b in ((0, 10), (79_990, 80_000), (40_000, 40_000), (50_000, 90_000), (-5, None)):
        assert np.array_equal(clip[a:b], whole[a:b])
    assert np.array_equal(np.asarray(clip), whole)
    assert np.array_equal(np.concatenate(list(clip.blocks(7_000))), whole)


@pytest.mark.parametrize(("container", "subtype"), FORMATS)
def test_going_through_a_clip_holds_a_block(tmp_path, container, subtype):
    path, frames = tmp_path / "a.x", 800_000
    with soundfile.SoundFile(path, "w", 44_100, 2, subtype, format=container) as file:
        for seed in range(16):  # encoders don't like much at once
            file.write(noise(seed, frames // 16, 2))
    clip = FileClip(probe(str(path)), 0, frames)
    tracemalloc.start()
    seen = sum(len(block) for block in clip.blocks(50_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seen == frames
    assert peak < frames * 8 / 2


def test_outside_the_clip_is_a_defect_of_the_caller(tmp_path):
    clip = FileClip(write(tmp_path / "a.wav", noise(1, 1000, 2)), 100, 900)
    for start, count in ((-1, 5), (795, 6), (5, -1)):
        with pytest.raises(AssertionError):
            clip.read(start, count)


@pytest.mark.parametrize("subtype", ["PCM_16", "IMA_ADPCM"])
def test_a_file_that_changes_is_told(tmp_path, subtype):
    path = tmp_path / "a.wav"
    info = write(path, noise(1, 90_000, 2), 44_100, subtype)
    clip = FileClip(info, 0, info.frames)
    passing = clip.blocks(1000)
    next(passing)
    os.utime(path, ns=(info.mtime_ns, info.mtime_ns + 1))
    for attempt in (lambda: clip.read(0, 10), lambda: list(clip.blocks()), lambda: list(passing)):
        with pytest.raises(PunchinError) as caught:
            attempt()
        assert caught.value.code == 202
    path.unlink()
    with pytest.raises(PunchinError) as caught:
        clip.read(0, 10)
    assert caught.value.code == 200


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("peak", [0.5, 3.0])
def test_an_engine_hears_the_same_in_blocks(tmp_path, channels, peak):
    x = music(2, 50_000, 48_000, channels)
    info = write(tmp_path / "a.wav", x / np.abs(x).max() * peak, 48_000, "FLOAT")
    source = reading.window(info, 500, 49_500)
    clip, fold = stereo_of(info, 500, 49_500)
    held = Fold.fit(source)
    assert (fold.gain, fold.kept, fold.dual_mono) == (held.gain, held.kept, held.dual_mono)
    assert np.allclose(fold.up, held.up, rtol=1e-9)
    assert np.allclose(np.asarray(clip), held.stereo(source), rtol=0, atol=1e-6)
    assert np.abs(np.asarray(clip)).max() <= 1


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 3000),
    st.integers(0, 5000),
    st.sampled_from([8000, 22050, 44100, 48000, 88200, 96000]),
    st.sampled_from([32000, 44100, 48000]),
)
def test_the_length_at_another_rate_is_that_of_the_whole(frames, start, rate, to):
    made, first = resample.convert(np.zeros((frames, 2), np.float32), start, rate, to)
    assert resample.converted_span(frames, start, rate, to) == (len(made), first)


@pytest.mark.parametrize(("rate", "to"), [(96_000, 48_000), (44_100, 48_000), (8_000, 32_000)])
def test_pieces_at_another_rate_are_pieces_of_the_whole(rate, to):
    x = music(3, 2 * rate, rate, 2).astype(np.float32)
    whole, first = resample.convert(x, 777, rate, to)
    clip = ResampledClip(HeldClip(x, rate), 777, to)
    assert (clip.first, clip.frames, clip.rate) == (first, len(whole), to)
    for start, count in ((0, 100), (7_001, 5_000), (len(whole) - 50, 50), (0, len(whole))):
        assert np.abs(clip.read(start, count) - whole[start : start + count]).max() < 2e-6
    assert np.abs(np.concatenate(list(clip.blocks(9_999))) - whole).max() < 2e-6


def test_digests_tell_samples_apart_and_not_files(tmp_path):
    x = (noise(1, 20_000, 2) * 30_000).astype(np.int16)
    digest = stereo_of(write(tmp_path / "a.wav", x), 0, 20_000)[0].digest
    assert stereo_of(write(tmp_path / "b.flac", x, container="FLAC"), 0, 20_000)[0].digest == digest
    assert stereo_of(write(tmp_path / "c.wav", x, 48_000), 0, 20_000)[0].digest != digest
    assert stereo_of(write(tmp_path / "d.wav", x), 0, 19_999)[0].digest != digest
    x[15_000, 1] += 1
    assert stereo_of(write(tmp_path / "a.wav", x), 0, 20_000)[0].digest != digest


def test_digests_at_another_rate_tell_where_a_clip_begins():
    held = HeldClip(noise(1, 5000, 2).astype(np.float32), 44_100)
    found = {
        ResampledClip(held, start, rate).digest for start in (0, 7) for rate in (32_000, 48_000)
    }
    assert len(found) == 4


def test_a_held_clip_is_the_array_itself():
    x = noise(1, 1000, 2).astype(np.float32)
    clip = as_reader(x, 44_100)
    assert np.shares_memory(clip[10:20], x)
    assert np.shares_memory(np.asarray(clip), x)
    assert as_reader(clip, 44_100) is clip
    assert clip.digest == HeldClip(x.copy(), 44_100).digest
    assert clip.digest != HeldClip(-x, 44_100).digest
    with pytest.raises(AssertionError):
        clip[::2]


@pytest.mark.parametrize("channels", range(1, 9))
def test_a_fold_is_fitted_alike_in_any_blocks(channels):
    x = music(4, 9_000, 48_000, channels).astype(np.float32)
    x[:, channels // 2] *= 1e-6
    fitting = Fitting(channels)
    for at in range(0, len(x), 1001):
        fitting.add(x[at : at + 1001])
    fold, whole = fitting.fold(), Fold.fit(x)
    assert (fold.kept, fold.gain, fold.dual_mono) == (whole.kept, whole.gain, whole.dual_mono)
    assert np.allclose(fold.up, whole.up, rtol=1e-9)


def test_sides_are_identical_only_if_they_are_in_every_block():
    x = np.repeat(noise(1, 3000, 1), 2, axis=1).astype(np.float32)
    for odd, same in ((None, True), (0, False), (2999, False)):
        y = x.copy()
        if odd is not None:
            y[odd, 1] += 0.1
        fitting = Fitting(2)
        for at in range(0, len(y), 500):
            fitting.add(y[at : at + 500])
        assert fitting.fold().dual_mono is same
