"""`/punchin/lora` in the context: several at once, each on its own message."""

import pytest

from bridge.protocol.errors import PunchinError
from daemon.core.context import Context


def told(*messages):
    context = Context()
    for path, scale in messages:
        context.apply("lora", {"path": path, **({} if scale is None else {"scale": scale})})
    return context


def lora_of(context):
    return context.snapshot().for_source(False).get("lora")


def test_each_message_is_about_one_of_them():
    assert lora_of(told(("/a", 0.5), ("/b", None))) == "/a=0.5 | /b=1"
    assert lora_of(told(("/a", 0.5), ("/b", None), ("/a", 0.25))) == "/b=1 | /a=0.25"


def test_zero_takes_one_off_and_clear_all():
    assert lora_of(told(("/a", 0.5), ("/b", 1.0), ("/a", 0.0))) == "/b=1"
    assert lora_of(told(("/a", 0.5), ("/a", 0.0))) is None
    context = told(("/a", 0.5), ("/b", 1.0))
    context.clear("lora")
    assert lora_of(context) is None


def test_it_wins_over_an_earlier_default_and_is_told():
    context = Context()
    context.set_defaults({"lora": "/old=1"})
    context.apply("lora", {"path": "/a", "scale": 0.5})
    assert context.snapshot().defaults == {}
    assert context.as_dict(None)["lora"] == "/a=0.5"


def test_no_more_are_taken_than_can_be_in_use():
    context = told(*((f"/{n}", 0.5) for n in range(8)))
    with pytest.raises(PunchinError, match="at most 8"):
        context.apply("lora", {"path": "/more", "scale": 1.0})
    context.apply("lora", {"path": "/7", "scale": 1.0})
    assert lora_of(context).count("|") == 7


def test_one_that_is_none_leaves_and_the_others_stay():
    context = told(("/a", 0.5), ("/b", 1.0))
    context.drop_lora("/b")
    context.drop_lora("/nobody")
    assert lora_of(context) == "/a=0.5"
