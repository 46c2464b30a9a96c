"""`punchin doctor`: checks the installation and says how to mend what it finds.

Each check is a function that returns findings. What is missing but optional is a hint; a problem
keeps something from working, and only problems make the exit code 1.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from daemon.cli.doctor import acestep, devices, engines, house, packages, soundfont
from daemon.cli.doctor.finding import Finding, Level, problem

Check = Callable[[], list[Finding]]
CHECKS: tuple[Check, ...] = (
    packages.python,
    packages.libraries,
    packages.daemon_package,
    house.settings,
    house.home,
    house.port,
    house.presets,
    engines.engines,
    engines.torch,
    acestep.acestep,
    soundfont.soundfont,
    devices.gpu,
    devices.audio,
    devices.midi,
    devices.midi_maps,
)


def main(argv: Sequence[str] | None = None, checks: Sequence[Check] = CHECKS) -> int:
    """Run every check and print what was found; return 1 if there is a problem."""
    parser = argparse.ArgumentParser(
        prog="punchin doctor", description="Checks the installation and says how to mend it."
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    args = parser.parse_args(argv)
    with ThreadPoolExecutor(4) as pool:
        found = [f for findings in pool.map(_safely, checks) for f in findings]
    problems = sum(f.level is Level.PROBLEM for f in found)
    if args.json:
        told = {"findings": [f.as_dict() for f in found], "problems": problems}
        print(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        _print(found, problems)
    return 1 if problems else 0


def _safely(check: Check) -> list[Finding]:
    """A check that fails is itself something to report."""
    try:
        return check()
    except Exception as e:
        return [problem(check.__name__, f"the check failed: {e!r}", "report this to Punchin")]


def _print(found: Sequence[Finding], problems: int) -> None:
    from rich.console import Console
    from rich.text import Text

    console, styles = (
        Console(soft_wrap=True, highlight=False),
        {"hint": "yellow", "problem": "bold red"},
    )
    wide = max(len(f.topic) for f in found)
    for f in found:
        head = Text(f"{f.level:<8}", styles.get(f.level, "green"))
        console.print(head + Text(f"{f.topic:<{wide}}  {f.text}", ""))
        if f.mend:
            console.print(Text(" " * (10 + wide) + f"→ {f.mend}", "dim"))
    count = "1 problem" if problems == 1 else f"{problems or 'no'} problems"
    console.print(Text(f"\n{count}", "bold red" if problems else "bold green"))
