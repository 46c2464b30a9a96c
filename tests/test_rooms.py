"""Who may import whom: the rooms of the house and their doors, read from the imports themselves."""

import ast
import graphlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MOST_LINES = 300
HEAVY = ("torch", "torchaudio", "scipy", "soxr", "pyloudnorm", "matplotlib", "diffusers",
         "transformers", "peft", "safetensors", "demucs")  # fmt: skip
AUDIO = ("numpy", "scipy", "soundfile", "soxr", "pyloudnorm")
CORE = ("bridge", "daemon.core", "daemon.audio.rescue", "daemon.audio.types", "daemon.audio.grid",
        "daemon.disk", "daemon.player.transport", "daemon.player.destinations")  # fmt: skip
# Two processes share a room: the supervisor's side of the channel, and the engine's.
CONTROL_SIDE = ("daemon.worker.channel", "daemon.worker.process", "daemon.worker.supervisor",
                "daemon.worker.survey")  # fmt: skip
WORKER_SIDE = ("daemon.worker.__main__", "daemon.worker.host", "daemon.worker.port",
               "daemon.worker.perform", "daemon.worker.clip", "daemon.worker.fit",
               "daemon.worker.tempo", "daemon.worker.sureness", "daemon.worker.asking",
               "daemon.worker.ahead")  # fmt: skip
# A room and what its modules may import besides the standard library. The longest name that fits a
# module is its room; `pkg` allows the package and all below it.
ROOMS = {
    "bridge.protocol": ("bridge.protocol", "pythonosc"),
    "bridge": ("bridge", "pythonosc", "mido", "rtmidi", "rich", "shtab", "platformdirs"),
    # Runs inside Live, alone: its modules name each other relatively.
    "bridge.ableton.Punchin": ("bridge.ableton.Punchin", "Live"),
    "daemon": (),
    "daemon.app": ("bridge", "daemon.core", "daemon.frontends", "daemon.sinks", "daemon.worker",
                   "daemon.audio.local", "daemon.home", "daemon.player.process"),
    "daemon.tensors": ("bridge.protocol",),
    "daemon.loras": ("bridge.protocol", "daemon.tensors"),
    "daemon.home": ("bridge", "daemon.core.durable", "filelock"),
    "daemon.core": (*CORE, "psutil", "platformdirs"),
    "daemon.frontends": ("bridge", "daemon.core", "daemon.frontends"),
    "daemon.sinks": ("bridge", "daemon.core", "daemon.audio", "daemon.disk", "daemon.sinks",
                     "numpy", "sounddevice"),
    "daemon.worker": (*CORE, *CONTROL_SIDE, "daemon.engines.registry", "psutil"),
    **dict.fromkeys(WORKER_SIDE, ("bridge.protocol", "daemon.core.planner", *WORKER_SIDE,
                                  "daemon.worker.channel", "daemon.engines.registry",
                                  "daemon.engines.base", "daemon.audio", "numpy")),
    "daemon.player": ("bridge.protocol", "daemon.player", "daemon.audio", "daemon.worker.channel",
                      "numpy", "soxr", "sounddevice", "jack", "link"),
    # The control plane's side of it, and what both sides share.
    "daemon.player.process": ("bridge.protocol", "daemon.worker.channel"),
    "daemon.player.transport": (),
    "daemon.player.destinations": (),
    "daemon.engines": ("bridge.protocol", "daemon.engines.base", "daemon.audio", "numpy"),
    "daemon.engines.sketch": ("bridge.protocol", "bridge.resources", "bridge.places",
                              "daemon.engines.base", "daemon.engines.sketch", "daemon.audio",
                              "mido", *AUDIO),
    # It listens as the embedded engine does where nobody told tempo, bars or key.
    "daemon.engines.acestep": ("bridge.protocol", "bridge.places", "daemon.engines.base",
                               "daemon.engines.acestep", "daemon.engines.sketch.listen",
                               "daemon.audio", "daemon.disk", "daemon.loras", "daemon.tensors",
                               "torch", "torchaudio", "diffusers",
                               "transformers", "tokenizers", "safetensors", "peft",
                               "huggingface_hub", "demucs", "yaml", "psutil", "rich",
                               "filelock", *AUDIO),
    "daemon.audio": ("bridge.protocol", "daemon.audio", "daemon.disk", "daemon.loras", *AUDIO),
    "daemon.audio.stretch": ("daemon.audio.stretch", "python_stretch", *AUDIO),
    "daemon.cli": ("bridge", "daemon", "rich", "psutil", *AUDIO),
    "daemon.demo": ("bridge", "daemon.audio", "daemon.demo", "matplotlib", "rich", *AUDIO),
}  # fmt: skip


