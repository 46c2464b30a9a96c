"""Memory of a device: whether it ran out, and what torch keeps of it in reserve given back.

Threads: the thread that owns the device.
"""

from __future__ import annotations

import gc

import torch

# A library that gets no room for a handle or a workspace of its own says so in its own words.
_WORDS = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "alloc_failed",
    "cublascreate",
    "unable to find an engine",
)


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether an exception says that memory ran out, of whatever device.

    So does one that was raised while another that says so was on its way: where memory runs out in
    a capture, ending the capture may fail too.
    """
    if isinstance(problem, MemoryError) or type(problem).__name__ == "OutOfMemoryError":
        return True
    if not isinstance(problem, RuntimeError):
        return False
    if any(words in str(problem).lower() for words in _WORDS):
        return True
    before = problem.__cause__ or problem.__context__
    return before is not None and is_out_of_memory(before)


def give_back() -> None:
    """Give what torch holds of a device's memory and does not use back to the system."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
