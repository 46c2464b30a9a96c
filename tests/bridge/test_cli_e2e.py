"""The command line and the client as a user runs them: real processes, the real daemon."""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import struct
import subprocess
import sys
import wave
from pathlib import Path

import pytest
from fake_daemon import FakeDaemon
from patience import PATIENCE_S

from bridge import AsyncClient, Client, mailbox
from bridge.places import read_daemon

ROOT = Path(__file__).resolve().parents[2]
RATE = 8000


class Shell:
    """Runs `punchin` in a home of its own, with the tests' engine."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "config").mkdir(parents=True)
        settings = '[server]\nport = 0\n[engine]\nname = "fake"\n'
        (home / "config" / "punchin.toml").write_text(settings)
        places = {"PUNCHIN_HOME": str(home), "PUNCHIN_CONFIG": str(home / "config")}
        path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "plugin")])
        self.env = {**os.environ, **places, "PYTHONPATH": path}

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "bridge", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            cwd=self.home,
            env=self.env,
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        process = self.start(*words)
        out, err = process.communicate(timeout=PATIENCE_S)
        return process.returncode, out, err

    def json(self, *words: str):
        code, out, err = self.run(*words, "--json")
        assert code == 0, err
        return json.loads(out)


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """A home with a running daemon."""
    shell = Shell(tmp_path_factory.mktemp("home ü"))
    tone = [round(8000 * math.sin(i / 9)) for i in range(4 * RATE)]
    with wave.open(str(shell.home / "take 1.wav"), "wb") as out:
        out.setparams((1, 2, RATE, 0, "NONE", ""))
        out.writeframes(struct.pack(f"<{len(tone)}h", *tone))
    assert shell.run("start")[0] == 0
    yield shell
    shell.run("quit")


@pytest.fixture
def quiet(tmp_path):
    """A home without a daemon; one that a test starts is stopped."""
    shell = Shell(tmp_path)
    yield shell
    if read_daemon(tmp_path):
        shell.run("quit")


REPAINT = ("repaint", "take 1.wav", "--start", "1", "--end", "2", "--bpm", "120")


def test_a_repaint_leaves_its_files_and_prints_them(shell):
    code, out, err = shell.run(*REPAINT, "--id", "first", "--seed", "5")
    assert code == 0, err
    rows = [line.split(" ", 2) for line in out.splitlines()]
    assert {(role, take) for role, take, _ in rows} >= {("mix", "1"), ("region", "1")}
    assert all(Path(path).is_file() for _, _, path in rows)
    again = shell.json(*REPAINT, "--id", "first", "--seed", "5")
    assert (again["state"], again["result"]["seed"]) == ("done", 5)
    assert {f["path"] for f in again["files"]} == {path for _, _, path in rows}
    assert shell.json("job", "first")["state"] == "done"


def test_failures_and_conflicts_are_exit_code_1(shell):
    code, out, _ = shell.run("bgm", "none.wav", "--json")
    assert (code, json.loads(out)["error"]["code"]) == (1, 200)
    assert shell.run(*REPAINT, "--id", "twice")[0] == 0
    code, _, err = shell.run("repaint", "take 1.wav", "--start", "2", "--end", "3", "--id", "twice")
    assert (code, "error 105 id-conflict" in err) == (1, True)
    code, _, err = shell.run("job", "nobody")
    assert (code, "error 108 unknown-job" in err) == (1, True)


def test_ctrl_c_cancels_the_job(shell):
    process = shell.start(*REPAINT, "--prompt", "wait 600", "--id", "stopped")
    while "waiting" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (1, "")
    assert "job stopped was cancelled" in err
    assert shell.json("job", "stopped")["state"] == "cancelled"


def test_a_second_ctrl_c_leaves_at_once(tmp_path):
    shell = Shell(tmp_path)
    said = lambda a: [("/punchin/accepted", [a[0], "bgm", 0, ""])]  # noqa: E731
    with FakeDaemon(tmp_path, {"/punchin/bgm": said}) as fake:
        process = shell.start("bgm", "a.wav")
        fake.wait_heard("/punchin/bgm")
        process.send_signal(signal.SIGINT)
        fake.wait_heard("/punchin/cancel")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130


def test_context_reaches_the_daemon_and_its_refusals_come_back(shell):
    assert shell.run("region", "take 1.wav", "0.5", "1.5")[0] == 0
    assert shell.run("tempo", "90", "3", "4")[0] == 0
    told = shell.json("context")
    assert (told["source"], told["bpm"], told["meter"]) == (
        str(shell.home / "take 1.wav"),
        90.0,
        "3/4",
    )
    record = shell.json("repaint")
    frames = [record["result"][k] for k in ("region_start_frame", "region_end_frame")]
    assert frames == [RATE // 2, 3 * RATE // 2]
    assert shell.run("reset")[0] == 0
    assert shell.json("context")["source"] is None
    code, _, err = shell.run("play", "nobody")
    assert (code, "error 108" in err) == (1, True)


def test_a_watcher_sees_the_jobs_of_others(shell):
    watcher = shell.start("watch", "--json")
    assert "watching all jobs" in watcher.stderr.readline()
    with Client(home=shell.home) as client:
        job = client.analyze(shell.home / "take 1.wav")
        job.wait(PATIENCE_S)
    seen = []
    while not seen or seen[-1]["event"] != "done":
        seen.append(json.loads(watcher.stdout.readline()))
    watcher.send_signal(signal.SIGINT)
    watcher.communicate(timeout=PATIENCE_S)
    assert watcher.returncode == 0
    assert {e["args"][0] for e in seen} == {job.id}
    assert [e["event"] for e in seen][:2] == ["accepted", "started"]


def test_udp_asyncio_and_mailbox_give_the_same_samples(shell):
    source, keys = shell.home / "take 1.wav", {"start": 1.0, "end": 2.0, "bpm": 120.0, "seed": 9}
    with Client(home=shell.home, transport="udp") as client:
        datagrams = client.repaint(source, **keys).wait(PATIENCE_S)

    async def play():
        async with AsyncClient(home=shell.home) as client:
            return await client.repaint(source, **keys).wait(PATIENCE_S)

    stream = asyncio.run(play())
    words = [w for pair in keys.items() for w in pair]
    letter = ("/punchin/repaint", ["by-mail", str(source), *words])
    ((address, _),) = mailbox.request([letter], shell.home, PATIENCE_S)
    assert address == "/punchin/accepted"
    record = mailbox.wait_job("by-mail", shell.home, PATIENCE_S)
    mail = next(Path(f["path"]) for f in record["files"] if f["role"] == "mix")
    assert [frames(datagrams.path("mix")), frames(stream.path("mix"))] == [frames(mail)] * 2


def test_a_long_reply_arrives_whole_in_pieces(shell):
    with Client(home=shell.home) as stream, Client(home=shell.home, transport="udp") as datagrams:
        table = stream.describe()
        assert len(json.dumps(table)) > 20_000
        assert datagrams.describe() == table == shell.json("describe")


def test_a_bundle_is_one_step(shell):
    source = str(shell.home / "take 1.wav")
    with Client(home=shell.home) as client:
        (job,) = client.bundle(
            [("region", [source, 1.0, 1.5]), ("tempo", [100.0]), ("repaint", ["*"])]
        )
        result = job.wait(PATIENCE_S).result
        client.reset()
    assert (result["region_start_frame"], result["bpm"]) == (RATE, 100.0)


def frames(path: Path) -> bytes:
    with wave.open(str(path)) as found:
        return found.readframes(found.getnframes())


def test_an_op_starts_a_daemon_and_leaves_it(shell, quiet):
    source = str(shell.home / "take 1.wav")
    code, out, err = quiet.run("analyze", source, "--bpm", "100")
    assert code == 0, err
    assert "started a daemon, pid" in err
    assert "key" in out
    assert quiet.json("status")["pid"] == read_daemon(quiet.home)["pid"]
    assert quiet.run("quit")[0] == 0
    code, _, err = quiet.run("status")
    assert (code, "no daemon is running" in err) == (1, True)


def test_a_killed_daemon_takes_up_its_job_and_the_client_follows_it(quiet, shell, tmp_path):
    assert quiet.run("start")[0] == 0
    source, go = str(shell.home / "take 1.wav"), tmp_path / "go"
    with Client(home=quiet.home, reconnect=PATIENCE_S) as client:
        job = client.repaint(source, start=1, end=2, bpm=120, prompt=f"hold {go}")
        while job.state != "running":
            client.listen(0.05)
        os.kill(read_daemon(quiet.home)["pid"], signal.SIGKILL)
        go.touch()
        assert quiet.run("start")[0] == 0
        assert job.wait(PATIENCE_S).path("mix").is_file()


def test_a_daemon_that_can_t_start_is_told_with_its_last_words(quiet):
    (quiet.home / "config" / "punchin.toml").write_text("[server]\nprot = 1\n")
    code, _, err = quiet.run("start")
    assert code == 1
    assert "ended with code 2" in err
    assert "prot" in err


def test_a_client_command_loads_nothing_heavy(shell):
    process = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "bridge", "status"],
        capture_output=True,
        text=True,
        env=shell.env,
        check=True,
    )
    loaded = {line.split("|")[-1].strip() for line in process.stderr.splitlines()}
    assert "bridge.client.blocking" in loaded
    heavy = {"daemon", "numpy", "torch", "scipy", "asyncio", "rich", "shtab", "mido"}
    heavy |= {"subprocess", "hashlib"}
    assert not {m.split(".")[0] for m in loaded} & heavy
