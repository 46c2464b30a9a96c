"""Minutes of playing without one wrong sample; opt-in: `make soak`, or `pytest -m soak`."""

import os

import pytest
import rig
from soak import run

_S = float(os.environ.get("PUNCHIN_SOAK_S", "300"))


@pytest.mark.soak
def test_a_long_session_has_no_wrong_sample_and_no_drift(tmp_path):
    told = run(tmp_path, _S)
    for where in ("jack", "reastream"):
        walk = told[where]
        assert walk["breaks"] == 0, told
        assert walk["seconds"] >= _S
        assert walk["exact frames"] > 0.5 * _S * rig.RATE
        assert walk["turns"] >= told["asked for"]["play"]
    assert told["underruns"] == told["waits"] == 0, told
    assert told["jobs computed"] > 0
    assert told["late p99, ms"] <= 3, told
    assert abs(told["drift, ms"]) <= 3.125, told
