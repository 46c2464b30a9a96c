"""`punchin models`: which models there are, fetching them, checking them, converting them."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from bridge import places
from bridge.protocol.errors import PunchinError, error
from daemon import tensors
from daemon.core.sections import Models
from daemon.core.settings import SettingsError, load
from daemon.engines.acestep import needs
from daemon.engines.acestep.models import download
from daemon.engines.acestep.models.catalog import PACK, Pack

_SHOW = Console(soft_wrap=True, highlight=False)


def main(argv: Sequence[str]) -> int:
    """Run one of the commands; return 0 when done, 1 if it failed, 2 for usage and settings."""
    options = _parser().parse_args(argv)
    try:
        settings = load().models
        return int(options.run(options, settings))
    except SettingsError as e:
        print("punchin: the settings need mending:", *e.mistakes, sep="\n  ", file=sys.stderr)
        return 2
    except PunchinError as e:
        print(f"punchin: {e.code} {e.name}: {e.message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("punchin: stopped; the next pull goes on from here", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("punchin models", description="Models for model engines.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    listed = commands.add_parser("list", help="the models there are, and which of them are here")
    listed.add_argument("--json", action="store_true", help="print JSON, for scripts")
    listed.set_defaults(run=_list)
    pulled = commands.add_parser("pull", help="fetch models; what was cut off goes on")
    pulled.add_argument("names", nargs="+", metavar="NAME", help="turbo, base, … (see list)")
    pulled.add_argument("--yes", action="store_true", help="the licences are known and accepted")
    pulled.set_defaults(run=_pull)
    checked = commands.add_parser("verify", help="check every byte of what was fetched")
    checked.add_argument("names", nargs="*", metavar="NAME", help="default: all that are here")
    checked.set_defaults(run=_verify)
    made = commands.add_parser("convert", help="write a model in diffusers' layout")
    made.add_argument("folder", type=Path, help="a model as ACE-Step publishes it")
    made.add_argument("--to", type=Path, help="the new folder; default: FOLDER-diffusers")
    made.add_argument("--dtype", choices=("bfloat16", "float16", "float32"), default="bfloat16")
    made.set_defaults(run=_convert)
    where = commands.add_parser("path", help="where models lie")
    where.add_argument("name", nargs="?", metavar="NAME", choices=[*PACK], help="of this model")
    where.set_defaults(run=_path)
    return parser


def _home(settings: Models) -> Path:
    return settings.folder or places.home() / "models"


# -- the commands ----------------------------------------------------------------------------------


def _list(options: argparse.Namespace, settings: Models) -> int:
    home = _home(settings)
    if options.json:
        rows = [_row(pack, home) for pack in PACK.values()]
        print(json.dumps({"folder": str(home), "models": rows}, indent=2))
        return 0
    _SHOW.print(f"[dim]{home}[/dim]")
    for pack in PACK.values():
        mark = "[green]here[/green]" if download.is_here(pack, home) else "    "
        size = f"{pack.size / 1e9:5.1f} GB"
        _SHOW.print(f"{mark}  {pack.name:<17} {size}  {pack.licence:<10}  {pack.summary}")
    return 0


def _row(pack: Pack, home: Path) -> dict[str, object]:
    return {
        "name": pack.name,
        "kind": pack.kind,
        "here": download.is_here(pack, home),
        "bytes": pack.size,
        "licence": pack.licence,
        "repository": pack.source.repository,
        "revision": pack.source.revision,
        "needs": list(pack.needs),
        "summary": pack.summary,
    }


def _pull(options: argparse.Namespace, settings: Models) -> int:
    home = _home(settings)
    packs = download.with_needs(options.names)
    missing = [pack for pack in packs if not download.is_here(pack, home)]
    if missing and settings.offline:
        raise error(302, "models.offline is set: nothing is fetched; set it to false")
    if missing and not _accepted(missing, options.yes):
        return 1
    with _bars() as announce:
        for pack in missing:
            waits = partial(_waits, pack.name)
            download.pull(pack, home, settings.mirror.rstrip("/"), announce, waits)
    for pack in packs:
        _SHOW.print(f"{pack.name}: {home / pack.folder}")
    return 0


def _waits(name: str, who: str) -> None:
    _SHOW.print(f"{name} is being fetched by {who}: waiting until that has ended (Ctrl-C stops)")


def _accepted(missing: Sequence[Pack], yes: bool) -> bool:
    """Show what comes and under which licences; a person is asked, a script says `--yes`."""
    for pack in missing:
        where = f"{pack.source.repository} at {pack.source.revision[:12]}"
        size = f"{pack.size / 1e9:.1f} GB"
        _SHOW.print(f"{pack.name}: {size}, licence {pack.licence} as {where} states it")
    if yes:
        return True
    if not sys.stdin.isatty():
        raise error(302, "the licences were not accepted: read them, then say --yes")
    return input("Fetch them under these licences? [y/N] ").strip().lower() in ("y", "yes")


def _verify(options: argparse.Namespace, settings: Models) -> int:
    home = _home(settings)
    packs = [PACK[n] for n in options.names if n in PACK] if options.names else [*PACK.values()]
    unknown = [n for n in options.names if n not in PACK]
    if unknown:
        raise error(302, f"no model is called {unknown[0]}: choose one of {', '.join(PACK)}")
    here = [pack for pack in packs if download.is_here(pack, home)]
    absent = [pack.name for pack in packs if pack not in here] if options.names else []
    if absent:
        raise error(302, f"{absent[0]} is not here: punchin models pull {absent[0]}")
    if not here:
        raise error(302, "no model is here: punchin models pull turbo")
    wrong = False
    for pack in here:
        found = _faults(home / pack.folder)
        wrong = wrong or bool(found)
        _SHOW.print(f"{pack.name}: {'; '.join(found) if found else 'whole'}")
    return int(wrong)


def _faults(folder: Path) -> list[str]:
    """Sums where they are known; else what headers and names alone can tell."""
    if (folder / download.MANIFEST).is_file():
        with _bars() as announce:
            return download.verify(folder, announce)
    try:
        for file in sorted(folder.rglob("*.safetensors")):
            tensors.read(file)
    except PunchinError as e:
        return [e.message]
    return []


def _convert(options: argparse.Namespace, settings: Models) -> int:
    needs.check()
    from daemon.engines.acestep.models.convert import convert

    folder = options.folder.absolute()
    to = options.to.absolute() if options.to else folder.with_name(f"{folder.name}-diffusers")
    _SHOW.print(str(convert(folder, to, options.dtype)))
    return 0


def _path(options: argparse.Namespace, settings: Models) -> int:
    home = _home(settings)
    print(home / PACK[options.name].folder if options.name else home)
    return 0


# -- progress --------------------------------------------------------------------------------------


@contextlib.contextmanager
def _bars() -> Iterator[download.Announce]:
    """Give what shows a bar for each file; one line for each where nobody looks."""
    if not _SHOW.is_terminal:
        yield _line
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TransferSpeedColumn(), console=_SHOW) as progress:

        def announce(name: str, size: int) -> download.Tell:
            task = progress.add_task(name, total=size)
            return lambda count: progress.advance(task, count)

        yield announce


def _line(name: str, size: int) -> download.Tell:
    _SHOW.print(f"{name} ({size / 1e6:,.1f} MB)")
    return lambda count: None
