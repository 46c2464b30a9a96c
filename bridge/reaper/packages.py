"""What ReaPack would find in a folder, and what its indexer would complain about.

The rules are those that `reapack-index --check` applies, as far as its manual ("Packaging
Documentation") and its published source say: which files are packages and what their category is;
`@version` required, beginning with a digit, one line; `@author` one line; `@metapackage` and
`@noindex` without a value; the options of `@provides`, patterns that match a file; no file in two
packages; names without `* \\ : < > ? / | "`; a download address with `$path`. Not applied: the
conversion of `@about` by pandoc, and what depends on the git history (an index that moves on with
commits, versions that were published before).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from bridge.reaper import header
from bridge.reaper.header import Value

CONFIG = ".reapack-index.conf"
TYPES = {
    ".lua": "script",
    ".eel": "script",
    ".py": "script",
    ".ext": "extension",
    ".jsfx": "effect",
    ".data": "data",
    ".theme": "theme",
    ".reaperlangpack": "langpack",
    ".www": "webinterface",
    ".rpp": "projecttpl",
    ".rtracktemplate": "tracktpl",
    ".txt": "midinotenames",
    ".reaperautoitem": "autoitem",
}
PLATFORMS = (
    *("all", "windows", "win32", "win64", "darwin", "darwin32", "darwin64", "darwin-arm64"),
    *("linux", "linux32", "linux64", "linux-armv7l", "linux-aarch64"),
)
_PROVIDED = re.compile(r"(?:\[\s*(?P<options>.+?)\s*\])?\s*(?P<file>.+?)(?:\s+(?P<url>\w+://.+))?")
_NAME = re.compile(r'[^*\\:<>?/|"\x00-\x1f\x7f]+')
_BAD_NAME = re.compile(r"[. ].*|.+[. ]|CLOCK\$|COM\d|LPT\d", re.IGNORECASE)
# ReaPack itself takes no shorter and no longer name of a repository.
_NAME_LENGTHS = range(4, 25)


@dataclass(frozen=True)
class Config:
    """What `.reapack-index.conf` says: name, address of a file with `$path`, folders left out."""

    name: str
    url: str
    ignored: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """One file of a package: its path below the folder, and whether it is an action."""

    path: str
    main: bool


@dataclass(frozen=True)
class Package:
    """One package as the indexer sees it; `path` is that of its header, below the folder."""

    path: str
    type: str
    tags: Mapping[str, Value]
    sources: tuple[Source, ...]

    @property
    def category(self) -> str:
        """The folder of the package, which ReaPack shows as its category."""
        return str(PurePosixPath(self.path).parent)

    @property
    def name(self) -> str:
        """The file's name."""
        return PurePosixPath(self.path).name

    def text(self, tag: str) -> str:
        """Return a tag's value, an empty text when there is none."""
        value = self.tags.get(tag)
        return value if isinstance(value, str) else ""


class Complaint(Exception):
    """What the indexer would refuse."""


def config(root: Path) -> Config:
    """Return the configuration of the folder `root`. Raises Complaint."""
    words = shlex.split((root / CONFIG).read_text("utf-8"))
    told = list(zip(words[::2], words[1::2], strict=False))
    found = Config(
        next((v for k, v in told if k in ("-n", "--name")), ""),
        next((v for k, v in told if k in ("-U", "--url-template")), ""),
        tuple(v.strip("/") for k, v in told if k in ("-i", "--ignore")),
    )
    if not _NAME.fullmatch(found.name) or _BAD_NAME.fullmatch(found.name):
        raise Complaint(f"{CONFIG}: invalid name {found.name!r}")
    if len(found.name) not in _NAME_LENGTHS:
        raise Complaint(f"{CONFIG}: ReaPack takes names of 4 to 24 letters, not {found.name!r}")
    if "$path" not in found.url or not re.match(r"(https?|file)://", found.url):
        raise Complaint(f"{CONFIG}: the address {found.url!r} needs http, https or file, and $path")
    return found


