import numpy as np
import pytest
from audio_material import noise, write

from bridge.protocol.errors import PunchinError
from daemon.audio.formats import (
    FORMAT_KEYS,
    bits,
    container_for,
    frame_bytes,
    output_format,
    suffix,
    written_dtype,
)
from daemon.audio.quantise import recast
from daemon.audio.reading import blocks
from daemon.audio.types import OutputFormat, SourceInfo


def source(subtype, container="WAV", channels=2, rate=44_100):
    return SourceInfo("/a", rate, channels, 1000, container, subtype, 1, 1)


@pytest.mark.parametrize(
    ("container", "subtype", "expected"),
    [
        ("WAV", "PCM_U8", "PCM_U8"),
        ("AIFF", "PCM_S8", "PCM_U8"),
        ("WAV", "PCM_16", "PCM_16"),
        ("FLAC", "PCM_16", "PCM_16"),
        ("FLAC", "PCM_24", "PCM_24"),
        ("AIFF", "PCM_32", "PCM_32"),
        ("RF64", "FLOAT", "FLOAT"),
        ("WAV", "DOUBLE", "DOUBLE"),
        ("WAV", "ULAW", "PCM_16"),
        ("MP3", "MPEG_LAYER_III", "PCM_24"),
        ("OGG", "VORBIS", "PCM_24"),
        ("OGG", "OPUS", "PCM_24"),
    ],
)
def test_source_keeps_the_samples(container, subtype, expected):
    fmt = output_format(source(subtype, container), "source")
    assert fmt == OutputFormat("WAV", expected, 44_100, 2)


@pytest.mark.parametrize(
    ("subtype", "depth"),
    [("PCM_U8", 16), ("PCM_16", 16), ("PCM_24", 24), ("PCM_32", 24), ("FLOAT", 24), ("VORBIS", 24)],
)
def test_flac_depth(subtype, depth):
    fmt = output_format(source(subtype), "flac")
    assert (fmt.container, fmt.subtype) == ("FLAC", f"PCM_{depth}")


def test_named_formats_rates_and_channels():
    named = {k: output_format(source("PCM_16"), k).subtype for k in ("wav16", "wav24", "wav32f")}
    assert named == {"wav16": "PCM_16", "wav24": "PCM_24", "wav32f": "FLOAT"}
    mono = source("PCM_16", channels=1, rate=8000)
    assert output_format(mono, "source", min_channels=2).channels == 2
    assert output_format(mono, "source").channels == 1
    assert output_format(mono, "source").rate == 8000
    assert output_format(source("PCM_16", channels=6), "source", 2).channels == 6
    assert output_format(source("PCM_16", channels=6), "source").container == "WAVEX"
    assert output_format(None, "source", 2, 44_100) == OutputFormat("WAV", "PCM_24", 44_100, 2)
    with pytest.raises(PunchinError) as caught:
        output_format(mono, "mp3")
    assert caught.value.code == 103
    assert "wav32f" in caught.value.message


def test_rf64_where_wav_would_overflow():
    fmt = OutputFormat("WAV", "PCM_16", 48_000, 2)
    assert container_for(fmt, 1_000_000_000).container == "WAV"
    assert container_for(fmt, (1 << 30) - 100).container == "RF64"
    assert container_for(fmt, 1 << 31).container == "RF64"
    flac = OutputFormat("FLAC", "PCM_24", 48_000, 2)
    assert container_for(flac, 1 << 40) == flac


def test_sizes_types_and_names():
    expected = {
        "PCM_U8": (1, "int16", 8),
        "PCM_16": (2, "int16", 16),
        "PCM_24": (3, "int32", 24),
        "PCM_32": (4, "int32", 32),
        "FLOAT": (4, "float32", None),
        "DOUBLE": (8, "float64", None),
    }
    for subtype, row in expected.items():
        fmt = OutputFormat("WAV", subtype, 48_000, 3)
        assert (frame_bytes(fmt) // 3, written_dtype(fmt), bits(subtype)) == row
    assert suffix(OutputFormat("FLAC", "PCM_16", 1, 1)) == ".flac"
    assert {suffix(OutputFormat(c, "PCM_16", 1, 1)) for c in ("WAV", "WAVEX", "RF64")} == {".wav"}


@pytest.mark.parametrize("key", FORMAT_KEYS)
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "FLOAT", "ULAW"])
def test_a_format_that_can_hold_the_source_holds_it_exactly(tmp_path, key, subtype):
    info = write(tmp_path / "a.wav", noise(4, 3000, 2), 44_100, subtype)
    fmt = output_format(info, key)
    native = next(blocks(info, 0, 3000))
    values = native / (1.0 if native.dtype.kind == "f" else 2.0 ** (8 * native.itemsize - 1))
    out, clipped = recast(native, fmt)
    assert clipped == 0
    assert out.dtype == written_dtype(fmt)
    scale = 1.0 if out.dtype.kind == "f" else 2.0 ** (8 * out.itemsize - 1)
    loses = (subtype == "PCM_24" and key == "wav16") or (
        subtype == "FLOAT" and key in ("wav16", "wav24", "flac")
    )
    step = 2.0 ** (1 - (bits(fmt.subtype) or 32))
    error = np.abs(out / scale - values).max()
    assert error <= step / 2 if loses else error == 0
