"""Where a model runs, in which numbers, and what is loaded beside what: from told facts alone."""

import pytest
import torch

from bridge.protocol.errors import PunchinError
from daemon.engines.acestep import placement as placing
from daemon.engines.acestep.loading import load_checkpoint
from daemon.engines.acestep.models import folders
from daemon.engines.acestep.models.numbers import Weights, numbers_in
from daemon.engines.acestep.parts import Placement
from daemon.engines.acestep.placement import GIB, Machine, Wishes, choose
from daemon.engines.acestep.residence import Residence, on_device

# Numbers in a checkpoint of two billion weights, its text encoder and the VAE.
TWO_B = Weights(2_394_000_000, 596_000_000, 168_700_000)


def gpu(free_gb, bfloat16=True, **others):
    free = {"cpu": 32 * GIB, "cuda:0": int(free_gb * 1e9), **others}
    return Machine(free, frozenset({"cuda:0"}) if bfloat16 else frozenset())


@pytest.mark.parametrize(
    ("has", "device", "transformer", "vae", "offload"),
    [
        (Machine({"cpu": 32 * GIB}), "cpu", torch.float32, torch.float32, False),
        (gpu(24), "cuda:0", torch.bfloat16, torch.float32, False),
        (gpu(24, bfloat16=False), "cuda:0", torch.float16, torch.float32, False),
        (gpu(7.5), "cuda:0", torch.bfloat16, torch.float16, False),
        (gpu(6.1), "cuda:0", torch.bfloat16, torch.float16, True),
        (Machine({"cpu": 16 * GIB, "mps": 16 * GIB}), "mps", torch.float16, torch.float32, False),
    ],
)
def test_what_auto_chooses(has, device, transformer, vae, offload):
    chosen = choose(Wishes(), has, TWO_B)
    assert str(chosen.device) == device
    assert (chosen.transformer_dtype, chosen.vae_dtype) == (transformer, vae)
    assert chosen.offload is offload


def test_a_budget_counts_like_less_memory():
    assert choose(Wishes(budget_bytes=int(6.1e9)), gpu(140), TWO_B).offload
    assert choose(Wishes(budget_bytes=int(20e9)), gpu(6.1), TWO_B).offload
    assert not choose(Wishes(budget_bytes=int(20e9)), gpu(140), TWO_B).offload


def test_the_roomiest_of_several_devices_unless_one_is_named():
    has = gpu(10, **{"cuda:1": int(20e9), "cuda:10": int(15e9)})
    assert str(choose(Wishes(), has, TWO_B).device) == "cuda:1"
    assert str(choose(Wishes("cuda"), has, TWO_B).device) == "cuda:1"
    assert str(choose(Wishes("cuda:10"), has, TWO_B).device) == "cuda:10"
    assert str(choose(Wishes("cpu"), has, TWO_B).device) == "cpu"


def test_a_precision_that_is_asked_for_holds_for_all():
    chosen = choose(Wishes(precision="bfloat16"), gpu(24), TWO_B)
    assert (chosen.transformer_dtype, chosen.vae_dtype) == (torch.bfloat16, torch.bfloat16)
    chosen = choose(Wishes(precision="float32"), gpu(24), TWO_B)
    assert (chosen.transformer_dtype, chosen.vae_dtype) == (torch.float32, torch.float32)


@pytest.mark.parametrize(
    ("wishes", "has", "code", "told"),
    [
        (Wishes("mps"), gpu(24), 301, "cuda:0"),
        (Wishes("cuda"), Machine({"cpu": GIB}), 301, "choose auto or cpu"),
        (Wishes("cuda:3"), gpu(24), 301, "cuda:3"),
        (Wishes(), gpu(4), 304, "4.0 GB"),
        (Wishes("cpu"), Machine({"cpu": 4 * GIB}), 304, "close other programs"),
    ],
)
def test_what_can_not_be(wishes, has, code, told):
    with pytest.raises(PunchinError) as caught:
        choose(wishes, has, TWO_B)
    assert caught.value.code == code
    assert told in caught.value.message


def test_wishes_come_from_the_control_plane():
    environ = {
        "PUNCHIN_ENGINE_DEVICE": "cuda:1",
        "PUNCHIN_ENGINE_PRECISION": "float16",
        "PUNCHIN_ENGINE_BUDGET_GB": "10.5",
    }
    assert placing.wishes_from(environ) == Wishes("cuda:1", "float16", 10_500_000_000)
    assert placing.wishes_from({"PUNCHIN_ENGINE_BUDGET_GB": "0.0"}) == Wishes()


def test_a_placement_in_words():
    words = placing.describe(choose(Wishes(budget_bytes=int(6.1e9)), gpu(24), TWO_B))
    assert words == (
        "cuda:0, bfloat16, VAE float16, parts take turns on the device, at most 6.1 GB"
    )


