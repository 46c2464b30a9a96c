"""ReaStream's audio packets: a header of 47 bytes and at most 1,200 bytes of samples.

    0   4  "MRSR"
    4   4  int32   length of the whole packet
    8  32  identifier, filled with zeros, the last byte always zero
    40  1  channels, 1 to 64
    41  4  int32   sample rate, Hz
    45  2  int16   bytes of samples
    47     float32, all of channel 0, then all of channel 1 …

All numbers are little-endian. There is no sequence number and no time: order and pace are the
sender's. Source: the format's description in libReaStream and reastream-wireshark.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

HEADER = struct.Struct("<4s i 32s B i h")
MOST_SAMPLE_BYTES = 1200
MOST_CHANNELS = 64
_SAMPLE = 4


def most_frames(channels: int) -> int:
    """Return how many frames of so many channels fit into one packet."""
    assert 1 <= channels <= MOST_CHANNELS, channels
    return MOST_SAMPLE_BYTES // (_SAMPLE * channels)


def packet(identifier: str, rate: int, samples: np.ndarray) -> bytes:
    """Return the packet of one block, `(frames, channels)` float32 that fits into it."""
    frames, channels = samples.shape
    assert 1 <= frames <= most_frames(channels), samples.shape
    name = identifier.encode("ascii")
    assert 1 <= len(name) <= 31, identifier
    data = np.ascontiguousarray(samples.T, "<f4").tobytes()
    head = HEADER.pack(b"MRSR", HEADER.size + len(data), name, channels, rate, len(data))
    return head + data


def packets(identifier: str, rate: int, samples: np.ndarray) -> Iterator[tuple[int, bytes]]:
    """Yield `(first frame within the block, packet)` for a block of any length."""
    step = most_frames(samples.shape[1])
    for first in range(0, len(samples), step):
        yield first, packet(identifier, rate, samples[first : first + step])
