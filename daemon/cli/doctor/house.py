"""Settings, presets, the daemon's folder, its disk and its port."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from pathlib import Path

from bridge import places
from bridge.protocol.errors import PunchinError
from bridge.protocol.packets import DATAGRAM, decode, encode
from daemon.cli.doctor.finding import Finding, hint, ok, problem
from daemon.core.presets import load_presets
from daemon.core.schema import ROW
from daemon.core.sections import Settings
from daemon.core.settings import SettingsError, default_path, load

_LITTLE = 1 << 30  # bytes; a few minutes of takes and stems
_ENOUGH = 10 << 30
_ANSWER_S = 1.0


def settings() -> list[Finding]:
    """Check the settings file and the environment."""
    try:
        load()
    except SettingsError as e:
        return [problem("settings", line, "see docs/settings.md") for line in e.mistakes]
    there = default_path().is_file()
    return [ok("settings", str(default_path()) if there else "defaults, there is no file")]


def settings_or_none() -> Settings | None:
    """Return the settings if they are right."""
    try:
        return load()
    except SettingsError:
        return None


def presets() -> list[Finding]:
    """Check every preset file."""
    found = load_presets()
    wrong = [
        problem("presets", f"{broken.path}: {mistake}", "mend the file or remove it")
        for broken in found.broken
        for mistake in broken.mistakes
    ]
    count = f"{len(found.tasks)} tasks, {len(found.styles)} styles"
    return [ok("presets", count), *wrong]


# -- the folder ----------------------------------------------------------------------------------


def home(folder: Path | None = None) -> list[Finding]:
    """Check that results can be written, and the room for them."""
    folder = folder or places.home()
    there = next(p for p in (folder, *folder.parents) if p.exists())
    mend = f"make {there} writable for you, or set PUNCHIN_HOME to another folder"
    if trouble := _write_trouble(there):
        return [problem("home", f"{folder}: {trouble}", mend)]
    return [ok("home", str(folder)), _disk(there, shutil.disk_usage(there).free)]


def _write_trouble(folder: Path) -> str:
    if not folder.is_dir():
        return f"{folder} is not a folder"
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as e:
        return e.strerror or str(e)
    return ""


def _disk(folder: Path, free: int) -> Finding:
    text, mend = f"{free / 2**30:.1f} GiB free", f"make room on the disk of {folder}"
    if free < _LITTLE:
        return problem("disk", text, mend)
    return ok("disk", text) if free >= _ENOUGH else hint("disk", text, mend)


# -- the port ------------------------------------------------------------------------------------


def port(where: tuple[str, int] | None = None) -> list[Finding]:
    """Check that a daemon answers, or could listen."""
    told = places.read_daemon()
    if told:
        place = f"{told['host']}:{told['port']}"
        if version := ask_version((str(told["host"]), int(told["port"]))):
            return [ok("port", f"daemon {version} answers at {place}, pid {told['pid']}")]
        mend = "none needed: the next punchin start replaces it"
        return [
            hint("port", f"daemon.json names {place}, where nothing answers", mend),
            *_free(where),
        ]
    return _free(where)


def _free(where: tuple[str, int] | None) -> list[Finding]:
    right = settings_or_none()
    default = (ROW["server.host"].default, ROW["server.port"].default)
    host, number = where or ((right.server.host, right.server.port) if right else default)
    for kind, name in ((socket.SOCK_STREAM, "TCP"), (socket.SOCK_DGRAM, "UDP")):
        try:
            _bind(host, number, kind)
        except OSError as e:
            mend = "stop the other program, or set another server.port (docs/settings.md)"
            text = f"{name} {host}:{number} can't be used: {e.strerror or e}"
            return [problem("port", text, mend)]
    return [ok("port", f"{host}:{number} is free")]


def _bind(host: str, number: int, kind: socket.SocketKind) -> None:
    family, *_, address = socket.getaddrinfo(host, number, type=kind)[0]
    with socket.socket(family, kind) as trial:
        if kind is socket.SOCK_STREAM and os.name == "posix":
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trial.bind(address)


def ask_version(where: tuple[str, int], timeout_s: float = _ANSWER_S) -> str | None:
    """Return the version of the daemon at `where`, None when none answers in time."""
    try:
        family, *_, address = socket.getaddrinfo(*where, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as link:
            link.settimeout(timeout_s)
            link.connect(address)
            link.send(encode("/punchin/version", []))
            ((name, args),) = decode(link.recv(DATAGRAM))[0].messages
    except (OSError, PunchinError, ValueError, IndexError):
        return None
    return str(args[1]) if name == "/punchin/version.reply" and len(args) == 2 else None
