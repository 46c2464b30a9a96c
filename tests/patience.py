"""How tests bear a machine that has other work."""

import contextlib

# How long they wait for what must come, in seconds: far longer than anything takes. A wait that
# ends well costs nothing, and a busy machine may stand still for many seconds.
PATIENCE_S = 90.0


def in_time(attempt, tries=4):
    """What must happen in time, by the best of some tries.

    `attempt(number)` fails also where a player, a server or the test itself came too late.
    """
    for number in range(tries - 1):
        with contextlib.suppress(AssertionError):
            return attempt(number)
    return attempt(tries - 1)
