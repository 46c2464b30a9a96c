"""How tests bear a machine that has other work."""

import time

# How long they wait for what must come, in seconds: far longer than anything takes. A wait that
# ends well costs nothing, and a busy machine may stand still for many seconds.
PATIENCE_S = 90.0

_TRIES = 4


def in_time(attempt):
    """What must happen in time, by the best of some tries: for as long as the patience lasts.

    `attempt(number)` fails also where a player, a server or the test itself came too late.
    """
    begun_s, number = time.monotonic(), 0
    while True:
        try:
            return attempt(number)
        except AssertionError:
            number += 1
            if number >= _TRIES and time.monotonic() - begun_s > PATIENCE_S:
                raise
