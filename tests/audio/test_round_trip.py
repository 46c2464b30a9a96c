"""The whole road of a repaint: file, window, stereo, engine's rate, and back into the file."""

import numpy as np
import pytest
from audio_material import music, noise, write

from daemon.audio.channels import Fold
from daemon.audio.formats import output_format
from daemon.audio.probe import probe
from daemon.audio.quantise import quantise, recast
from daemon.audio.reading import blocks, window
from daemon.audio.resample import convert, cut, engine_span, handle_frames
from daemon.audio.splice import CONTEXT_S, HANDLE_S, splice
from daemon.audio.writer import Writer


def repaint(info, target, start, end, engine_rate, play):
    """Replace `[start, end)` by what `play(heard, first, last)` returns for engine frames."""
    margin = info.rate
    first = max(0, start - margin)
    source = window(info, first, min(info.frames, end + margin))
    fold = Fold.fit(source)
    heard, heard_from = convert(fold.stereo(source), first, info.rate, engine_rate)
    a, b = engine_span(start, end, info.rate, engine_rate)
    a, b = a - handle_frames(engine_rate), b + handle_frames(engine_rate)
    made = play(heard, a - heard_from, b - heard_from)
    handle, beside = round(HANDLE_S * info.rate), round(CONTEXT_S * info.rate)
    new = fold.back(cut(made, a, engine_rate, info.rate, start - handle, end + handle))
    here, there = start - first, end - first
    done = splice(
        source[max(0, here - beside) : here],
        source[here:there],
        source[there : there + beside],
        new,
        handle,
        info.rate,
        fold.kept,
    )
    fmt = output_format(info, "source")
    rng = np.random.Generator(np.random.PCG64(1))
    with Writer(target, fmt, {"comment": "x"}) as writer:
        for block in blocks(info, 0, start):
            writer.write(recast(block, fmt)[0])
        writer.write(quantise(done.samples, fmt, rng)[0])
        for block in blocks(info, end, info.frames):
            writer.write(recast(block, fmt)[0])
        writer.commit()
    return done


def echo(heard, first, last):
    """An engine that plays what it hears."""
    padded = np.pad(heard, ((max(0, -first), max(0, last - len(heard))), (0, 0)))
    return padded[max(0, first) : max(0, first) + last - first]


def hiss(heard, first, last):
    """An engine that plays noise."""
    return noise(5, last - first, 2, 0.05).astype(np.float32)


def native(info):
    return np.concatenate(list(blocks(info, 0, info.frames)))


def full_scale(x):
    return 1.0 if x.dtype.kind == "f" else -float(np.iinfo(x.dtype).min)


CASES = [
    ("WAV", "PCM_16", 44_100, 2),
    ("WAV", "PCM_24", 48_000, 1),
    ("WAV", "PCM_32", 96_000, 2),
    ("WAV", "FLOAT", 44_101, 2),
    ("WAV", "DOUBLE", 22_050, 1),
    ("WAV", "PCM_U8", 8_000, 1),
    ("RF64", "PCM_24", 192_000, 2),
    ("AIFF", "PCM_24", 88_200, 2),
    ("FLAC", "PCM_16", 32_000, 2),
    ("WAVEX", "PCM_24", 48_000, 6),
    ("WAVEX", "PCM_16", 44_100, 8),
    ("OGG", "VORBIS", 44_100, 2),
    ("MP3", "MPEG_LAYER_III", 44_100, 1),
]


@pytest.mark.parametrize(("container", "subtype", "rate", "channels"), CASES)
@pytest.mark.parametrize("play", [echo, hiss])
def test_outside_nothing_changes_and_inside_the_length_is_exact(
    tmp_path, container, subtype, rate, channels, play
):
    x = music(1, 2 * rate, rate, channels)
    info = write(tmp_path / "a.x", x, rate, subtype, container)
    start, end = rate // 2 + 13, rate - 7
    engine_rate = 44_100 if rate == 48_000 else 48_000
    repaint(info, tmp_path / "b.wav", start, end, engine_rate, play)
    result = write_info(tmp_path / "b.wav")
    assert (result.rate, result.channels, result.frames) == (rate, channels, info.frames)
    old, new = native(info), native(result)
    if container not in ("MP3", "OGG"):
        assert old.dtype == new.dtype
        assert np.array_equal(old[:start], new[:start])
        assert np.array_equal(old[end:], new[end:])
    step = {"PCM_U8": 2**-7, "PCM_16": 2**-15}.get(subtype, 2**-23)
    apart = np.abs(old / full_scale(old) - new / full_scale(new))
    assert apart[:start].max() <= step
    assert apart[end:].max() <= step
    if play is hiss:
        assert apart[start:end].max() > 0.05


@pytest.mark.parametrize("rate", [8_000, 44_101, 96_000])
@pytest.mark.parametrize("engine_rate", [44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_an_engine_that_plays_what_it_hears_changes_nothing_to_hear(
    tmp_path, rate, engine_rate, channels
):
    x = music(1, 3 * rate, rate, channels)
    kernel = np.hanning(9)[:, None] / np.hanning(9).sum()
    x = np.apply_along_axis(lambda c: np.convolve(c, kernel[:, 0], "same"), 0, x)
    info = write(tmp_path / "a.wav", x, rate, "FLOAT")
    done = repaint(info, tmp_path / "b.wav", rate, 2 * rate, engine_rate, echo)
    new = window(write_info(tmp_path / "b.wav"), rate, 2 * rate)
    assert np.abs(new - x[rate : 2 * rate]).max() < 5e-4
    assert (done.report.delay, done.report.polarity) == (0, 1)


def test_a_float_source_above_full_scale_is_not_clipped(tmp_path):
    x = music(1, 3 * 44_100, 44_100, 2)
    x *= 4 / np.abs(x).max()
    info = write(tmp_path / "a.wav", x, 44_100, "FLOAT")
    heard = []

    def play(clip, first, last):
        heard.append(np.abs(clip).max())
        return echo(clip, first, last)

    repaint(info, tmp_path / "b.wav", 44_100, 88_200, 48_000, play)
    new = window(write_info(tmp_path / "b.wav"), 44_100, 88_200)
    assert heard[0] <= 1.01
    assert np.abs(new - x[44_100:88_200]).max() < 0.05


def test_lfe_and_silent_channels_stay_as_they_are_to_the_bit(tmp_path):
    x = music(1, 3 * 48_000, 48_000, 6)
    x[:, 4] = 0
    info = write(tmp_path / "a.wav", x, 48_000, "PCM_16", "WAVEX")
    repaint(info, tmp_path / "b.wav", 48_000, 96_000, 44_100, hiss)
    old, new = native(info), native(write_info(tmp_path / "b.wav"))
    assert np.array_equal(old[:, [3, 4]], new[:, [3, 4]])
    assert not np.array_equal(old[:, 0], new[:, 0])


def test_identical_sides_stay_identical_in_the_file(tmp_path):
    x = np.repeat(music(1, 3 * 44_100, 44_100, 1), 2, axis=1)
    info = write(tmp_path / "a.wav", x, 44_100, "FLOAT")
    repaint(info, tmp_path / "b.wav", 44_100, 88_200, 48_000, hiss)
    new = native(write_info(tmp_path / "b.wav"))
    assert np.array_equal(new[:, 0], new[:, 1])


def write_info(path):
    return probe(str(path))
