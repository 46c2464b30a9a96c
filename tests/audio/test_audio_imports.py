"""The control plane reads and writes without the worker's packages."""

import subprocess
import sys

import pytest

LIGHT = ("types", "grid", "probe", "reading", "formats", "quantise", "writer")


def loaded_after(code):
    code += "\nimport sys; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_control_planes_modules_stay_light():
    code = "\n".join(f"import daemon.audio.{name}" for name in LIGHT)
    assert not loaded_after(code) & {"scipy", "soxr", "pyloudnorm", "torch"}


@pytest.mark.parametrize("name", ["", ".types", ".grid"])
def test_values_need_no_package_at_all(name):
    assert not loaded_after(f"import daemon.audio{name}") & {"numpy", "soundfile", "scipy"}
