"""The reference page `docs/osc.md`: fixed prose from `reference.md`, every table from the rows.

A line `<!-- table: NAME -->` in the template is replaced by the table of that name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bridge.protocol.check import signature
from bridge.protocol.commands import COMMANDS, DEFAULT_PORT, EVENTS, PROTOCOL, Arg, Command
from bridge.protocol.errors import ERRORS
from bridge.protocol.kinds import ID_RULE, SEED_MAX, TEXT_BYTES, Kind
from bridge.protocol.ops import DAEMON_KEYS, FORMATS, KEYS, OPS, SINKS, STEMS
from bridge.protocol.packets import DATAGRAM, FRAME

TEMPLATE = Path(__file__).with_name("reference.md")
_MARK = re.compile(r"^<!-- table: (.+) -->$", re.MULTILINE)
_FACT = re.compile(r"\{\{(\w+)\}\}")


def reference() -> str:
    """Return the whole page as Markdown."""
    page = _MARK.sub(lambda m: _table(m[1]), TEMPLATE.read_text("utf-8"))
    return _FACT.sub(lambda m: _FACTS[m[1]], page)


def tables_named(template: str) -> list[str]:
    """Return the tables that a template asks for, in order."""
    return _MARK.findall(template)


# -- cells ---------------------------------------------------------------------------------------


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; a bar in a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(c) for c in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ") or "–"


def _is_form(kind: Kind) -> bool:
    """Whether a kind is told apart by its form, and not by a range or a list of words."""
    return kind.osc == "s" and not kind.choices


def _kind(kind: Kind) -> str:
    """Say in one phrase what a kind accepts: `f, share, 0 … 1`."""
    words = [kind.name] if _is_form(kind) else [kind.unit, kind.range]
    return ", ".join(w for w in (f"`{kind.osc}`", *words) if w)


def _arguments(args: Sequence[Arg], keys: bool = False) -> str:
    lines = [f"`{a.name}`{' (optional)' if a.optional else ''} {_kind(a.kind)}" for a in args]
    if keys:
        lines.append("then any number of `key` `value` pairs")
    return "<br>".join(lines)


def _does(row: Command) -> str:
    notes = [row.summary]
    if row.clears:
        notes.append("one empty string clears it")
    if not row.available:
        notes.append("this version answers 301")
    return "; ".join(notes)


# -- tables --------------------------------------------------------------------------------------


def _commands(section: str) -> str:
    rows = (
        [f"`{c.address}`", _arguments(c.args, c.keys), f"`{c.reply}`" if c.reply else "", _does(c)]
        for c in COMMANDS
        if c.section == section
    )
    return grid(["address", "arguments", "reply", "does"], rows)


def _ops() -> str:
    rows = (
        [f"`{op.name}`", op.does, ", ".join(map(_need, op.needs)), ", ".join(_keys_of(op.name))]
        for op in OPS
    )
    return grid(["op", "does", "needs", "keys of its own"], rows)


def _need(need: str) -> str:
    return " or ".join(f"`{word}`" for word in need.split("|"))


def _keys_of(op: str) -> list[str]:
    """Keys that only a few ops use and this one does."""
    return [f"`{key.name}`" for key in KEYS if op in key.ops and len(key.ops) <= 3]


def _keys() -> str:
    rows = (
        [f"`{key.name}`", _kind(key.kind), key.meaning, _used_by(key.ops), _reader(key.name)]
        for key in KEYS
    )
    return grid(["key", "value", "meaning", "used by", "read by"], rows)


def _used_by(ops: frozenset[str]) -> str:
    others = [op.name for op in OPS if op.name not in ops]
    if not others:
        return "every op"
    if len(others) <= 3:
        return "all but " + ", ".join(others)
    return ", ".join(op.name for op in OPS if op.name in ops)


def _reader(key: str) -> str:
    return "daemon" if key in DAEMON_KEYS else "engine"


def _events() -> str:
    rows = ([f"`{e.address}`", _arguments(e.args), e.summary] for e in EVENTS)
    return grid(["address", "arguments", "says"], rows)


def _errors() -> str:
    return grid(["code", "name", "when"], ([str(e.code), e.name, e.meaning] for e in ERRORS))


def _forms() -> str:
    """List the kinds of text that the other tables only name."""
    args = [arg for row in COMMANDS for arg in row.args] + [a for e in EVENTS for a in e.args]
    kinds = (*(arg.kind for arg in args), *(key.kind for key in KEYS))
    forms = {kind.name: kind for kind in kinds if _is_form(kind)}
    return grid(["kind", "form"], ([name, kind.range] for name, kind in sorted(forms.items())))


def _index() -> str:
    rows = ([f"`{c.address}`", f"`{signature(c)}`", c.section] for c in COMMANDS)
    return grid(["address", "arguments", "section"], rows)


_TABLES: dict[str, Callable[[], str]] = {
    **{
        f"commands {section}": lambda section=section: _commands(section)  # type: ignore[misc]
        for section in dict.fromkeys(row.section for row in COMMANDS)
    },
    "ops": _ops,
    "keys": _keys,
    "events": _events,
    "errors": _errors,
    "forms": _forms,
    "index": _index,
}


def _table(name: str) -> str:
    return _TABLES[name]()


_FACTS = {
    "port": str(DEFAULT_PORT),
    "protocol": str(PROTOCOL),
    "datagram": f"{DATAGRAM:,}",
    "frame": f"{FRAME:,}",
    "text_bytes": f"{TEXT_BYTES:,}",
    "seed_max": f"{SEED_MAX:,}",
    "id_rule": ID_RULE,
    "stems": ", ".join(f"`{s}`" for s in STEMS),
    "formats": ", ".join(f"`{f}`" for f in FORMATS),
    "sinks": ", ".join(f"`{s}`" for s in SINKS),
}