def test_this_machine_is_seen(monkeypatch):
    here = placing.machine()
    assert here.free_bytes["cpu"] > 0
    others = torch.cuda.device_count() + torch.backends.mps.is_available()
    assert len(here.free_bytes) == 1 + others


@pytest.mark.parametrize(
    ("wish", "asked"),
    [("auto", [0, 1]), ("cuda", [0, 1]), ("cuda:1", [1]), ("cuda:0", [0]), ("cpu", [])],
)
def test_only_devices_that_may_be_meant_are_asked(monkeypatch, wish, asked):
    seen = []

    def free(number):
        seen.append(number)
        return 10**10 * (number + 1), 10**11

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "mem_get_info", free)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda number: (7 + number, 5))
    here = placing.machine(wish)
    assert seen == asked
    assert {d: b for d, b in here.free_bytes.items() if d.startswith("cuda")} == {
        f"cuda:{number}": 10**10 * (number + 1) for number in asked
    }
    assert here.bfloat16 == ({"cuda:1"} if 1 in asked else set())


# -- what is loaded beside what ------------------------------------------------------------------


def test_numbers_are_counted_from_the_headers(tiny_turbo, original_turbo, cpu):
    found = folders.recognise(tiny_turbo)
    made = load_checkpoint(found, cpu)
    parts = (made.transformer, made.condition_encoder, made.audio_tokenizer, made.audio_detokenizer)
    held = sum(t.numel() for part in parts for t in part.state_dict().values())
    assert numbers_in(found).checkpoint == held
    silence = made.condition_encoder.silence_latent.numel()
    published = numbers_in(folders.recognise(original_turbo))
    assert published.checkpoint == held - silence
    assert published.text_encoder == numbers_in(found).text_encoder > 0
    assert published.vae == numbers_in(found).vae > 0


class Shelf:
    """Two checkpoints of one gigabyte each, which are their own names."""

    def __init__(self, room_gb):
        self.log = []
        self.residence = Residence(
            self._load, lambda found: GIB, room_gb and int(room_gb * GIB), self._leave
        )

    def _load(self, found):
        self.log.append(f"+{found.name}")
        return found.name

    def _leave(self, name):
        self.log.append(f"-{name}")

    def use(self, names, tiny):
        from dataclasses import replace

        return [self.residence.get(replace(tiny, name=name)) for name in names]


@pytest.mark.parametrize(
    ("room_gb", "log"),
    [
        (None, ["+turbo", "+base"]),
        (2, ["+turbo", "+base"]),
        (1.5, ["+turbo", "-turbo", "+base", "-base", "+turbo", "-turbo", "+base"]),
        (0.5, ["+turbo", "-turbo", "+base", "-base", "+turbo", "-turbo", "+base"]),
    ],
)
def test_a_second_checkpoint_stays_beside_or_replaces(room_gb, log, tiny_turbo):
    shelf = Shelf(room_gb)
    assert shelf.use(["turbo", "base", "turbo", "base"], folders.recognise(tiny_turbo)) == [
        "turbo", "base", "turbo", "base",
    ]  # fmt: skip
    assert shelf.log == log


def test_the_one_not_used_for_longest_leaves(tiny_turbo):
    shelf = Shelf(2)
    shelf.use(["turbo", "base", "turbo", "sft"], folders.recognise(tiny_turbo))
    assert shelf.log == ["+turbo", "+base", "-base", "+sft"]
    assert shelf.residence.loaded() == ("turbo", "sft")


def test_when_a_load_runs_out_of_memory_the_others_leave_and_it_is_tried_once_more(tiny_turbo):
    found = folders.recognise(tiny_turbo)
    tried = []

    def load(one):
        tried.append(one)
        if len(tried) == 1:
            raise torch.OutOfMemoryError("full")
        return "loaded"

    assert Residence(load, lambda one: 1, None).get(found) == "loaded"
    assert len(tried) == 2


def test_what_never_fits_is_304(tiny_turbo):
    def load(one):
        raise torch.OutOfMemoryError("full")

    with pytest.raises(PunchinError, match="does not fit") as caught:
        Residence(load, lambda one: 1, None).get(folders.recognise(tiny_turbo))
    assert caught.value.code == 304


def test_parts_that_take_turns_come_back_as_they_were():
    module = torch.nn.Linear(3, 2).double()
    before = module.weight.data_ptr()
    turns = Placement(torch.device("meta"), torch.float32, torch.float32, offload=True)
    with on_device(turns, module, None):
        assert module.weight.device.type == "meta"
    assert module.weight.data_ptr() == before
    resident = Placement(torch.device("meta"), torch.float32, torch.float32)
    with on_device(resident, module):
        assert module.weight.data_ptr() == before
