"""The typed methods and the key table say the same."""

from __future__ import annotations

import inspect
from typing import Literal, get_args, get_origin, get_type_hints

import pytest

from bridge import Client
from bridge.client import keys as typed
from bridge.protocol.ops import KEY, KEYS, OPS

COMMON = {"self", "source", "id", "on_progress"}
NUMBERS = {"i": int, "h": int, "f": float, "d": float}


@pytest.mark.parametrize("op", [op.name for op in OPS])
def test_a_method_takes_the_keys_that_its_op_uses(op):
    method = inspect.signature(getattr(Client, op))
    assert set(method.parameters) - COMMON == {k.name for k in KEYS if op in k.ops}
    assert ("source" in method.parameters) == (op != "generate")


def test_set_takes_every_key():
    assert set(get_type_hints(typed.AnyKeys)) == set(KEY)


@pytest.mark.parametrize("name", sorted(KEY))
def test_a_key_is_typed_as_its_kind(name):
    hint, kind = get_type_hints(typed.AnyKeys)[name], KEY[name].kind
    if kind.osc in NUMBERS:
        assert hint is NUMBERS[kind.osc]
    elif kind.choices and get_origin(hint) is Literal:
        assert get_args(hint) == kind.choices
    else:
        assert str in (hint, *get_args(hint))


def test_the_typed_stem_names_are_the_table_s():
    assert get_args(typed.Stem) == KEY["stems"].kind.choices
