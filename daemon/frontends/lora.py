"""A LoRA that was told for later jobs is looked at, and taken off again where it is none.

It counts from the moment it was told, so that a job in the same bundle has it; that job is held
against the file itself.

Threads: the control loop's thread only.
"""

from __future__ import annotations

from bridge.protocol.errors import PunchinError
from daemon.core.admission import on_thread
from daemon.core.context import Context
from daemon.core.ports import Files


async def look(path: str, context: Context, files: Files) -> None:
    """Look at the header of the LoRA at `path`. Raises 201, 204, 303."""
    try:
        await on_thread(files.lora, path)
    except PunchinError:
        context.drop_lora(path)
        raise
