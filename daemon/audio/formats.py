"""In which format a result is written, and what its samples look like. No audio passes here.

Every choice keeps the source's samples exact where the asked format can hold them.
"""

from __future__ import annotations

from dataclasses import replace

from bridge.protocol.errors import error
from daemon.audio.types import OutputFormat, SourceInfo

FORMAT_KEYS = ("source", "wav16", "wav24", "wav32f", "flac")

# Header, metadata and padding of a WAV file stay far below this.
_HEADER_ROOM = 1 << 20
_WAV_LIMIT = (1 << 32) - _HEADER_ROOM

# What keeps the samples of each kind of source: 16 bits hold μ-law, A-law and ADPCM as decoded;
# a lossy source has no depth, 24 bits stand for it.
_KEEPING = {
    "PCM_U8": "PCM_U8",
    "PCM_S8": "PCM_U8",
    "PCM_16": "PCM_16",
    "PCM_24": "PCM_24",
    "PCM_32": "PCM_32",
    "FLOAT": "FLOAT",
    "DOUBLE": "DOUBLE",
    "ULAW": "PCM_16",
    "ALAW": "PCM_16",
    "IMA_ADPCM": "PCM_16",
    "MS_ADPCM": "PCM_16",
    "GSM610": "PCM_16",
    "ALAC_16": "PCM_16",
    "ALAC_20": "PCM_24",
    "ALAC_24": "PCM_24",
    "ALAC_32": "PCM_32",
}
_WAV = {"wav16": "PCM_16", "wav24": "PCM_24", "wav32f": "FLOAT"}
_BITS = {"PCM_U8": 8, "PCM_S8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
_DTYPE = {8: "int16", 16: "int16", 24: "int32", 32: "int32"}
_FLOAT_DTYPE = {"FLOAT": "float32", "DOUBLE": "float64"}


def output_format(
    info: SourceInfo | None, format_key: str, min_channels: int = 1, default_rate: int = 48_000
) -> OutputFormat:
    """Return how a result for source `info` (None: there is none) is written as `format_key`.

    `source` without a source is 24-bit WAV at `default_rate` Hz. Errors: 103 for a format that
    does not exist.
    """
    if format_key not in FORMAT_KEYS:
        raise error(103, f"format {format_key!r} is unknown; use one of {', '.join(FORMAT_KEYS)}")
    rate = info.rate if info else default_rate
    channels = max(info.channels if info else 1, min_channels)
    keeping = _KEEPING.get(info.subtype, "PCM_24") if info else "PCM_24"
    if format_key == "flac":
        subtype = "PCM_16" if keeping in ("PCM_U8", "PCM_16") else "PCM_24"
        return OutputFormat("FLAC", subtype, rate, channels)
    return with_channels(OutputFormat("WAV", _WAV.get(format_key, keeping), rate, 1), channels)


def with_channels(fmt: OutputFormat, channels: int) -> OutputFormat:
    """Return `fmt` for so many channels."""
    if fmt.container == "FLAC":
        return replace(fmt, channels=channels)
    # Beyond stereo only the extensible header says which channel is which.
    return replace(fmt, channels=channels, container="WAVEX" if channels > 2 else "WAV")


def container_for(fmt: OutputFormat, frames: int) -> OutputFormat:
    """Return `fmt`, as RF64 when `frames` of it don't fit into a WAV file's 32-bit lengths."""
    if fmt.container in ("WAV", "WAVEX") and frames * frame_bytes(fmt) > _WAV_LIMIT:
        return replace(fmt, container="RF64")
    return fmt


def bits(subtype: str) -> int | None:
    """Return the bit depth of an integer subtype, None for float and lossy ones."""
    return _BITS.get(subtype)


def frame_bytes(fmt: OutputFormat) -> int:
    """Return the bytes that one frame takes before any packing."""
    depth = _BITS.get(fmt.subtype) or (64 if fmt.subtype == "DOUBLE" else 32)
    return depth // 8 * fmt.channels


def written_dtype(fmt: OutputFormat) -> str:
    """Return the array type that `Writer.write` takes for `fmt`; integers lie in the upper bits."""
    return _FLOAT_DTYPE.get(fmt.subtype) or _DTYPE[_BITS[fmt.subtype]]


def suffix(fmt: OutputFormat) -> str:
    """Return the file name's ending, `.wav` or `.flac`."""
    return ".flac" if fmt.container == "FLAC" else ".wav"
