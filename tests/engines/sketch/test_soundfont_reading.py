"""Reading SoundFonts: what is wrong with a file is told, whatever its bytes."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from soundfont_writer import KEYS, Wave, Zone, chunk, font_bytes, one, sine, span

from bridge.protocol.errors import PunchinError
from daemon.engines.sketch.soundfont.bank import FontBank
from daemon.engines.sketch.soundfont.font import Font, open_font

RATE = 22050


def written(folder: Path, data: bytes) -> Path:
    path = folder / "tiny.sf2"
    path.write_bytes(data)
    return path


def opened(folder: Path, data: bytes) -> Font:
    return open_font(written(folder, data))


def refused(path: Path) -> str:
    with pytest.raises(PunchinError) as caught:
        FontBank(path).tone("piano", 60, 100, RATE)
    assert caught.value.code == 303
    assert str(path) in caught.value.message
    assert "engine.soundfont" in caught.value.message
    return caught.value.message


def small() -> bytes:
    """Two presets and a kit, with loops, ranges, a global zone and a modulator."""
    waves = [Wave(sine(440, 0.05), loop=(100, 2000)), Wave(sine(880, 0.03), root=81, kind=4)]
    piano = [
        Zone([(38, -2000)], target=None),
        Zone([(KEYS, span(0, 60)), (54, 1)], [(0x0502, 8, -1000, 0, 0)], 0),
        Zone([(KEYS, span(61, 127)), (6, 20), (17, 250), (54, 1)], target=1),
    ]
    kit = [Zone([(KEYS, span(key, key)), (57, 1)], target=1) for key in (36, 38, 42, 46)]
    return font_bytes(waves, [piano, kit], {(0, 0): [Zone()], (128, 0): [Zone(target=1)]})


def test_presets_and_zones(tmp_path: Path) -> None:
    font = opened(tmp_path, small())
    assert font.name == "Tiny"
    assert set(font.presets) == {(0, 0), (128, 0)}
    low, high = font.zones(0, 0)
    assert (low.keys, high.keys, low.sample, high.sample) == ((0, 60), (61, 127), 0, 1)
    assert (low.values[38], high.values[38], low.values[17], high.values[17]) == (
        -2000, -2000, 0, 250,
    )  # fmt: skip
    assert [zone.keys[0] for zone in font.zones(128, 0)] == [36, 38, 42, 46]
    assert font.zones(0, 5) == ()


def test_a_zone_s_own_value_replaces_the_global_one_and_the_preset_s_is_added(
    tmp_path: Path,
) -> None:
    inside = [Zone([(48, 100), (51, 2)], target=None), Zone([(48, 60)])]
    outside = [Zone([(48, 7), (52, 9)], target=None), Zone([(48, 5), (54, 1), (58, 3)])]
    (zone,) = opened(tmp_path, font_bytes([Wave(sine(440))], [inside], {(0, 0): outside})).zones(
        0, 0
    )
    assert (zone.values[48], zone.values[51], zone.values[52]) == (65, 2, 9)
    assert (zone.values[54], zone.values[58]) == (0, -1)  # only an instrument may say them


def test_ranges_of_preset_and_instrument_meet(tmp_path: Path) -> None:
    inside = [Zone([(KEYS, span(10, 70))]), Zone([(KEYS, span(90, 99))])]
    outside = [Zone([(KEYS, span(50, 80))])]
    zones = opened(tmp_path, font_bytes([Wave(sine(440))], [inside], {(0, 0): outside})).zones(0, 0)
    assert [zone.keys for zone in zones] == [(50, 70)]


def test_24_bits_are_finer_than_16(tmp_path: Path) -> None:
    fine = np.full(4410, 128, np.uint8)
    font = opened(tmp_path, one(wave=Wave(np.zeros(4410, np.int16), fine=fine)))
    assert font.samples.read(0, 0, 10) == pytest.approx(0.5 / 32768)


@pytest.mark.parametrize("pad", [b"", b"\0"])
def test_an_odd_chunk_may_lack_its_padding(tmp_path: Path, pad: bytes) -> None:
    """As in banks that sf3convert wrote."""
    info = b"ICOP" + struct.pack("<I", 3) + b"MIT" + pad
    data = small()
    at = data.index(b"INAM")
    longer = data[:at] + info + data[at:]
    for place in (4, data.index(b"LIST") + 4):
        size = struct.unpack_from("<I", data, place)[0] + len(info)
        longer = longer[:place] + struct.pack("<I", size) + longer[place + 4 :]
    assert opened(tmp_path, longer).name == "Tiny"


# -- files that can't be used ----------------------------------------------------------------------


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "is not there" in refused(tmp_path / "none.sf2")
    assert "is not a file" in refused(tmp_path)


def test_files_of_other_kinds(tmp_path: Path) -> None:
    for data in (b"", b"RIFF", b"x" * 100, chunk("RIFF", b"WAVE" + bytes(40))):
        refused(written(tmp_path, data))
    assert "lacks" in refused(written(tmp_path, small().replace(b"imod", b"imud")))
    assert "version" in refused(written(tmp_path, one().replace(b"ifil", b"xfil")))
    assert "version 7" in refused(written(tmp_path, font_bytes([], [], {(0, 0): []}, version=7)))
    assert "no samples" in refused(written(tmp_path, small().replace(b"smpl", b"smpx")))


def test_a_file_that_is_cut_anywhere(tmp_path: Path) -> None:
    whole = small()
    for length in [*range(0, 120, 7), *range(120, len(whole), 97)]:
        assert "short" in refused(written(tmp_path, whole[:length]))


def test_a_font_without_zones(tmp_path: Path) -> None:
    assert "preset" in refused(written(tmp_path, font_bytes([Wave(sine(440))], [[]], {(0, 0): []})))
    empty = font_bytes([Wave(sine(440))], [[Zone()]], {(0, 0): [], (0, 1): []})
    refused(written(tmp_path, empty))


def test_indices_that_point_outside(tmp_path: Path) -> None:
    wave = [Wave(sine(440, 0.1))]
    for data, word in (
        (font_bytes(wave, [[Zone(target=7)]], {(0, 0): [Zone()]}), "sample 7"),
        (font_bytes(wave, [[Zone()]], {(0, 0): [Zone(target=9)]}), "instrument 9"),
    ):
        assert word in refused(written(tmp_path, data))
    data = bytearray(one())
    at = data.index(b"ibag") + 8
    data[at : at + 2] = struct.pack("<H", 60000)
    assert "outside their table" in refused(written(tmp_path, bytes(data)))


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [(20, 1 << 31, "lies outside"), (24, 1 << 31, "lies outside"), (24, 0, "lies outside"),
     (36, 0, "no usable rate"), (36, 1 << 31, "no usable rate")],
)  # fmt: skip
def test_samples_that_can_t_be(tmp_path: Path, field: int, value: int, word: str) -> None:
    data = bytearray(one())
    at = data.index(b"shdr") + 8 + field
    data[at : at + 4] = struct.pack("<I", value)
    message = refused(written(tmp_path, bytes(data)))
    assert word in message
    assert "wave 0" in message


def test_a_table_of_an_absurd_size(tmp_path: Path) -> None:
    for size in (3, 37, 2**31, 2**32 - 1):
        data = bytearray(small())
        at = data.index(b"pgen") + 4
        data[at : at + 4] = struct.pack("<I", size)
        refused(written(tmp_path, bytes(data)))


def test_a_preset_of_very_many_zones(tmp_path: Path) -> None:
    many = [Zone() for _ in range(200)]
    data = font_bytes([Wave(sine(440, 0.1))], [many], {(0, 0): [Zone() for _ in range(200)]})
    assert "zones" in refused(written(tmp_path, data))


_SMALL = small()


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.integers(0, 400), st.integers(_SMALL.index(b"pdta"), len(_SMALL) - 1)),
            st.integers(0, 255),
        ),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_any_bytes_are_either_played_or_refused(
    tmp_path: Path, flips: list[tuple[int, int]]
) -> None:
    data = bytearray(_SMALL)
    for at, value in flips:
        data[at] = value
    try:
        bank = FontBank(written(tmp_path, bytes(data)))
        sounds = [bank.tone("piano", key, 90, RATE, RATE // 4).samples for key in (20, 60, 100)]
        sounds += [np.atleast_2d(bank.stroke("drums-acoustic", 46, 100, 0, RATE))]
        code, finite = 303, all(np.isfinite(sound).all() for sound in sounds)
    except PunchinError as reason:
        code, finite = reason.code, True
    assert (code, finite) == (303, True)
