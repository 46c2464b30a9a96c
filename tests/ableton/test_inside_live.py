"""What Live loads: Python 3.7 (Live 11) as well as 3.11 (Live 12), alone, without threads."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.ableton import Punchin

FOLDER = Path(Punchin.__file__).parent
FILES = sorted(FOLDER.glob("*.py"))
LIVE = {"Live", "ableton", "_Framework"}
MEETS_LIVE = {"surface.py"}
# Not there in 3.7, though the syntax would do.
NEWER = {"removeprefix", "removesuffix", "walk_packages", "Protocol", "TypedDict", "Literal",
         "Final", "cached_property", "cache", "batched", "pairwise", "is_relative_to",
         "readlink", "get_running_loop"}  # fmt: skip
NEWER_KEYWORDS = {"slots", "kw_only", "strict", "missing_ok"}
BLOCKING = {"threading", "multiprocessing", "subprocess", "asyncio", "concurrent", "select",
            "selectors", "socketserver", "http", "urllib", "signal"}  # fmt: skip


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_it_is_python_3_7(path):
    tree = ast.parse(path.read_text("utf-8"), feature_version=(3, 7))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    keywords = {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword)}
    assert not keywords & NEWER_KEYWORDS
    used |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not used & NEWER
    future = [n for n in tree.body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
    assert [alias.name for alias in future[0].names] == ["annotations"]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_nothing_newer_runs_outside_annotations(path):
    """`X | Y` and `list[int]` are fine as annotations, which 3.7 does not run, and nowhere else."""
    builtins = {"list", "dict", "tuple", "set", "frozenset", "type"}
    for node in _run(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            assert node.value.id not in builtins, f"line {node.lineno}"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            assert not isinstance(node.right, ast.Constant), f"line {node.lineno}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_it_imports_only_the_standard_library_itself_and_live(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 1
            continue
        else:
            continue
        for name in (n.split(".")[0] for n in names):
            assert name not in BLOCKING, f"{name}: nothing may block or run beside Live"
            assert name in sys.stdlib_module_names or (name in LIVE and path.name in MEETS_LIVE)


def test_live_s_own_packages_are_named_in_one_module_only():
    for path in FILES:
        text = path.read_text("utf-8")
        if path.name not in MEETS_LIVE:
            assert "import Live" not in text
            assert "_Framework" not in text


BY_HAND = """
import sys, time
import Punchin, Punchin.link, Punchin.surface, Punchin.osc
from Punchin.script import Script, Tools
from Punchin.udp import Udp

class Song(object):
    pass

Punchin.link.UDP_ANSWER_S = 90
said = []
script = Script(Tools(song=Song(), say=said.append, log=said.append, clock=time.monotonic,
                      open_udp=Udp, home=sys.argv[1]))
end = time.monotonic() + 90
while script.link.state != "udp" and time.monotonic() < end:
    script.tick()
    time.sleep(0.02)
for action in ("status", "repaint"):
    script.press(action)
    script.tick()
script.close()
print("\\n".join(said))
assert Punchin.osc.decode(Punchin.osc.encode("/a", [1, 2.0, "ü"])) == [("/a", [1, 2.0, "ü"])]
"""


@pytest.mark.parametrize("version", ["3.7", "3.11"])
def test_each_of_live_s_pythons_runs_it(tmp_path, live_house, version):
    """Alone in its folder, without site packages, as Live loads it; beside a real daemon."""
    python = shutil.which(f"python{version}")
    found = python and subprocess.run([python, "-V"], capture_output=True).returncode == 0
    if not found:
        pytest.skip(f"no Python {version} on this machine")
    shutil.copytree(FOLDER, tmp_path / "Punchin", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "by_hand.py").write_text(BY_HAND, "utf-8")
    done = subprocess.run(
        [python, "-S", "-s", "-E", "by_hand.py", str(live_house.home)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "(udp), 0 open jobs" in done.stdout
    assert "no clip is selected" in done.stdout


def _run(tree):
    """All nodes that are run: without annotations."""
    for field, value in ast.iter_fields(tree):
        if field in ("annotation", "returns"):
            continue
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, ast.AST):
                yield node
                yield from _run(node)
