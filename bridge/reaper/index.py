"""`python -m bridge.reaper.index [--check] [--url TEMPLATE] [--to FILE]`: ReaPack's `index.xml`.

The index is made from the headers of the scripts, as ReaPack's "Index Format" says (version 1), and
is the same for the same files; a version's date is the one that CHANGELOG.md gives it. `--check`
tells what reapack-index would refuse, and a stale index, with exit code 1. `--url` overrides the
address in `.reapack-index.conf`, for a mirror or, as `file:///folder/$path`, for a checkout on this
machine; `--to` writes elsewhere.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from bridge.reaper import packages
from bridge.reaper.packages import Complaint, Config, Package, Source

ROOT = Path(__file__).resolve().parents[2]
FILE = "index.xml"


def render(config: Config, found: Sequence[Package], changes: str = "") -> str:
    """Return the index as XML; categories and packages in the order of their names.

    `changes` is the text of the changelog, for the dates of versions.
    """
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<index version="1" name={_a(config.name)}>',
    ]
    for category in sorted({p.category for p in found}):
        lines.append(f"  <category name={_a(category)}>")
        for package in (p for p in found if p.category == category):
            lines += _package(config, package, changes)
        lines.append("  </category>")
    return "\n".join([*lines, "</index>", ""])


def _package(config: Config, package: Package, changes: str) -> list[str]:
    about = package.text("about")
    version = package.text("version")
    return [
        f"    <reapack name={_a(package.name)} type={_a(package.type)}"
        f" desc={_a(package.text('description') or package.name)}>",
        f"      <version name={_a(version)} author={_a(package.text('author'))}"
        f"{_time(version, changes)}>",
        *(f"        {_source(config, package, s)}" for s in package.sources),
        "      </version>",
        *(_about(about) if about else []),
        "    </reapack>",
    ]


def _time(version: str, changes: str) -> str:
    """The attribute for a version's date; none for one that is not released."""
    found = re.search(rf"^## {re.escape(version)} \((\d{{4}}-\d\d-\d\d)\)", changes, re.MULTILINE)
    return f' time="{found[1]}T00:00:00Z"' if found else ""


def _source(config: Config, package: Package, source: Source) -> str:
    main = ' main="main"' if source.main else ""
    file = ""
    if source.path != package.path:
        below = PurePosixPath(source.path).relative_to(package.category)
        file = f" file={_a(str(below))}"
    return f"<source{main}{file}>{escape(_url(config.url, package, source))}</source>"


def _url(template: str, package: Package, source: Source) -> str:
    url = template.replace("$path", quote(source.path))
    return url.replace("$version", quote(package.text("version"))).replace("$commit", "main")


def _about(text: str) -> list[str]:
    """The package's page, in the rich text that ReaPack shows."""
    body = "\\par\n".join(_rich(line) for line in text.split("\n"))
    rich = f"{{\\rtf1\\ansi{{\\fonttbl{{\\f0 Helvetica;}}}}\\f0\n{body}\\par}}"
    return [
        "      <metadata>",
        f"        <description><![CDATA[{rich}]]></description>",
        "      </metadata>",
    ]


def _rich(text: str) -> str:
    safe = text.replace("\\", "\\\\").replace("{", "\\{").replace("}", "\\}")
    return "".join(c if c.isascii() else f"\\u{ord(c)}?" for c in safe)


def _a(text: str) -> str:
    return quoteattr(text)


def make(root: Path, url: str = "") -> tuple[str, list[str]]:
    """Return the index of the folder `root`, and what the indexer would complain about."""
    config = packages.config(root)
    found, complaints = packages.find(root, config.ignored)
    changes = _read(root / "CHANGELOG.md") or ""
    return render(replace(config, url=url or config.url), found, changes), complaints


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check the index; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bridge.reaper.index")
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 if wrong")
    parser.add_argument(
        "--url", default="", help="address of a file, with $path and maybe $version"
    )
    parser.add_argument("--to", type=Path, default=ROOT / FILE, help="the file to write")
    args = parser.parse_args(argv)
    try:
        text, complaints = make(ROOT, args.url)
    except (Complaint, OSError) as e:
        text, complaints = "", [str(e)]
    if not complaints and args.check and _read(args.to) != text:
        complaints = [f"{args.to.name} is not up to date: run python -m bridge.reaper.index"]
    for line in complaints:
        print(line, file=sys.stderr)
    if not complaints and not args.check:
        args.to.write_bytes(text.encode("utf-8"))
    return int(bool(complaints))


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except OSError:
        return None


if __name__ == "__main__":
    sys.exit(main())
