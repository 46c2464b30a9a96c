"""The command line, in this process, against the scripted daemon."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_daemon import FakeDaemon, events

from bridge.cli.commands import COMMANDS
from bridge.cli.main import everything, main
from bridge.cli.send import guess
from bridge.midi import backends
from bridge.protocol.errors import error
from bridge.protocol.ops import KEYS, OPS

MIX = Path("/r/my mix.wav")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PUNCHIN_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def going_well(args):
    return events(args[0], MIX, {"seed": 7, "notes": ["lyrics are not sung"], "ignored": ["steps"]})


def failing(args):
    return [("/punchin/failed", [args[0], 203, "region-outside", "move the end"])]


# -- usage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ([], "usage: punchin"),
        (["repant"], "did you mean repaint?"),
        (["repaint", "--promt", "x"], "did you mean --prompt?"),
        (["repaint", "--bars", "4"], "no option --bars"),
        (["repaint", "a.wav", "b.wav"], "too many arguments"),
        (["repaint", "--bpm", "4000"], "--bpm"),
        (["repaint", "--bpm", "fast"], "no number"),
        (["repaint", "--id", "../x"], "--id"),
        (["layer", "--track", "kazoo"], "--track"),
        (["tempo"], "takes bpm [beats] [unit]"),
        (["tempo", "96", "3", "4", "5"], "got 4 arguments"),
        (["tempo", "fast"], "bpm: 'fast' is no number"),
        (["set", "bpm"], "has no value"),
        (["set", "bmp", "96"], "did you mean 'bpm'"),
        (["set"], "nothing to set"),
        (["lyrics", "--file", "none.txt"], "none.txt can't be read"),
        (["job"], "id"),
        (["completion", "fish"], "fish"),
    ],
)
def test_wrong_usage_is_exit_code_2_and_names_the_mend(home, capsys, words, hint):
    assert main(words) == 2
    told = capsys.readouterr()
    assert hint in told.err + told.out


def test_help_lists_every_command_and_every_key_of_an_op(capsys):
    assert main(["--help"]) == 0
    overview = capsys.readouterr().out
    assert all(f"  {name} " in overview for name in COMMANDS)
    for op in OPS:
        assert main([op.name, "--help"]) == 0
        told = capsys.readouterr().out
        offered = {k.name for k in KEYS if f"--{k.name.replace('_', '-')} " in told}
        assert offered == {k.name for k in KEYS if op.name in k.ops}
    assert main(["repaint", "--help"]) == 0
    assert "quarter notes per minute" in capsys.readouterr().out
    assert main(["play", "--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: punchin play ID [TAKE] [ROLE] ")


@pytest.mark.parametrize(("broken", "code", "said"), [(1, 0, "no MIDI ports"), (2, 1, "modprobe")])
def test_midi_list_is_about_ports_where_one_system_answers(
    monkeypatch, home, capsys, broken, code, said
):
    problem = error(403, "alsa can't be used: load the sequencer (modprobe snd-seq)")
    monkeypatch.setattr(backends, "available", lambda _wanted: ["alsa", "jack"])
    monkeypatch.setattr(backends, "listing", lambda _wanted: ([], [problem] * broken))
    assert main(["midi", "list"]) == code
    told = capsys.readouterr()
    assert said in told.out + told.err


def test_every_command_has_a_parser_that_runs():
    assert all(parser.get_default("run") for parser in everything().values())


# -- jobs ----------------------------------------------------------------------------------------


def test_a_job_prints_its_files_and_shows_plain_progress(home, capsys):
    with FakeDaemon(home, {"/punchin/repaint": going_well}) as fake:
        code = main(
            ["repaint", "take.wav", "--start", "4", "--end", "6.5", "--start_beat=-1"]
            + ["--lyrics-file", "~/words.txt", "--key", "C# minor", "--id", "mine", "--seed", "3"]
        )
        (sent,) = fake.of("/punchin/repaint")
    told = capsys.readouterr()
    assert code == 0
    assert told.out == f"mix 1 {MIX}\n"
    assert " 25% listen" in told.err
    assert "75% render, 2 s left" in told.err
    assert "lyrics are not sung" in told.err
    assert "not used here: steps" in told.err
    assert sent[:2] == ["mine", str(home / "take.wav")]
    assert dict(zip(sent[2::2], sent[3::2], strict=True)) == {
        "start": 4.0,
        "end": 6.5,
        "start_beat": -1.0,
        "lyrics_file": str(Path("~/words.txt").expanduser()),
        "key": "C# minor",
        "seed": 3,
    }


def test_json_is_one_object_for_success_and_failure(home, capsys):
    script = {"/punchin/repaint": going_well, "/punchin/bgm": failing}
    with FakeDaemon(home, script):
        assert main(["repaint", "--json", "--id", "a1"]) == 0
        good = json.loads(capsys.readouterr().out)
        assert main(["bgm", "x.wav", "--json", "--id", "a2"]) == 1
        bad = json.loads(capsys.readouterr().out)
    assert good["state"] == "done"
    assert good["files"] == [{"role": "mix", "take": 1, "path": str(MIX), "seconds": 4.0}]
    assert good["result"]["seed"] == 7
    error = {"code": 203, "name": "region-outside", "message": "move the end"}
    assert bad == {"id": "a2", "state": "failed", "files": [], "error": error}


def test_a_failure_is_exit_code_1_with_its_number(home, capsys):
    with FakeDaemon(home, {"/punchin/bgm": failing}):
        assert main(["bgm", "x.wav"]) == 1
    told = capsys.readouterr()
    assert "error 203 region-outside: move the end" in told.err
    assert told.out == ""


def test_an_analysis_is_printed_as_facts(home, capsys):
    found = {"bpm": 96.0, "key": "A minor", "chords": [{"name": "Am"}, {"name": "F"}]}
    found |= {"notes": [{"start": 0, "end": 1, "midi": 60}], "remarks": ["no beat was heard"]}
    said = lambda a: [("/punchin/done", [a[0], json.dumps(found)])]  # noqa: E731
    with FakeDaemon(home, {"/punchin/analyze": said}):
        assert main(["analyze", "x.wav"]) == 0
    told = capsys.readouterr()
    assert told.out == "bpm     96\nkey     A minor\nchords  Am F\nnotes   1\n"
    assert "no beat was heard" in told.err


# -- context -------------------------------------------------------------------------------------


def test_context_commands_send_what_the_table_says(home, capsys):
    (home / "words.txt").write_text("là là", "utf-8")
    with FakeDaemon(home) as fake:
        for words in (
            ["tempo", "96", "3", "4"],
            ["region", "a.wav", "1", "2.5"],
            ["region-frames", "a.wav", "44100", "88200"],
            ["downbeat", "-0.25"],
            ["lyrics", "--file", "words.txt"],
            ["prompt", ""],
            ["tempo", ""],
            ["set", "bpm", "96", "lyrics-file", "w.txt", "prompt", "", "--takes", "2"],
            ["reset"],
        ):
            assert main(words) == 0, (words, capsys.readouterr())
    assert [m for m in fake.heard if m[0] not in ("/punchin/version", "/punchin/set")] == [
        ("/punchin/tempo", [96.0, 3, 4]),
        ("/punchin/region", [str(home / "a.wav"), 1.0, 2.5]),
        ("/punchin/region_frames", [str(home / "a.wav"), 44100, 88200]),
        ("/punchin/downbeat", [-0.25]),
        ("/punchin/lyrics", ["là là"]),
        ("/punchin/prompt", [""]),
        ("/punchin/tempo", [""]),
        ("/punchin/reset", []),
    ]
    (told,) = fake.of("/punchin/set")
    assert dict(zip(told[::2], told[1::2], strict=True)) == {
        "prompt": "",
        "takes": 2,
        "bpm": 96.0,
        "lyrics_file": str(home / "w.txt"),
    }


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        (["loop", "1"], [1]),
        (["gain", "-6"], [-6.0]),
        (["launch", "bar"], ["bar"]),
        (["solo", "drums"], ["drums"]),
        (["swap", "a1", "0"], ["a1", 0]),
        (["capture", "1", "bar", "4", "midi:Keys"], [1, "bar", 4.0, "midi:Keys"]),
    ],
)
def test_the_preview_s_messages(home, words, sent):
    told = [("/punchin/player.reply", ["{}"])]
    with FakeDaemon(home, {"/punchin/player": lambda _: told}) as fake:
        assert main(words) == 0
    assert fake.of(f"/punchin/{words[0]}") == [sent]


def test_what_plays_is_shown(home, capsys):
    told = {"state": "playing", "transport": {"bpm": 96.0}}
    script = {"/punchin/player": lambda _: [("/punchin/player.reply", [json.dumps(told)])]}
    with FakeDaemon(home, script):
        assert main(["player"]) == 0
        assert "playing" in capsys.readouterr().out
        assert main(["player", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == told


def test_a_daemon_that_refuses_to_play_is_quoted(home, capsys):
    refusal = [("/punchin/error", [402, "audio-device", "/punchin/play", "connect one"])]
    told = [("/punchin/player.reply", ["{}"])]
    with FakeDaemon(home, {"/punchin/play": lambda _: refusal, "/punchin/player": lambda _: told}):
        assert main(["play", "a1"]) == 1
    assert "error 402 audio-device: connect one" in capsys.readouterr().err


# -- the daemon ----------------------------------------------------------------------------------


def test_without_a_daemon_questions_say_so(home, capsys):
    assert main(["status"]) == 1
    assert "punchin start" in capsys.readouterr().err
    assert main(["status", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["error"]["name"] == "no-daemon"


def test_start_names_the_daemon_that_runs_already(home, capsys):
    with FakeDaemon(home) as fake:
        assert main(["start"]) == 0
        assert capsys.readouterr().out.endswith(f"port {fake.port}\n")


def test_questions_print_facts_or_json(home, capsys):
    status = {"state": "idle", "engine": {"name": "sketch"}, "devices": [], "ok": True}
    jobs = [{"id": "a1", "op": "bgm", "state": "running", "fraction": 0.4, "tag": "t"}]
    script = {
        "/punchin/status": lambda _: [("/punchin/status.reply", [json.dumps(status)])],
        "/punchin/jobs": lambda _: [("/punchin/jobs.reply", [json.dumps(jobs)])],
        "/punchin/forget": lambda a: [("/punchin/forgotten", a)],
        "/punchin/accept": lambda a: [("/punchin/chosen", [*a, ""])],
        "/punchin/cancel": lambda a: [("/punchin/cancelled", a)],
        "/punchin/quit": lambda _: [("/punchin/done", ["quit", "{}"])],
    }
    with FakeDaemon(home, script) as fake:
        assert main(["status"]) == 0
        assert capsys.readouterr().out.splitlines() == [
            "state        idle",
            "engine.name  sketch",
            "devices      –",
            "ok           yes",
        ]
        assert main(["status", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == status
        assert main(["jobs"]) == 0
        assert capsys.readouterr().out == "a1  bgm  running   40%  t\n"
        orders = (["forget", "a1"], ["accept", "a1", "2"], ["cancel", "a1"], ["cancel", "*"])
        assert [main(words) for words in orders] == [0] * 4
        assert main(["quit", "--port", str(fake.port)]) == 0
        assert [a for a, _ in fake.heard if a != "/punchin/version"] == [
            "/punchin/status", "/punchin/status", "/punchin/jobs", "/punchin/forget",
            "/punchin/accept", "/punchin/cancel", "/punchin/cancel", "/punchin/quit",
        ]  # fmt: skip


def test_send_prints_replies_and_fails_on_an_error(home, capsys):
    wrong = ("/punchin/error", [100, "unknown-command", "/punchin/x", "ask describe"])
    with FakeDaemon(home, {"/punchin/x": lambda _: [wrong]}) as fake:
        assert main(["send", "version", "--wait", "0.1"]) == 0
        assert capsys.readouterr().out == "/punchin/version.reply 1 0.0-fake\n"
        assert main(["send", "/punchin/x", "1", "-2.5", "s:3", "a b", "--wait", "0.1"]) == 1
        assert fake.of("/punchin/x") == [[1, -2.5, "3", "a b"]]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("5", 5), ("-5", -5), ("5.5", 5.5), ("1e3", 1000.0), ("s:5", "5"), ("s:", ""), ("f:5", 5.0),
        ("i:5", 5), ("take.wav", "take.wav"), ("d:\\music\\a.wav", "d:\\music\\a.wav"),
        ("s:\\music", "s:\\music"), ("f:/x", "f:/x"),
    ],
)  # fmt: skip
def test_words_become_numbers_or_texts(word, value):
    found = guess(word)
    assert (found, type(found)) == (value, type(value))


def test_describe_needs_no_daemon(home, capsys):
    assert main(["describe"]) == 0
    told = capsys.readouterr().out
    assert all(f"/punchin/{op.name} " in told for op in OPS)
    assert "203 region-outside" in told
    assert main(["describe", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["protocol"] == 1
    assert main(["describe", "repaint"]) == 0
    assert "/punchin/bgm" not in capsys.readouterr().out
    assert main(["describe", "zzz"]) == 1


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_knows_commands_and_keys(capsys, shell):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "repaint" in script
    assert "--lyrics-file" in script
    assert "woodwinds" in script


def test_a_service_can_be_rehearsed(home, capsys, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "cfg"))
    assert main(["install", "service", "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "bridge" in told
    assert str(home) in told
    assert not (home / "cfg").exists()
