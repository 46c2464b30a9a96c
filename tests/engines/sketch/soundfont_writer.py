"""Writes small SoundFonts for tests: bytes from samples, instruments and presets; rulers."""

import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

KEYS, VELOCITIES, INSTRUMENT, SAMPLE = 43, 44, 41, 53
RATE = 44100


@dataclass
class Wave:
    """A sample: int16 frames, or what is compressed; `fine` are the lower 8 bits of 24."""

    frames: np.ndarray
    root: int = 69
    rate: int = RATE
    cents: int = 0
    loop: tuple[int, int] = (0, 0)
    kind: int = 1
    fine: np.ndarray | None = None
    packed: bytes = b""


@dataclass
class Zone:
    """Generators in order of the file, and modulators (source, goal, amount, scale, form)."""

    gens: list[tuple[int, int]] = field(default_factory=list)
    mods: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    target: int | None = 0


def span(low: int, high: int) -> int:
    """A range of keys or velocities as a generator's amount."""
    return high << 8 | low


def sine(hz: float, seconds: float = 1.0, level: float = 0.5, rate: int = RATE) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    return np.asarray(np.rint(32767 * level * np.sin(2 * np.pi * hz * t)), np.int16)


def chunk(name: str, data: bytes) -> bytes:
    return name.encode() + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _list(kind: str, *chunks: bytes) -> bytes:
    return chunk("LIST", kind.encode() + b"".join(chunks))


def _name(text: str) -> bytes:
    return text.encode()[:19].ljust(20, b"\0")


def _amount(value: int) -> int:
    return value if value < 32768 else value - 65536


def _bags(groups: list[list[Zone]], ends: int) -> tuple[bytes, bytes, bytes, list[int]]:
    """Bags, generators and modulators of all zones, and each group's first bag."""
    bags, gens, mods, firsts, count = b"", [], [], [], 0
    for zones in groups:
        firsts.append(count)
        for zone in zones:
            bags += struct.pack("<HH", len(gens), len(mods))
            gens += zone.gens + ([(ends, zone.target)] if zone.target is not None else [])
            mods += zone.mods
            count += 1
    firsts.append(count)
    bags += struct.pack("<HH", len(gens), len(mods))
    gen = b"".join(struct.pack("<Hh", kind, _amount(value)) for kind, value in [*gens, (0, 0)])
    mod = b"".join(struct.pack("<HHhHH", *row) for row in [*mods, (0, 0, 0, 0, 0)])
    return bags, gen, mod, firsts


def font_bytes(
    waves: list[Wave],
    instruments: list[list[Zone]],
    presets: dict[tuple[int, int], list[Zone]],
    version: int = 2,
) -> bytes:
    """A whole file; `presets` are zones by (bank, program), their targets instruments."""
    smpl, sm24, heads = b"", b"", b""
    for i, wave in enumerate(waves):
        if wave.packed:
            start, end, base = len(smpl), len(smpl) + len(wave.packed), 0
            smpl += wave.packed + b"\0" * (len(wave.packed) % 2)
        else:
            start, end = len(smpl) // 2, len(smpl) // 2 + len(wave.frames)
            base = start
            smpl += wave.frames.astype("<i2").tobytes() + bytes(92)
            fine = wave.fine if wave.fine is not None else np.zeros(len(wave.frames), np.uint8)
            sm24 += fine.tobytes() + bytes(46)
        loop = (base + wave.loop[0], base + wave.loop[1])
        heads += struct.pack(
            "<20sIIIIIBbHH", _name(f"wave {i}"), start, end, *loop, wave.rate, wave.root,
            wave.cents, 0, wave.kind,
        )  # fmt: skip
    heads += struct.pack("<20sIIIIIBbHH", _name("EOS"), 0, 0, 0, 0, 0, 0, 0, 0, 0)
    ibag, igen, imod, firsts = _bags(instruments, SAMPLE)
    inst = b"".join(struct.pack("<20sH", _name(f"inst {i}"), at) for i, at in enumerate(firsts))
    pbag, pgen, pmod, begins = _bags(list(presets.values()), INSTRUMENT)
    rows = [*presets, (0, 0)]
    phdr = b"".join(
        struct.pack("<20sHHHIII", _name(f"preset {i}"), program, bank, at, 0, 0, 0)
        for i, ((bank, program), at) in enumerate(zip(rows, begins, strict=True))
    )
    has_fine = any(wave.fine is not None for wave in waves)
    data = [chunk("smpl", smpl), *([chunk("sm24", sm24)] if has_fine else [])]
    told = chunk("ifil", struct.pack("<HH", version, 4))
    body = b"sfbk" + b"".join(
        [
            _list("INFO", told, chunk("INAM", b"Tiny\0\0")),
            _list("sdta", *data),
            _list(
                "pdta", chunk("phdr", phdr), chunk("pbag", pbag), chunk("pmod", pmod),
                chunk("pgen", pgen), chunk("inst", inst), chunk("ibag", ibag),
                chunk("imod", imod), chunk("igen", igen), chunk("shdr", heads),
            ),
        ]
    )  # fmt: skip
    return chunk("RIFF", body)


def one(*gens: tuple[int, int], wave: Wave | None = None, **more: object) -> bytes:
    """A font of one sample for every key of bank 0, program 0."""
    zone = Zone(list(gens), **more)  # type: ignore[arg-type]
    wave = wave or Wave(sine(440, 2.0), loop=(4410, 83790))
    return font_bytes([wave], [[zone]], {(0, 0): [Zone()]})


def font_of(folder: Path, data: bytes) -> Path:
    path = folder / "tiny.sf2"
    path.write_bytes(data)
    return path


def pitch(x: np.ndarray, rate: int) -> float:
    """The strongest frequency, between bins."""
    size = 1 << 19
    window = np.hanning(len(x))
    return float(np.argmax(np.abs(np.fft.rfft(x * window, size))) * rate / size)


def rms_db(x: np.ndarray, a_s: float, b_s: float, rate: int = RATE) -> float:
    return float(
        10 * np.log10(np.mean(np.square(x[round(a_s * rate) : round(b_s * rate)])) + 1e-20)
    )