def find(root: Path, ignored: Sequence[str] = ()) -> tuple[list[Package], list[str]]:
    """Return the packages of the folder `root`, and complaints, each with the file's path."""
    files = sorted(_files(root))
    packages, complaints = [], []
    for path in files:
        kind = TYPES.get(PurePosixPath(path).suffix.lower())
        if not kind or "/" not in path or _is_ignored(path, ignored):
            continue
        tags = header.read((root / path).read_text("utf-8", "replace"))
        if tags.get("noindex"):
            continue
        try:
            packages.append(Package(path, kind, tags, _sources(path, kind, tags, files)))
        except Complaint as e:
            complaints.append(f"{path}: {e}")
    return packages, complaints + _conflicts(packages)


def _files(root: Path) -> Iterator[str]:
    for path in root.rglob("*"):
        below = path.relative_to(root)
        if path.is_file() and not any(p.startswith(".") or p == "__pycache__" for p in below.parts):
            yield below.as_posix()


def _is_ignored(path: str, ignored: Sequence[str]) -> bool:
    return any(path.startswith(f"{folder}/") for folder in ignored)


def _sources(
    path: str, kind: str, tags: Mapping[str, Value], files: list[str]
) -> tuple[Source, ...]:
    _check_tags(tags)
    is_main = kind in ("script", "effect") and not tags.get("metapackage")
    found = [s for line in _lines(tags) for s in _provided(line, path, is_main, files)]
    if is_main and path not in [s.path for s in found]:
        found.insert(0, Source(path, True))
    if not found:
        raise Complaint("no sources found: is a @provides missing?")
    return tuple(found)


def _check_tags(tags: Mapping[str, Value]) -> None:
    version = tags.get("version", "")
    if not isinstance(version, str) or not re.match(r"\d", version):
        raise Complaint("@version is missing or does not begin with a digit")
    for name in ("version", "author", "description"):
        value = tags.get(name, "-")
        if not isinstance(value, str) or "\n" in value:
            raise Complaint(f"@{name} must have a value on one line")
    for name in ("noindex", "metapackage"):
        if not isinstance(tags.get(name, True), bool):
            raise Complaint(f"@{name} can't have a value")


def _lines(tags: Mapping[str, Value]) -> list[str]:
    value = tags.get("provides", "")
    if not isinstance(value, str):
        raise Complaint("@provides has no value")
    return [line for line in value.split("\n") if line.strip()]


def _provided(line: str, package: str, is_main: bool, files: list[str]) -> Iterator[Source]:
    told = _PROVIDED.fullmatch(line.strip())
    if not told:
        raise Complaint(f"@provides: {line!r} can't be read")
    main = _wants_main(told["options"] or "")
    folder = PurePosixPath(package).parent
    pattern = package if told["file"] == "." else str(folder / told["file"])
    matching = [f for f in files if _matches(f, pattern)]
    if not matching:
        raise Complaint(f"@provides: file not found {told['file']!r}")
    for path in matching:
        yield Source(path, is_main if main is None and path == package else bool(main))


def _wants_main(options: str) -> bool | None:
    main = None
    for option in options.lower().split():
        if option in ("main", "nomain"):
            main = option == "main"
        elif option not in (*PLATFORMS, *TYPES.values()):
            raise Complaint(f"@provides: unknown option {option!r}")
    return main


def _matches(path: str, pattern: str) -> bool:
    """Whether a path fits a pattern whose `*` does not reach beyond a folder."""
    have, wanted = path.split("/"), pattern.split("/")
    return len(have) == len(wanted) and all(map(fnmatchcase, have, wanted))


def _conflicts(packages: Sequence[Package]) -> list[str]:
    owner: dict[str, str] = {}
    complaints = []
    for package in packages:
        for source in package.sources:
            other = owner.setdefault(source.path, package.path)
            if other != package.path:
                complaints.append(
                    f"{package.path}: {source.path} conflicts with {other}: @noindex?"
                )
        paths = [s.path for s in package.sources]
        complaints += [
            f"{package.path}: duplicate file {p}"
            for p in sorted({p for p in paths if paths.count(p) > 1})
        ]
    return complaints
