"""Commands of the preview: a row of the table becomes a call of the desk.

Threads: the control loop's thread only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from daemon.core.bus import Listener
from daemon.core.capture import Captures
from daemon.core.player import Desk, Refuse

Arguments = Mapping[str, Any]


def command(
    desk: Desk,
    captures: Captures,
    name: str,
    args: Arguments,
    listener: Listener,
    refuse: Refuse,
) -> None:
    """Carry out a command. Raises 101, 108; later refusals (200…204, 402) go to `refuse`."""
    if name == "player":
        desk.state(listener)
    elif name == "capture":
        captures.command(args, listener, refuse)
    else:
        _CALLS[name](desk, args, refuse)


async def carried_out(desk: Desk, asked: asyncio.Future[None]) -> None:
    """Wait until a command that was `asked` for is answered: the desk takes its time."""
    await asked
    done = asyncio.Event()

    async def mark() -> None:
        done.set()

    desk.later(mark, lambda _problem: None)
    await done.wait()


_CALLS: dict[str, Callable[[Desk, Arguments, Refuse], None]] = {
    "play": lambda desk, a, refuse: desk.play(a["id"], a.get("take"), a.get("role"), refuse),
    "swap": lambda desk, a, refuse: desk.swap(a["id"], a["take"], refuse),
    "solo": lambda desk, a, refuse: desk.solo(a["stem"], refuse),
    "stop": lambda desk, _a, refuse: desk.stop(refuse),
    "loop": lambda desk, a, _refuse: desk.loop(bool(a["on"])),
    "gain": lambda desk, a, _refuse: desk.gain(a["gain"]),
    "launch": lambda desk, a, _refuse: desk.launch(a["when"]),
}
