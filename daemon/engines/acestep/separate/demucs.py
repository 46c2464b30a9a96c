"""Stems by Demucs: its models, loaded from a folder without running code from it, and their use.

The folder holds `<name>.yaml` (which models make up the bag, with what weights) and a safetensors
file for each, as published on the Hugging Face hub. Only Hybrid Transformer Demucs is taken.

The stems sum to the clip: `other` is what the rest leaves of it. Samples are float32 `(frames, 2)`
at the clip's own rate, whatever the model's; a clip is read and its stems leave in blocks, so that
a long one is never held whole. No shift is drawn at random: the same clip gives the same stems.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bridge.protocol.errors import error
from daemon.audio import resample
from daemon.audio.clips import Samples, as_reader

Check = Callable[[], None]
REST = "other"
_PROTOCOL_NAMES = {"piano": "keyboard"}
_CLASS = "demucs.htdemucs.HTDemucs"
_OVERLAP = 0.25
"""Share of a segment that it has in common with the next one: what Demucs itself uses."""


@dataclass(frozen=True, eq=False)
class Demucs:
    """A bag of models. `weights` `(models, sources)`: whose word counts how much; columns sum to 1.

    `sources` are stem names of the protocol in the order of the models' outputs; `segment` is how
    many frames at `rate` a model takes at once.
    """

    name: str
    models: tuple[Any, ...]
    weights: torch.Tensor
    sources: tuple[str, ...]
    rate: int
    segment: int
    device: torch.device

    def __post_init__(self) -> None:
        assert self.weights.shape == (len(self.models), len(self.sources)), self.weights.shape


def available() -> bool:
    """Return whether the package is there."""
    return importlib.util.find_spec("demucs") is not None


def load(folder: Path, device: torch.device) -> Demucs:
    """Read a bag of models. Raises 300 without the package, 303 for what is no such folder."""
    if not available():
        raise error(300, "stems need the package demucs: run pip install 'punchin[stems]'")
    bags = sorted(folder.glob("*.yaml"))
    if len(bags) != 1:
        raise error(303, f"{folder} is no Demucs model: pull one with punchin models pull htdemucs")
    bag = _bag(bags[0])
    models = [_model(folder / f"{name}.safetensors", device) for name in bag["models"]]
    first = models[0]
    if any((m.sources, m.samplerate) != (first.sources, first.samplerate) for m in models):
        raise error(303, f"the models of {bags[0]} do not belong together: pull them again")
    segment = min([m.segment for m in models] + [bag["segment"]] * bool(bag["segment"]))
    for model in models:
        model.segment = segment
    return Demucs(
        name=bags[0].stem,
        models=tuple(models),
        weights=_weights(bag["weights"], len(models), len(first.sources), bags[0]).to(device),
        sources=tuple(_PROTOCOL_NAMES.get(name, name) for name in first.sources),
        rate=first.samplerate,
        segment=int(segment * first.samplerate),
        device=device,
    )


def split(
    demucs: Demucs, clip: Samples, rate: int, check: Check, progress: Callable[[float], None]
) -> Iterator[dict[str, np.ndarray]]:
    """Yield the stems of `clip` block by block, by name; in each block they sum to the clip.

    `progress` is told 0…1. `check` is called before every layer of a model and may raise.
    """
    frames = len(clip)
    at_model = round(frames * demucs.rate / rate)
    level = _level(clip, rate)
    found = np.zeros((0, 2 * len(demucs.sources)), np.float32)
    begin = done = 0
    for block in _estimates(demucs, clip, rate, at_model, level, check):
        found = np.concatenate([found, block])
        known = begin + len(found)
        progress(known / max(1, at_model))
        end = frames if known >= at_model else _ready(known, done, demucs.rate, rate)
        if end <= done:
            continue
        sound = resample.cut(found, begin, demucs.rate, rate, done, end)
        yield _named(demucs, sound, clip[done:end])
        keep = max(0, resample.needed(demucs.rate, rate, end, end)[0] - begin)
        found, begin, done = found[keep:], begin + keep, end


def _named(demucs: Demucs, sound: np.ndarray, clip: np.ndarray) -> dict[str, np.ndarray]:
    """Part `(frames, 2 × sources)` into stems; what is missing from the clip goes to `other`."""
    stems = {
        name: np.ascontiguousarray(sound[:, 2 * i : 2 * i + 2])
        for i, name in enumerate(demucs.sources)
        if name != REST
    }
    return {**stems, REST: clip - np.sum(list(stems.values()), axis=0, dtype=np.float32)}


def _ready(known: int, done: int, rate_in: int, rate_out: int) -> int:
    """Return up to which frame at `rate_out` the first `known` ones at `rate_in` suffice."""
    end = resample.at_or_before(known, rate_in, rate_out)
    while end > done and resample.needed(rate_in, rate_out, done, end)[1] > known:
        end -= 1 + (resample.needed(rate_in, rate_out, done, end)[1] - known) * rate_out // rate_in
    return end


def _level(clip: Samples, rate: int) -> float:
    """Return the standard deviation of the clip's mono sum; 1 for silence."""
    total = square = 0.0
    for block in as_reader(clip, rate).blocks():
        mono = block.mean(axis=1, dtype=np.float64)
        total, square = total + float(mono.sum()), square + float(np.square(mono).sum())
    mean = total / max(1, len(clip))
    return float(np.sqrt(max(0.0, square / max(1, len(clip)) - mean**2))) or 1.0


# -- the models --------------------------------------------------------------------------------


