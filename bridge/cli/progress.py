"""A job's progress on standard error: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Protocol, TextIO

from bridge.client.values import Progress

_STEP = 0.1


class View(Protocol):
    """What shows a job."""

    def __enter__(self) -> View: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def progress(self, now: Progress) -> None:
        """Show how far it is."""

    def state(self, state: str, position: int) -> None:
        """Show that it waits, runs or is being cancelled."""


def view() -> View:
    """Return what fits standard error."""
    return Bar() if sys.stderr.isatty() else Lines(sys.stderr)


class Lines:
    """Plain lines: each new state and stage, and every tenth of the way."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._state = "asked"
        self._stage = ""
        self._shown = 0.0

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._out.flush()

    def progress(self, now: Progress) -> None:
        """Print a line when the stage is new or a tenth has passed."""
        if now.stage == self._stage and now.fraction < self._shown + _STEP:
            return
        self._stage, self._shown = now.stage, now.fraction
        eta = f", {now.eta_s:.0f} s left" if now.eta_s >= 0 else ""
        self._print(f"{100 * now.fraction:3.0f}% {now.stage}{eta}")

    def state(self, state: str, position: int) -> None:
        """Print a line when the state is new."""
        if state == self._state or state == "running":
            return
        self._state = state
        self._print(waiting(state, position))

    def _print(self, text: str) -> None:
        print(text, file=self._out, flush=True)


def waiting(state: str, position: int) -> str:
    """Return a state for people."""
    if state == "queued" and position:
        return f"queued behind {position}"
    return state


class Bar:
    """A progress bar that leaves nothing behind."""

    def __enter__(self) -> Bar:
        from rich import progress as rich_progress
        from rich.console import Console

        self._bar = rich_progress.Progress(
            rich_progress.TextColumn("{task.description}"),
            rich_progress.BarColumn(),
            rich_progress.TaskProgressColumn(),
            rich_progress.TextColumn("{task.fields[eta]}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("", total=1.0, eta="")
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def progress(self, now: Progress) -> None:
        """Move the bar."""
        eta = f"{now.eta_s:.0f} s" if now.eta_s >= 0 else ""
        self._update(completed=now.fraction, description=_plain(now.stage), eta=eta)

    def state(self, state: str, position: int) -> None:
        """Show what it waits for."""
        if state not in ("running", "asked"):
            self._update(description=_plain(waiting(state, position)))

    def _update(self, **shown: Any) -> None:
        self._bar.update(self._task, **shown)


def _plain(text: str) -> str:
    """Return a text without what rich would take for its markup."""
    return text.replace("[", "(").replace("]", ")")
