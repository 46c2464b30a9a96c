"""Chooses the device, the precisions and whether parts take turns on the device.

Memory is in bytes. A checkpoint *resides* when it, the VAE and the text encoder all stay on the
device. What does not fit is tried in this order: the VAE in float16 (its output layer stays
float32), then parts that take turns (*offload*), then error 304.

Threads: the worker's main thread.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

import psutil
import torch

from bridge.protocol.errors import error
from daemon.engines.acestep.models.numbers import Weights
from daemon.engines.acestep.parts import Placement

GIB = 1 << 30
WORK = 3 * GIB // 2
"""What an edit may take beside the weights: encoded and decoded tiles, activations, graphs."""
SMALL_WORK = GIB
"""The same with the VAE in half precision and short tiles."""
_AMPERE = (8, 0)  # the first CUDA devices that compute in bfloat16
_log = logging.getLogger("punchin.acestep")
_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Wishes:
    """What the settings say: `engine.device`, `engine.precision`, `engine.budget_gb`.

    `budget_bytes` is None for all memory that is free.
    """

    device: str = "auto"
    precision: str = "auto"
    budget_bytes: int | None = None


@dataclass(frozen=True)
class Machine:
    """Free memory of each device, and which of them know bfloat16."""

    free_bytes: Mapping[str, int]
    bfloat16: frozenset[str] = frozenset()


def wishes_from(environ: Mapping[str, str]) -> Wishes:
    """Return the wishes that the control plane hands down as environment variables."""
    budget = float(environ.get("PUNCHIN_ENGINE_BUDGET_GB") or 0)
    return Wishes(
        environ.get("PUNCHIN_ENGINE_DEVICE") or "auto",
        environ.get("PUNCHIN_ENGINE_PRECISION") or "auto",
        int(budget * 1e9) or None,
    )


def machine(wish: str = "auto") -> Machine:
    """Return what this machine has now, of the devices that `wish` may mean.

    Asking a CUDA device for its free memory takes some hundred MB of it, so others are not asked.
    """
    free = {"cpu": int(psutil.virtual_memory().available)}
    knows = set()
    if torch.backends.mps.is_available():
        free["mps"] = int(torch.mps.recommended_max_memory())
    for number in range(torch.cuda.device_count()):
        name = f"cuda:{number}"
        if wish not in ("auto", "cuda", name):
            continue
        try:
            free[name] = int(torch.cuda.mem_get_info(number)[0])
        except RuntimeError as problem:  # taken by another program alone, or its driver is broken
            _log.warning("%s is not used: %s", name, str(problem).splitlines()[0])
            continue
        if torch.version.hip or torch.cuda.get_device_capability(number) >= _AMPERE:
            knows.add(name)
    return Machine(free, frozenset(knows))


def choose(wishes: Wishes, has: Machine, weights: Weights) -> Placement:
    """Return where and how a model with `weights` runs on a machine that `has` so much.

    Raises 301 for a device that is not there, 304 when not even one part at a time fits.
    """
    device = _device(wishes.device, has)
    free = has.free_bytes[device]
    budget = min(free, wishes.budget_bytes or free)
    transformer = _TYPES.get(wishes.precision) or _usual(device, device in has.bfloat16)
    vae = _TYPES.get(wishes.precision, torch.float32)
    first = Placement(torch.device(device), transformer, vae, wishes.budget_bytes)
    small = first
    if device != "cpu" and vae == torch.float32 and wishes.precision == "auto":
        small = replace(first, vae_dtype=torch.float16)
    turns = replace(small, offload=device != "cpu")
    for placement, work in ((first, WORK), (small, SMALL_WORK), (turns, SMALL_WORK)):
        if needed(placement, weights) + work <= budget:
            return placement
    raise error(
        304, f"{device} has {budget / 1e9:.1f} GB for the model and needs "
        f"{(needed(turns, weights) + SMALL_WORK) / 1e9:.1f} GB: close other programs, raise "
        "engine.budget_gb, or set engine.device to cpu"
    )  # fmt: skip


def needed(placement: Placement, weights: Weights) -> int:
    """Return the bytes of weights that are on the device at one time."""
    width, vae_width = placement.transformer_dtype.itemsize, placement.vae_dtype.itemsize
    parts = (weights.checkpoint * width, weights.text_encoder * width, weights.vae * vae_width)
    return max(parts) if placement.offload else sum(parts)


def take(placement: Placement) -> None:
    """Have this thread work on the device of `placement`; called once, before anything is loaded.

    A kernel that torch compiles at run time goes to the thread's present CUDA device, wherever its
    tensors lie. cuDNN's attention is left out: see `dit.attention.FUSED`.
    """
    if placement.device.type == "cuda":
        torch.cuda.set_device(placement.device)
        torch.backends.cuda.enable_cudnn_sdp(False)


def keep_budget(placement: Placement) -> None:
    """Make the allocator of a CUDA device refuse what goes beyond the budget, if there is one."""
    if placement.device.type == "cuda":
        total = torch.cuda.get_device_properties(placement.device).total_memory
        share = min(1.0, (placement.budget_bytes or total) / total)
        torch.cuda.set_per_process_memory_fraction(share, placement.device)


def use_cores(placement: Placement) -> None:
    """On the CPU let torch have all cores but one, which stays for audio and the control plane."""
    if placement.device.type == "cpu":
        cores = psutil.cpu_count(logical=False) or 1
        torch.set_num_threads(max(1, cores - 1))


def describe(placement: Placement) -> str:
    """Return a placement in words: `cuda:0, bfloat16, VAE float32`."""
    transformer, vae = (str(t).removeprefix("torch.") for t in
                        (placement.transformer_dtype, placement.vae_dtype))  # fmt: skip
    words = [str(placement.device), transformer]
    if vae != transformer:
        words.append(f"VAE {vae}")
    if placement.offload:
        words.append("parts take turns on the device")
    if placement.budget_bytes:
        words.append(f"at most {placement.budget_bytes / 1e9:g} GB")
    return ", ".join(words)


def _device(wish: str, has: Machine) -> str:
    """Return the device wished for; of several CUDA devices the one with the most free memory."""
    cuda = sorted((d for d in has.free_bytes if d.startswith("cuda")), key=lambda d: int(d[5:]))
    roomy = max(cuda, key=lambda d: has.free_bytes[d], default=None)
    if wish == "auto":
        return roomy or ("mps" if "mps" in has.free_bytes else "cpu")
    found = roomy if wish == "cuda" else wish
    if found is None or found not in has.free_bytes:
        there = ", ".join(has.free_bytes)
        raise error(301, f"engine.device is {wish}, which is not here: choose auto or {there}")
    return found


def _usual(device: str, bfloat16: bool) -> torch.dtype:
    if device == "cpu":
        return torch.float32
    return torch.bfloat16 if bfloat16 else torch.float16
