"""What the soak takes for a stop of the machine itself."""

import pytest
import standstill


def test_only_what_is_late_counts():
    steps_s = [0.0021] * 10 + [0.0419] + [0.0065] * 2 + [0.009]
    woken_s = [sum(steps_s[:i], 100.0) for i in range(len(steps_s) + 1)]
    told = standstill.stops(woken_s)
    assert told["stops of the machine"] == 2
    assert told["longest stop, ms"] == pytest.approx(39.9)
    assert standstill.stops([1.0]) == {"stops of the machine": 0, "longest stop, ms": 0.0}


def test_it_watches_until_it_is_told_to_stop():
    with standstill.watched() as stops:
        told = stops()
    assert told is None or told["longest stop, ms"] >= 0.0
    assert stops() is told