def _modules():
    for folder in ("bridge", "daemon"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = list(path.relative_to(ROOT).with_suffix("").parts)
            yield ".".join(p for p in parts if p != "__init__"), path


MODULES = dict(_modules())


def _room(module):
    return max((r for r in ROOMS if _below(module, r)), key=len)


def _below(module, package):
    return module == package or module.startswith(f"{package}.")


def _type_checking(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _nodes(tree):
    """All nodes but those that only a type checker sees."""
    for node in ast.iter_child_nodes(tree):
        if not _type_checking(node):
            yield node
            yield from _nodes(node)


LONE = ROOT / "bridge" / "ableton" / "Punchin"


def _imports(path):
    """Every module that a file imports, at its top or in a function."""
    for node in _nodes(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= (path.parent == LONE), f"{path}: relative import"
            module = ".".join(filter(None, ["bridge.ableton.Punchin"] * node.level + [node.module]))
            for alias in node.names:
                whole = f"{module}.{alias.name}"
                yield whole if whole in MODULES else module


def _strangers(module, allowed):
    for name in _imports(MODULES[module]):
        own = name.split(".")[0]
        if own in sys.stdlib_module_names:
            continue
        if not any(_below(name, door) or name == door for door in allowed):
            yield name


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_only_what_its_room_may(module):
    found = sorted(set(_strangers(module, ROOMS[_room(module)])))
    assert not found, f"{module} (room {_room(module)}) imports {', '.join(found)}"


def test_no_two_files_need_each_other():
    graphlib.TopologicalSorter(
        {module: set(_imports(path)) & MODULES.keys() for module, path in MODULES.items()}
    ).prepare()


def test_only_the_command_line_imports_the_composition_root():
    for module, path in MODULES.items():
        if module != "daemon.app" and not _below(module, "daemon.cli"):
            assert "daemon.app" not in _imports(path), module


def test_only_the_entry_finds_the_daemon_from_the_bridge():
    """By name at run time, so that client commands never load it."""
    for module, path in MODULES.items():
        if _below(module, "bridge") and module != "bridge.entry":
            assert not re.search(r'import_module\(f?"daemon', path.read_text("utf-8")), module


def _loaded(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout.split()


def test_the_model_engine_is_named_without_loading_what_it_runs_on():
    loaded = _loaded("import daemon.engines.acestep")
    assert [m for m in loaded if m.split(".")[0] in HEAVY] == []


@pytest.mark.parametrize("statement", ["import daemon.app", "import daemon.cli.serve"])
def test_the_control_plane_loads_nothing_heavy(statement):
    loaded = _loaded(statement)
    assert "daemon.app" in loaded
    heavy = [m for m in loaded if m.split(".")[0] in HEAVY]
    assert heavy == []
    assert [m for m in loaded if _below(m, "daemon.engines.sketch")] == []


def test_a_client_command_loads_neither_numpy_nor_the_daemon():
    loaded = _loaded("import bridge.cli.main, bridge.entry, bridge")
    assert [m for m in loaded if m.split(".")[0] in (*HEAVY, "numpy", "daemon", "soundfile")] == []


def test_asking_what_the_built_in_engine_can_do_is_cheap():
    loaded = _loaded("from daemon.engines.registry import make; make('sketch').capabilities()")
    assert [m for m in loaded if m.split(".")[0] in HEAVY] == []


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_file_is_short_and_says_what_it_is(module):
    text = MODULES[module].read_text("utf-8")
    assert text.count("\n") <= MOST_LINES
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "no module docstring"


MACHINE_PATHS = re.compile(r"(?<![\w.~}])/(?:work|root|home/\w+|Users/\w+|tmp)/")


def test_no_machine_path_is_written_down():
    here = Path(__file__).resolve()
    for pattern in ("*.py", "*.md", "*.toml", "*.txt", "*.lua", "Makefile", ".ci/run"):
        for path in ROOT.rglob(pattern):
            hidden = [p for p in path.relative_to(ROOT).parts if p.startswith(".") and p != ".ci"]
            if hidden or path.resolve() == here or "dist" in path.parts or "build" in path.parts:
                continue
            if _below(".".join(path.relative_to(ROOT).parts), "tests"):
                continue  # tests name paths that must not exist
            found = MACHINE_PATHS.search(path.read_text("utf-8", "replace"))
            assert not found, f"{path.relative_to(ROOT)}: {found and found[0]}"
