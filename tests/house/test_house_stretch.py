"""The key `stretch` on the wire, with the tests' engine, whose ear always hears 120 bpm in 4/4."""

import json

import numpy as np
import pytest
import soundfile

RATE = 8000


@pytest.fixture
def song(make_wav):
    return make_wav(seconds=3.0, rate=RATE)


def _files(tcp, op, job_id, *args):
    events = tcp.job(op, job_id, *args)
    assert events[-1].name == "done", events[-1]
    roles = {m.args[1]: m.args[3] for m in events if m.name == "file"}
    return json.loads(events[-1].args[1]), roles


@pytest.mark.parametrize(
    ("op", "keys", "role"),
    [
        ("bgm", (), "stem:drums"),
        ("cover", (), "mix"),
        ("retake", (), "mix"),
        ("layer", ("track", "bass"), "stem:bass"),
        ("stems", (), "stem:drums"),
    ],
)
def test_the_clip_is_brought_to_the_tempo_and_all_files_are_as_long(
    tcp, song, new_id, op, keys, role
):
    result, files = _files(tcp, op, new_id(), song, "bpm", 100.0, "stretch", 1, *keys)
    assert {role, "stretched"} <= files.keys()
    audio = [path for name, path in files.items() if name not in ("midi", "plan")]
    assert {soundfile.info(path).frames for path in audio} == {round(3 * RATE * 1.2)}
    assert result["bpm"] == 100
    assert result["stretched"]["from_bpm"] == 120
    assert result["stretched"]["ratio"] == pytest.approx(1.2)
    assert result["stretched"]["method"] in ("signalsmith", "wsola")
    assert any("from 120.00 to 100 bpm" in note for note in result["notes"])
    assert "stretch" not in result["ignored"]


def test_a_part_of_the_source_is_stretched_and_the_downbeat_scales_along(tcp, song, new_id):
    keys = ("bpm", 150.0, "stretch", 1, "start", 0.5, "end", 2.5, "downbeat", 1.0)
    result, files = _files(tcp, "stems", new_id(), song, *keys)
    assert soundfile.info(files["stretched"]).frames == round(2 * RATE * 0.8)
    assert result["downbeat"] == pytest.approx(0.4)


def test_beats_of_a_region_count_at_the_clip_s_own_tempo(tcp, song, new_id):
    keys = ("bpm", 100.0, "stretch", 1, "downbeat", 0.5, "start_beat", 0, "end_beat", 4)
    _, files = _files(tcp, "stems", new_id(), song, *keys)
    assert soundfile.info(files["stretched"]).frames == round(4 * 0.5 * RATE * 1.2)


def test_the_mix_of_a_layer_is_the_stretched_clip_and_the_stem(tcp, song, new_id):
    keys = ("bpm", 110.0, "stretch", 1, "track", "bass")
    _, files = _files(tcp, "layer", new_id(), song, *keys)
    mix, stem, clip = (
        soundfile.read(files[role], dtype="int16")[0].astype(int)
        for role in ("mix", "stem:bass", "stretched")
    )
    assert np.array_equal(mix, stem + clip)
    assert np.abs(clip).max() > 1000


def test_a_mono_clip_stays_mono_and_an_analysed_tempo_at_half_counts_too(tcp, make_wav, new_id):
    mono = make_wav("mono.wav", seconds=2.0, rate=RATE, channels=1)
    keys = ("bpm", 64.0, "stretch", 1, "track", "bass")
    result, files = _files(tcp, "layer", new_id(), mono, *keys)
    assert soundfile.info(files["stretched"]).channels == 1
    assert soundfile.info(files["mix"]).channels == 2
    assert result["stretched"]["from_bpm"] == 60
    assert soundfile.info(files["stretched"]).frames == round(2 * RATE * 60 / 64)


@pytest.mark.parametrize("bpm", [120.0, 120.1, 60.0, 240.0])
def test_at_its_own_tempo_a_clip_is_not_touched(tcp, song, new_id, bpm):
    keys = ("bpm", bpm, "downbeat", 0.0, "seed", 3, "prompt", "copy")
    plain_result, plain = _files(tcp, "bgm", new_id(), song, *keys)
    result, files = _files(tcp, "bgm", new_id(), song, *keys, "stretch", 1)
    assert "stretched" not in files
    assert "stretched" not in result
    assert result == plain_result
    for role, path in plain.items():
        same = soundfile.read(files[role], dtype="int16")[0]
        assert np.array_equal(same, soundfile.read(path, dtype="int16")[0])


def test_every_take_has_the_clip_too(tcp, song, new_id):
    job_id = new_id()
    events = tcp.job("cover", job_id, song, "bpm", 125.0, "stretch", 1, "takes", 2)
    told = [(m.args[1], m.args[2]) for m in events if m.name == "file"]
    assert told == [("mix", 1), ("stretched", 1), ("mix", 2), ("stretched", 2)]


@pytest.mark.parametrize("op", ["repaint", "extend"])
def test_what_leaves_the_clip_as_it_is_refuses_another_tempo(tcp, song, new_id, op):
    keys = ("start", 1.0, "end", 2.0) if op == "repaint" else ("bars", 1.0)
    events = tcp.job(op, new_id(), song, *keys, "bpm", 100.0, "stretch", 1)
    assert events[-1].name == "failed"
    assert events[-1].args[1] == 103
    assert "stems and stretch 1" in events[-1].args[3]
    result, _ = _files(tcp, op, new_id(), song, *keys, "bpm", 120.0, "stretch", 1)
    assert result["bpm"] == 120


def test_too_far_is_refused_and_says_what_would_do(tcp, song, new_id):
    events = tcp.job("stems", new_id(), song, "bpm", 25.0, "stretch", 1)
    assert events[-1].args[1:3] == [103, "out-of-range"]
    assert "30.0 to 120.0" in events[-1].args[3]


def test_a_tempo_to_go_to_must_be_told(tcp, song, new_id):
    assert tcp.refused("stems", new_id(), song, "stretch", 1) == 101
    varying = json.dumps([[0, 120, 4, 4], [1, 100, 4, 4]])
    assert tcp.refused("stems", new_id(), song, "stretch", 1, "tempomap", varying) == 101
    assert tcp.refused("stems", new_id(), song, "stretch", 2, "bpm", 100.0) == 103
    tcp.send("/punchin/tempo", 100.0)
    result, files = _files(tcp, "stems", new_id(), song, "stretch", 1)
    assert result["bpm"] == 100
    assert "stretched" in files


@pytest.mark.parametrize("op", ["generate", "analyze"])
def test_where_it_means_nothing_it_is_ignored(tcp, song, new_id, op):
    source = () if op == "generate" else (song,)
    keys = ("bars", 1.0) if op == "generate" else ()
    assert "stretch" in tcp.done(op, new_id(), *source, *keys, "stretch", 1)["ignored"]
