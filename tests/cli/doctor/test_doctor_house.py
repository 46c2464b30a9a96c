"""The doctor: packages, settings, presets, folder and port."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from free_ports import free_port
from patience import PATIENCE_S

from bridge.protocol.packets import encode
from daemon.cli.doctor import house, packages
from daemon.cli.doctor.finding import Finding, Level, ok


def versions(**known: str) -> Callable[[str], str | None]:
    return lambda name: known.get(name.replace("-", "_"))


def levels(findings: Sequence[Finding]) -> list[str]:
    return [str(f.level) for f in findings]


def only(findings: Sequence[Finding]) -> Finding:
    (finding,) = findings
    return finding


# -- packages ------------------------------------------------------------------------------------


def test_python() -> None:
    assert levels(packages.python((3, 11, 0))) == ["ok"]
    old = only(packages.python((3, 10, 9)))
    assert old.level is Level.PROBLEM
    assert "3.11" in old.mend


def test_libraries() -> None:
    required = ["numpy>=2.0", "soxr>=0.5", "rich>=13.9", 'torch>=2.6; extra == "acestep"', "mido"]
    installed = versions(numpy="2.0rc1", soxr="0.4.9", mido="1")
    right, soxr, rich = packages.libraries(required, installed)
    assert right.text == "numpy 2.0rc1, mido 1"
    assert (soxr.level, soxr.topic) == (Level.PROBLEM, "soxr")
    assert "0.4.9 is too old" in soxr.text
    assert '"soxr>=0.5"' in soxr.mend
    assert (rich.topic, rich.text) == ("rich", "is missing")


def test_the_libraries_of_this_installation_are_known() -> None:
    names = [line.split(">")[0] for line in packages.requirements()]
    assert {"numpy", "soundfile", "python-osc"} <= set(names)
    assert levels(packages.libraries()) == ["ok"]


@pytest.mark.parametrize(
    ("version", "numbers"), [("2.13.0+cpu", (2, 13, 0)), ("1.2rc3", (1, 2)), ("x", ())]
)
def test_release(version: str, numbers: tuple[int, ...]) -> None:
    assert packages.release(version) == numbers


def test_the_package_daemon() -> None:
    assert levels(packages.daemon_package(str, versions())) == ["ok"]
    mixed = only(packages.daemon_package(str, versions(python_daemon="3.1")))
    assert mixed.level is Level.PROBLEM
    assert "uninstall python-daemon" in mixed.mend
    foreign = only(packages.daemon_package(lambda: "wrong one\n  mend it: do this\n and that"))
    assert (foreign.text, foreign.mend) == ("wrong one", "do this and that")


# -- house ---------------------------------------------------------------------------------------


def test_settings(tmp_path: Path) -> None:
    assert only(house.settings()).text == "defaults, there is no file"
    file = tmp_path / "config" / "punchin.toml"
    file.parent.mkdir()
    file.write_text("[server]\nport = 9000\n")
    assert only(house.settings()).text == str(file)
    file.write_text("[server]\nport = -1\nhots = 'x'\n")
    wrong = house.settings()
    assert levels(wrong) == ["problem", "problem"]
    assert "line 2" in wrong[0].text
    assert house.settings_or_none() is None


def test_presets(tmp_path: Path) -> None:
    assert levels(house.presets()) == ["ok"]
    broken = tmp_path / "config" / "presets" / "tasks" / "x.toml"
    broken.parent.mkdir(parents=True)
    broken.write_text("ops = 1")
    found = house.presets()
    assert set(levels(found[1:])) == {"problem"}
    assert str(broken) in found[1].text


def test_home_is_checked_without_making_it(tmp_path: Path) -> None:
    home = tmp_path / "not" / "yet"
    assert house.home(home)[0] == ok("home", str(home))
    assert not home.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_can_not_be_one(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    wrong = only(house.home(file / "home"))
    assert (wrong.level, "not a folder" in wrong.text) == (Level.PROBLEM, True)
    assert "PUNCHIN_HOME" in wrong.mend


@pytest.mark.parametrize(
    ("gib", "level"), [(0.5, Level.PROBLEM), (5, Level.HINT), (10, Level.OK), (900, Level.OK)]
)
def test_disk(gib: float, level: Level) -> None:
    assert house._disk(Path("/x"), int(gib * 2**30)).level is level


# -- the port ------------------------------------------------------------------------------------


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server


def test_a_free_port() -> None:
    where = ("127.0.0.1", free_port())
    assert only(house.port(where)).text == f"127.0.0.1:{where[1]} is free"


def test_a_port_that_another_program_has(taken: socket.socket) -> None:
    wrong = only(house.port(taken.getsockname()))
    assert wrong.level is Level.PROBLEM
    assert "TCP" in wrong.text


def test_a_datagram_port_that_another_program_has() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", free_port()))
        assert "UDP" in only(house.port(server.getsockname())).text


def write_daemon(home: Path, port: int) -> None:
    home.mkdir()
    told = {"pid": 7, "host": "127.0.0.1", "port": port, "protocol": 1, "version": "x"}
    (home / "daemon.json").write_text(json.dumps(told))


def answer_once(server: socket.socket, packet: bytes) -> threading.Thread:
    def serve() -> None:
        _, sender = server.recvfrom(8000)
        server.sendto(packet, sender)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


def test_a_daemon_that_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house.ask_version, "__defaults__", (PATIENCE_S,))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        write_daemon(tmp_path / "home", server.getsockname()[1])
        thread = answer_once(server, encode("/punchin/version.reply", [1, "9.9.9"]))
        found = only(house.port())
        thread.join()
    assert found.level is Level.OK
    assert "9.9.9" in found.text
    assert "pid 7" in found.text


def test_another_program_on_the_daemons_port(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        thread = answer_once(server, b"nonsense")
        assert house.ask_version(server.getsockname()) is None
        thread.join()


def test_a_daemon_file_that_was_left_behind(tmp_path: Path) -> None:
    where = ("127.0.0.1", free_port())
    write_daemon(tmp_path / "home", where[1])
    assert levels(house.port(where)) == ["hint", "ok"]
