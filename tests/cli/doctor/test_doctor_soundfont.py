"""The doctor reads the SoundFont that the settings name."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from daemon.cli.doctor.finding import Level
from daemon.cli.doctor.soundfont import soundfont


def test_without_the_setting_nothing_is_said() -> None:
    assert soundfont() == []


def test_a_file_that_can_t_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "it's.sf2"
    path.write_bytes(b"RIFF" + struct.pack("<I", 4) + b"WAVE")
    monkeypatch.setenv("PUNCHIN_ENGINE_SOUNDFONT", str(path))
    (found,) = soundfont()
    assert found.level is Level.PROBLEM
    assert str(path) in found.text
    assert "engine.soundfont" in found.mend


def test_a_file_that_can_be_used_and_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one.sf2"
    path.write_bytes(_piano_alone())
    monkeypatch.setenv("PUNCHIN_ENGINE_SOUNDFONT", str(path))
    (found,) = soundfont()
    assert found.level is Level.HINT
    assert "One: 1 presets, for 1 of " in found.text
    assert "bass-finger" in found.mend
    assert " piano," not in found.mend


def _chunk(name: str, data: bytes) -> bytes:
    return name.encode() + struct.pack("<I", len(data)) + data


def _piano_alone() -> bytes:
    """One preset of one zone of one sample."""
    wave = b"".join(struct.pack("<h", (i * 997) % 20000 - 10000) for i in range(4000))
    tables = {
        "phdr": struct.pack("<20s9H", b"Piano", *bytes(9))
        + struct.pack("<20s9H", b"EOP", 0, 0, 1, *bytes(6)),
        "pbag": struct.pack("<4H", 0, 0, 1, 0),
        "pmod": bytes(10),
        "pgen": struct.pack("<4H", 41, 0, 0, 0),
        "inst": struct.pack("<20sH", b"Inst", 0) + struct.pack("<20sH", b"EOI", 1),
        "ibag": struct.pack("<4H", 0, 0, 1, 0),
        "imod": bytes(10),
        "igen": struct.pack("<4H", 53, 0, 0, 0),
        "shdr": struct.pack("<20s5IBbHH", b"Wave", 0, 4000, 0, 0, 44100, 60, 0, 0, 1) + bytes(46),
    }  # fmt: skip
    info = b"INFO" + _chunk("ifil", struct.pack("<HH", 2, 1)) + _chunk("INAM", b"One\0")
    pdta = b"pdta" + b"".join(_chunk(name, data) for name, data in tables.items())
    lists = [info, b"sdta" + _chunk("smpl", wave), pdta]
    return _chunk("RIFF", b"sfbk" + b"".join(_chunk("LIST", part) for part in lists))
