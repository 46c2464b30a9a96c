"""`/punchin/lora` tells at once of a file that is none."""

from pathlib import Path

import pytest
from wire_house import write_lora

HALVES = ("layers.0.to_q.lora_A.weight", "layers.0.to_q.lora_B.weight")


@pytest.fixture
def bad(tmp_path, request):
    """A path at which there is no LoRA, in one of many ways."""
    path = tmp_path / "voice.safetensors"
    if request.param == "text":
        path.write_text("this is no LoRA, it only has its name")
    elif request.param == "empty":
        path.write_bytes(b"")
    elif request.param == "cut off":
        path.write_bytes(Path(write_lora(path)).read_bytes()[:-1])
    elif request.param == "folder":
        path.mkdir()
    elif request.param != "missing":
        write_lora(path, {"a model": ("vae.conv.weight",), "half": HALVES[:1]}[request.param])
    return str(path)


@pytest.mark.parametrize(
    "bad", ["missing", "folder", "text", "empty", "cut off", "a model", "half"], indirect=True
)
def test_what_is_none_is_told_and_is_not_used(tcp, tmp_path, bad):
    good = write_lora(tmp_path / "good.safetensors")
    tcp.send("/punchin/lora", good, 0.5)
    code, name, address, message = tcp.error("/punchin/lora", bad, 0.5)
    assert (code, name, address) == (303, "model-invalid", "/punchin/lora")
    assert bad in message
    assert tcp.ask("context")["lora"] == f"{good}=0.5"


def test_a_file_and_a_folder_of_one_are_taken_and_one_that_is_gone_can_be_taken_off(tcp, tmp_path):
    inside = tmp_path / "voice"
    inside.mkdir()
    file = write_lora(inside / "adapter_model.safetensors")
    tcp.send("/punchin/lora", str(inside))
    tcp.send("/punchin/lora", file, 0.5)
    assert tcp.quiet() == []
    (inside / "adapter_model.safetensors").unlink()
    tcp.send("/punchin/lora", file, 0.0)
    assert tcp.quiet() == []
    assert tcp.ask("context")["lora"] == f"{inside}=1"
