"""How a job's progress is shown: lines in a log, a bar on a terminal."""

from __future__ import annotations

import io
import sys

from bridge.cli.progress import Bar, Lines, view
from bridge.client.values import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_are_few_and_tell_each_new_stage():
    out = io.StringIO()
    with Lines(out) as shown:
        shown.state("queued", 2)
        shown.state("queued", 2)
        shown.state("running", 0)
        for i in range(101):
            shown.progress(Progress(i / 100, "listen" if i < 50 else "render", (100 - i) / 10))
    told = out.getvalue().splitlines()
    assert told[0] == "queued behind 2"
    assert told[1] == "  0% listen, 10 s left"
    assert " 50% render, 5 s left" in told
    assert len(told) <= 13


def test_a_terminal_gets_a_bar(monkeypatch):
    out = Terminal()
    monkeypatch.setattr(sys, "stderr", out)
    monkeypatch.setenv("TERM", "xterm")
    shown = view()
    assert isinstance(shown, Bar)
    with shown:
        shown.state("queued", 1)
        shown.progress(Progress(0.5, "render [bars]", 3.2))
        shown._bar.refresh()
    assert "50%" in out.getvalue()
    assert "render (bars)" in out.getvalue()
    assert "3 s" in out.getvalue()


def test_no_terminal_gets_lines(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert isinstance(view(), Lines)
