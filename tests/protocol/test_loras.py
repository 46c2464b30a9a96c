"""The key `lora`: rows of paths and scales."""

import pytest

from bridge.protocol.errors import PunchinError
from bridge.protocol.kinds import LORA_PATH
from bridge.protocol.loras import join, parse
from bridge.protocol.ops import KEY

CONVERT = KEY["lora"].kind.convert


@pytest.mark.parametrize(
    ("told", "loras"),
    [
        ("/a.safetensors", {"/a.safetensors": 1.0}),
        ("/a.safetensors=0.5", {"/a.safetensors": 0.5}),
        (" /a b/c = 0.25 |/d=2", {"/a b/c": 0.25, "/d": 2.0}),
        ("/x=y=1e-1", {"/x=y": 0.1}),
        ("/x=y", {"/x=y": 1.0}),
        (r"C:\loras\a.safetensors=.5", {r"C:\loras\a.safetensors": 0.5}),
        ("/a=1|/b=1|/a=0.5", {"/a": 0.5, "/b": 1.0}),
        ("none", {}),
    ],
)
def test_rows(told, loras):
    row = CONVERT(told)
    assert parse(row) == loras
    assert CONVERT(row) == row
    assert join(loras) == row


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ("a.safetensors=1", 101),
        ("", 101),
        ("/a=1||/b=1", 101),
        ("=1", 101),
        (3, 101),
        ("/a=4.1", 103),
        ("/a=-0.1", 103),
        ("|".join(f"/{n}=1" for n in range(9)), 103),
    ],
)
def test_what_is_no_row(told, code):
    with pytest.raises(PunchinError) as caught:
        CONVERT(told)
    assert caught.value.code == code


@pytest.mark.parametrize("told", ["", "a", "/a|/b", 3])
def test_what_is_no_path_of_one(told):
    with pytest.raises(PunchinError):
        LORA_PATH.convert(told)
