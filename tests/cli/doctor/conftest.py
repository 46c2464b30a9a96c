"""The doctor looks at folders of the test's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUNCHIN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PUNCHIN_CONFIG", str(tmp_path / "config"))
    for name in [n for n in os.environ if n.startswith("PUNCHIN_SERVER")]:
        monkeypatch.delenv(name)
