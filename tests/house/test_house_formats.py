"""Section 4 of the wire contract: sample formats, folders, presets and named files."""

import json
from pathlib import Path

import pytest
import soundfile

TEXT = 256 * 1024


# -- formats ---------------------------------------------------------------------------------------


def source(make_wav, container, subtype, rate=8000, channels=2):
    name = f"source.{container.lower()}"
    return make_wav(name, seconds=0.5, rate=rate, channels=channels, subtype=subtype)


@pytest.mark.parametrize(
    ("container", "subtype", "wanted"),
    [
        ("WAV", "PCM_16", ("WAV", "PCM_16")),
        ("WAV", "PCM_24", ("WAV", "PCM_24")),
        ("WAV", "PCM_32", ("WAV", "PCM_32")),
        ("WAV", "FLOAT", ("WAV", "FLOAT")),
        ("WAV", "DOUBLE", ("WAV", "DOUBLE")),
        ("FLAC", "PCM_16", ("WAV", "PCM_16")),
        ("FLAC", "PCM_24", ("WAV", "PCM_24")),
        ("AIFF", "PCM_16", ("WAV", "PCM_16")),
        ("AIFF", "PCM_24", ("WAV", "PCM_24")),
        ("OGG", "VORBIS", ("WAV", "PCM_24")),
        ("MP3", "MPEG_LAYER_III", ("WAV", "PCM_24")),
    ],
)
def test_format_source_keeps_rate_channels_and_depth(
    house, tcp, make_wav, new_id, container, subtype, wanted
):
    rate = 44_100 if container in ("OGG", "MP3") else 11_025
    path = source(make_wav, container, subtype, rate)
    for op, role in (("repaint", "mix"), ("bgm", "stem:bass")):
        job_id = new_id()
        tcp.done(op, job_id, path, "start", 0.1, "end", 0.4)
        info = soundfile.info(house.path(job_id, role))
        assert (info.format, info.subtype) == wanted
        assert (info.samplerate, info.channels) == (rate, 2)
        kept = house.job(job_id)["files"][0]
        assert (kept["rate"], kept["channels"]) == (rate, 2)


@pytest.mark.parametrize(
    ("key", "wanted"),
    [
        ("wav16", ("WAV", "PCM_16")),
        ("wav24", ("WAV", "PCM_24")),
        ("wav32f", ("WAV", "FLOAT")),
        ("flac", ("FLAC", "PCM_24")),
    ],
)
def test_every_other_format(house, tcp, make_wav, new_id, key, wanted):
    job_id = new_id()
    path = source(make_wav, "WAV", "PCM_24")
    tcp.done("repaint", job_id, path, "start", 0.1, "end", 0.4, "format", key)
    for file in house.job(job_id)["files"]:
        info = soundfile.info(file["path"])
        assert (info.format, info.subtype, info.samplerate) == (*wanted, 8000)


# -- folder, presets, files ------------------------------------------------------------------------


def test_folder_gets_whole_copies_and_nothing_is_overwritten(house, tcp, song, new_id, tmp_path):
    job_id = new_id()
    folder = tmp_path / "media" / "new"
    folder.mkdir(parents=True)
    taken = folder / f"{job_id}-mix-1.wav"
    taken.write_text("not yours")
    events = tcp.job(
        "repaint", job_id, song, "start", 0.5, "end", 1.0, "takes", 2, "folder", str(folder)
    )
    assert events[-1].name == "done"
    paths = [m.args[3] for m in events if m.name == "file"]
    assert paths == [f["path"] for f in house.job(job_id)["files"]]
    assert len(set(paths)) == 4
    assert all(Path(p).parent == folder for p in paths)
    assert taken.read_text() == "not yours"
    assert str(taken) not in paths
    assert {p.name for p in folder.iterdir()} == {taken.name, *(Path(p).name for p in paths)}
    own = sorted(p.read_bytes() for p in house.folder(job_id).glob("*.wav"))
    assert own == sorted(Path(p).read_bytes() for p in paths)


def test_a_folder_is_made_and_must_be_one(tcp, song, new_id, tmp_path):
    new = tmp_path / "not" / "yet"
    tcp.done("stems", new_id(), song, "folder", str(new), "stems", "bass")
    assert len(list(new.iterdir())) == 1
    assert tcp.refused("stems", new_id(), song, "folder", song) == 401
    assert tcp.refused("stems", new_id(), song, "folder", "relative/x") == 101


def test_presets_are_listed_and_serve_jobs(house, tcp, song, new_id):
    tasks = {p["name"]: p for p in tcp.ask("presets")["tasks"]}
    values = tasks["intro-4"]["values"]
    assert values["bars"] == 4
    job_id = new_id()
    tcp.send("/punchin/extend", job_id, song, "preset", "intro-4", "bpm", 120, "seconds", 0.5)
    tcp.until("accepted", id=job_id)
    request = house.job(job_id)["request"]
    assert request["side"] == values["side"]
    assert request["seconds"] == 0.5
    assert "bars" not in request
    assert request["preset"] == "intro-4"


@pytest.mark.parametrize("key", ["lyrics_file", "reference", "plan"])
def test_named_files_must_be_there(verdict, tmp_path, key):
    (tmp_path / "text.txt").write_text("la")
    assert verdict(key, str(tmp_path / "text.txt")) == 0
    assert verdict(key, str(tmp_path / "nothing.txt")) == 200
    assert verdict(key, str(tmp_path)) == 201
    assert verdict(key, "/dev/zero") == 204
    assert verdict(key, "http://host/file.txt") == 204
    assert verdict(key, "text.txt") == 101


def test_lyrics_files_must_be_texts(verdict, tmp_path):
    path = tmp_path / "l.txt"
    path.write_bytes(b"\xff\xfe\xff")
    assert verdict("lyrics_file", str(path)) == 201
    path.write_bytes(b"x" * TEXT)
    assert verdict("lyrics_file", str(path)) == 0
    path.write_bytes(b"x" * (TEXT + 1))
    assert verdict("lyrics_file", str(path)) == 106


@pytest.mark.parametrize("sink", ["preview", "reastream", "jack"])
def test_every_sink_of_the_contract_is_accepted(verdict, sink):
    assert verdict("sinks", f"file,{sink}") == 0
    assert verdict("sinks", f"file,{sink}s") == 103


def test_a_slot_survives_any_case_and_a_tempo_map_any_order(house, tcp, song, new_id):
    job_id = new_id()
    rows = [[3.0, 100, 3, 4], [0.0, 90.5, 4, 4, 1]]
    tcp.send("/punchin/stems", job_id, song, "tempomap", json.dumps(rows), "slot", "Main")
    tcp.until("accepted", id=job_id)
    request = house.job(job_id)["request"]
    assert json.loads(request["tempomap"]) == [[0.0, 90.5, 4, 4, 1], [3.0, 100, 3, 4, 0]]
    assert request["slot"] == "Main"
