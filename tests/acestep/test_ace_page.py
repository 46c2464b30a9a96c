"""docs/acestep.md says what the code does: names, sizes, memory, settings, languages, commands."""

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
import torch

from bridge.cli.commands import COMMANDS
from bridge.protocol.errors import PunchinError
from daemon.cli import models, serve
from daemon.core.schema import ROW
from daemon.engines.acestep.models.catalog import PACK
from daemon.engines.acestep.models.numbers import Weights
from daemon.engines.acestep.placement import Machine, Wishes, choose
from daemon.engines.acestep.text.prompt import LANGUAGES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "acestep.md").read_text("utf-8")
# From the files' sizes: two bytes a number in the 2B checkpoint, four in XL's.
SIZES = {
    "2B": Weights(PACK["turbo"].size // 2, 595_800_000, 168_700_000),
    "XL": Weights(PACK["xl-turbo"].size // 4, 595_800_000, 168_700_000),
}


def rows(title):
    """The cells of the table below a heading."""
    part = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_model_and_its_size_is_named():
    told = {}
    for names, size, *_ in rows("Models"):
        names = re.findall(r"`([^`]+)`", names)
        sizes = [float(n) for n in re.findall(r"[\d.]+", size)]
        told |= dict(zip(names, sizes * len(names) if len(sizes) == 1 else sizes, strict=False))
    assert told.keys() == PACK.keys()
    for name, size in told.items():
        assert PACK[name].size / 1e9 == pytest.approx(size, abs=0.06), name


def chosen(model, free_gb):
    has = Machine({"cuda:0": int(free_gb * 1e9)}, frozenset({"cuda:0"}))
    try:
        return choose(Wishes("cuda"), has, SIZES[model])
    except PunchinError:
        return None


@pytest.mark.parametrize(("model", "column"), [("2B", 1), ("XL", 2)])
def test_the_memory_table_is_what_is_chosen(model, column):
    seen = set()
    for row in rows("Memory"):
        free, cell = float(re.match(r"[\d.]+", row[0])[0]), row[column]
        if "turns" in cell or "VAE" in cell:
            placement = chosen(model, free)
            kind = (placement.offload, placement.vae_dtype)
            wanted = {
                "turns": (True, torch.float16),
                "float16": (False, torch.float16),
                "float32": (False, torch.float32),
            }
            word = next(w for w in wanted if w in cell)
            assert kind == wanted[word], row
            less = chosen(model, free - 0.2)
            assert less is None or (less.offload, less.vae_dtype) != kind, row
            seen.add(word)
    assert seen == {"turns", "float16", "float32"}


def test_settings_and_languages_exist():
    named = re.findall(r"`(\w+) = ", "\n".join(" ".join(r) for r in rows("Settings")))
    assert {f"engine.{key}" for key in named} <= ROW.keys()
    assert {"models.folder", "models.mirror", "models.offline"} <= set(
        re.findall(r"`(models\.\w+)", PAGE)
    )
    told = re.search(r"`--language` is one of `([^`]+)`", PAGE)[1].split()
    assert set(told) == set(LANGUAGES) - {"unknown"}


def test_links_lead_somewhere():
    for name in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / name).is_file(), name
    headings = {h.lower().replace(" ", "-") for h in re.findall(r"^## (.+)$", PAGE, re.MULTILINE)}
    for name in re.findall(r"\]\(#([^)]+)\)", PAGE):
        assert name in headings, name


COMMANDS_OF_PAGE = [
    line.split("#")[0].split()[1:]
    for line in PAGE.replace("…", "").splitlines()
    if line.strip().startswith("punchin ")
]


@pytest.mark.parametrize("words", COMMANDS_OF_PAGE, ids=" ".join)
def test_commands_are_understood(words):
    """Whatever the page tells to type, the command line takes."""
    typed = shlex.split(" ".join(words).replace("$HOME", "/home"))
    if typed[0] == "serve":
        serve._parser().parse_args(typed[1:])
    elif typed[0] == "models":
        typed = [w for w in typed if w not in ("NAME", "[NAME", "]", "[NAME]")]
        models._parser().parse_args([*typed[1:], *["turbo"] * (typed[1] == "pull")])
    elif typed[0] == "doctor":
        assert typed == ["doctor"]
    else:
        build = import_module(f"bridge.cli.{COMMANDS[typed[0]].module}").build
        build(typed[0]).parse_args(typed[1:])
    assert len(COMMANDS_OF_PAGE) > 10
