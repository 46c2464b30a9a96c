"""The parts that need no Live: packets, names, warping, places."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket

from bridge.ableton.Punchin import names, osc, places, tags, warp
from bridge.protocol import ops

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=40)
VALUES = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), TEXT, st.booleans(),
    st.none(), st.binary(max_size=20),
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(st.lists(VALUES, max_size=8))
def test_packets_are_read_by_others_and_back(args):
    packet = osc.encode("/punchin/test", args)
    assert osc.decode(packet) == [("/punchin/test", args)]
    (timed,) = OscPacket(packet).messages
    assert list(timed.message.params) == args


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.integers(-(2**31), 2**31 - 1), TEXT), max_size=6))
def test_packets_of_others_are_read(args):
    builder = OscMessageBuilder(address="/live/a")
    for arg in args:
        builder.add_arg(arg)
    assert osc.decode(builder.build().dgram) == [("/live/a", args)]


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=80))
def test_noise_is_refused_and_nothing_worse(data):
    try:
        osc.decode(data)
    except ValueError:
        return


def test_bundles_are_flattened_in_order():
    one, two = osc.encode("/a", [1]), osc.encode("/b", ["ü"])
    inner = osc.BUNDLE + bytes(8) + len(two).to_bytes(4, "big") + two
    both = osc.BUNDLE + bytes(8)
    for each in (one, inner):
        both += len(each).to_bytes(4, "big") + each
    assert osc.decode(both) == [("/a", [1]), ("/b", ["ü"])]
    deep = one
    for _ in range(20):
        deep = osc.BUNDLE + bytes(8) + len(deep).to_bytes(4, "big") + deep
    with pytest.raises(ValueError, match="too deep"):
        osc.decode(deep)
    with pytest.raises(ValueError, match="no type"):
        osc.encode("/a", [object()])


def test_ops_and_instruments_are_the_protocol_s():
    assert set(names.OPS) == {op.name for op in ops.OPS} - {"analyze"}
    assert names.STEMS == ops.STEMS


@pytest.mark.parametrize(
    ("name", "op", "keys", "now"),
    [
        ("repaint: darker drums", "repaint", {"prompt": "darker drums"}, False),
        ("Repaint : Darker Drums !", "repaint", {"prompt": "Darker Drums"}, True),
        ("stems", "stems", {}, False),
        ("stems: ignored", "stems", {}, False),
        ("layer bass: deep dub", "layer", {"track": "bass", "prompt": "deep dub"}, False),
        ("extend before 8 bars!", "extend", {"side": "before", "bars": 8.0}, True),
        ("generate 16: a: b", "generate", {"bars": 16.0, "prompt": "a: b"}, False),
        ("cover: größer\nzwei", "cover", {"prompt": "größer\nzwei"}, False),
        ("edit: slower", "edit", {"prompt": "slower"}, False),
        ("bgm!!", "bgm", {}, True),
    ],
)
def test_names_that_are_orders(name, op, keys, now):
    assert names.read(name) == names.Order(op, keys, now)


@pytest.mark.parametrize(
    "name",
    ["", "Bass", "cover band take 3", "layer: no instrument", "layer trombone", "4-Audio",
     "repaint the fence", "extend -2", "extend 0", "stemship", "analyze", "repaintings: x"],
)  # fmt: skip
def test_ordinary_names(name):
    assert names.read(name) is None


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=60))
def test_any_name_can_be_read(name):
    order = names.read(name)
    assert order is None or order.op in names.OPS


STEPS = st.lists(st.tuples(st.floats(0.05, 20), st.floats(0.05, 20)), min_size=2, max_size=6)


@settings(deadline=None, max_examples=100)
@given(st.tuples(st.floats(-50, 50), st.floats(0, 50)), STEPS, st.floats(-60, 200))
def test_warping_is_its_own_inverse_and_rises(begin, steps, beat):
    pairs = [begin]
    for more_beats, more_s in steps:
        pairs.append((pairs[-1][0] + more_beats, pairs[-1][1] + more_s))
    line = warp.Warp(pairs)
    for b, s in pairs:
        assert line.second_at(b) == pytest.approx(s, abs=1e-6)
    assert line.beat_at(line.second_at(beat)) == pytest.approx(beat, abs=1e-3)
    assert line.second_at(beat + 0.5) > line.second_at(beat)
    moved = warp.Warp(line.moved(1.5, 400.0))
    assert moved.pairs[0][1] == 0.0
    if 0.0 < line.second_at(beat) + 1.5 < 400.0:
        assert moved.second_at(beat) == pytest.approx(line.second_at(beat) + 1.5, abs=0.01)


@pytest.mark.parametrize("pairs", [[], [(0, 0)], [(0, 0), (1, 0)], [(0, 0), (0, 1)]])
def test_markers_that_say_nothing_are_refused(pairs):
    with pytest.raises(ValueError, match="warp markers"):
        warp.Warp(pairs)


def test_marks():
    tag = tags.build("0" * 12, "f" * 12, "a-2.5")
    assert tags.read(tag) == ("0" * 12, "f" * 12, "a-2.5")
    assert tags.read(tags.build("0" * 12, "", "")) == ("0" * 12, "-", "-")
    for other in (None, 3, "", "reaper:x:y", "live:short:-:-", "live:" + "0" * 12 + ":-:q9"):
        assert tags.read(other) is None


def test_home_is_found_as_the_daemon_finds_it(tmp_path, monkeypatch):
    from bridge import places as daemon_s

    for env in ({"PUNCHIN_HOME": str(tmp_path / "x")}, {"XDG_DATA_HOME": str(tmp_path)}, {}):
        for name in ("PUNCHIN_HOME", "XDG_DATA_HOME"):
            monkeypatch.delenv(name, raising=False)
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        assert places.home(folder=str(tmp_path)) == str(daemon_s.home())
    mac = places.home(environ={}, platform="darwin", folder=str(tmp_path))
    assert mac.endswith("Library/Application Support/punchin")
    windows = {"LOCALAPPDATA": str(tmp_path)}
    assert places.home(windows, "win32", str(tmp_path)) == str(tmp_path / "punchin")