def _estimates(
    demucs: Demucs, clip: Samples, rate: int, frames: int, level: float, check: Check
) -> Iterator[np.ndarray]:
    """Yield the models' word on `frames` frames at their rate, `(n, 2 × sources)`, in order.

    Segments overlap and are faded into each other with triangular weights, as in Demucs.
    """
    length, step = demucs.segment, int((1 - _OVERLAP) * demucs.segment)
    shape = _triangle(length)[:, None]
    sums = np.zeros((length, 2 * len(demucs.sources)), np.float32)
    weight = np.zeros((length, 1), np.float32)
    for start in range(0, frames, step):
        check()
        piece = min(length, frames - start)
        # A last, short segment stands in the middle of what the model takes.
        first = start - (length - piece) // 2
        mix = _heard(clip, rate, demucs.rate, max(0, first), min(frames, first + length))
        padded = np.zeros((length, 2), np.float32)
        padded[max(0, -first) : max(0, -first) + len(mix)] = mix / level
        heard = _ask(demucs, padded, check)[start - first :][:piece] * level
        sums[:piece] += shape[:piece] * heard
        weight[:piece] += shape[:piece]
        ready = step if start + step < frames else piece
        yield sums[:ready] / weight[:ready]
        sums = np.concatenate([sums[ready:], np.zeros_like(sums[:ready])])
        weight = np.concatenate([weight[ready:], np.zeros_like(weight[:ready])])


def _heard(clip: Samples, rate: int, rate_out: int, start: int, end: int) -> np.ndarray:
    """Return frames `[start, end)` at `rate_out` of a clip, of which only these are read."""
    first, last = resample.needed(rate, rate_out, start, end)
    first = max(0, first)
    return resample.cut(clip[first : max(first, last)], first, rate, rate_out, start, end)


def _ask(demucs: Demucs, mix: np.ndarray, check: Check) -> np.ndarray:
    """Return what all models together make of one segment: `(segment, 2)` to `(…, 2 × sources)`."""
    x = torch.from_numpy(np.ascontiguousarray(mix.T))[None].to(demucs.device)
    with torch.inference_mode():
        word = torch.zeros(len(demucs.sources), 2, mix.shape[0], device=demucs.device)
        for model, weights in zip(demucs.models, demucs.weights, strict=True):
            with _checked(model, check):
                word += weights[:, None, None] * model(x)[0]
    return word.reshape(-1, mix.shape[0]).T.cpu().numpy()


@contextlib.contextmanager
def _checked(model: Any, check: Check) -> Iterator[None]:
    """Have every layer call `check` before it works: on a CPU a segment takes many seconds."""
    lists = [part for part in model.modules() if isinstance(part, torch.nn.ModuleList)]
    layers = [layer for part in lists for layer in part]
    hooks = [layer.register_forward_pre_hook(lambda *given: check()) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _triangle(length: int) -> np.ndarray:
    rise = np.arange(1, length // 2 + 1, dtype=np.float32)
    fall = np.arange(length - length // 2, 0, -1, dtype=np.float32)
    shape = np.concatenate([rise, fall])
    return shape / shape.max()


# -- the folder --------------------------------------------------------------------------------


def _bag(path: Path) -> Mapping[str, Any]:
    """Read the list of models, their weights and segment (seconds or None). Raises 303."""
    import yaml

    try:
        data = yaml.safe_load(path.read_text("utf-8"))
        names = [str(name) for name in data["models"]]
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError) as reason:
        raise error(303, f"{path} does not list models: pull it again ({reason})") from None
    if not names or any("/" in name or "\\" in name for name in names):
        raise error(303, f"{path} does not list models beside it: pull it again")
    return {"models": names, "weights": data.get("weights"), "segment": data.get("segment")}


def _weights(told: Any, models: int, sources: int, path: Path) -> torch.Tensor:
    weights = torch.tensor(told or [[1.0] * sources] * models, dtype=torch.float32)
    if weights.shape != (models, sources) or not bool((weights.sum(0) > 0).all()):
        raise error(303, f"the weights of {path} do not fit its models: pull it again")
    return weights / weights.sum(0)


def _model(path: Path, device: torch.device) -> Any:
    """Read one Hybrid Transformer Demucs, float32. Raises 302, 303."""
    import safetensors
    from demucs.htdemucs import HTDemucs

    if not path.is_file():
        raise error(302, f"{path.name} is missing in {path.parent}: pull the model again")
    try:
        with safetensors.safe_open(str(path), framework="pt") as file:
            facts = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if facts.get("klass") != _CLASS or "structure" in facts:
            raise error(303, f"{path.name} is no plain {_CLASS}: pull htdemucs or htdemucs_ft")
        # A model may name arguments of training that later versions of the class dropped.
        known = inspect.signature(HTDemucs).parameters
        named = {k: v for k, v in _arguments(facts["kwargs"]).items() if k in known}
        made = HTDemucs(*_arguments(facts["args"]), **named)
        made.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as reason:
        first = str(reason).splitlines()[0]
        raise error(303, f"{path.name} can't be read as a model: pull it again ({first})") from None
    return made.to(device).eval()


def _arguments(text: str) -> Any:
    """Decode the JSON of the arguments a model is made with; a segment may be a fraction."""
    return json.loads(text, object_hook=_fraction)


def _fraction(data: dict[str, Any]) -> Any:
    if data.get("_type") == "fraction":
        return Fraction(data["numerator"], data["denominator"])
    return data
