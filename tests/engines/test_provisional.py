"""Provisional chunks in the worker: replaced by final ones, never enough alone."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bridge.protocol.errors import PunchinError
from daemon.audio.channels import Fold
from daemon.engines.base import Chunk, Span
from daemon.worker.fit import Fitter


class _Tape:
    """What the control plane would hold."""

    def __init__(self, frames: int) -> None:
        self.samples = np.full((frames, 2), np.nan, np.float32)

    def audio(self, role: str, take: int, start: int, samples: np.ndarray, **more: Any) -> None:
        self.samples[start : start + len(samples)] = samples


def _fitter(tape: _Tape, engine_rate: int = 48000) -> Fitter:
    fold = Fold.fit(np.zeros((1, 2), np.float32))
    clip = SimpleNamespace(rate=48000, engine_rate=engine_rate, fold=fold)
    request = SimpleNamespace(spans=(Span(0, 1000),), handle=50)
    work = SimpleNamespace(op="generate", heard=False, in_place=False, parts=None, over_clip=None)
    place = SimpleNamespace(spans=((0, 1000),))
    return Fitter(work, clip, place, request, 1, tape)  # type: ignore[arg-type]


def _chunk(start: int, frames: int, value: float, provisional: bool = False) -> Chunk:
    return Chunk("stem:drums", start, np.full((frames, 2), value, np.float32), provisional)


def test_a_final_chunk_replaces_a_provisional_one() -> None:
    tape = _Tape(1000)
    fitter = _fitter(tape)
    fitter.chunk(_chunk(-50, 600, 0.1, provisional=True))
    fitter.chunk(_chunk(-50, 600, 0.2))
    fitter.chunk(_chunk(550, 500, 0.3))
    list(fitter.finish())
    assert np.all(tape.samples[:550] == np.float32(0.2))
    assert np.all(tape.samples[550:] == np.float32(0.3))


@pytest.mark.parametrize("engine_rate", [48000, 44100])
def test_provisional_material_alone_is_too_short(engine_rate: int) -> None:
    fitter = _fitter(_Tape(1000), engine_rate)
    fitter.chunk(_chunk(0, 600, 0.1))
    fitter.chunk(_chunk(600, 400, 0.1, provisional=True))
    fitter.chunk(_chunk(600, 400, 0.2, provisional=True))
    with pytest.raises(PunchinError) as caught:
        list(fitter.finish())
    assert caught.value.code == 307


class _Ear:
    """What is heard while a take is made."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, int, np.ndarray]] = []

    def audio(
        self, role: str, take: int, start: int, samples: np.ndarray, kind: str = "audio", **_: Any
    ) -> None:
        if kind == "rough":
            self.heard.append((role, start, samples))


@pytest.mark.parametrize("engine_rate", [48000, 24000])
def test_what_is_gathered_is_heard_as_it_comes(engine_rate: int) -> None:
    """In order, without a hole, at the source's rate; a chunk out of turn is left to the end."""
    ear, frames = _Ear(), 40_000
    scale = engine_rate / 48000
    fold = SimpleNamespace(gain=1.0, back=lambda samples: samples)
    clip = SimpleNamespace(rate=48000, engine_rate=engine_rate, engine_start=0, fold=fold)
    span = Span(0, round(frames * scale))
    handle = round(5760 * scale)
    fitter = Fitter(
        SimpleNamespace(op="repaint", heard=True, in_place=True), clip,
        SimpleNamespace(spans=((0, frames),)), SimpleNamespace(spans=(span,), handle=handle),
        1, ear,
    )  # type: ignore[arg-type]  # fmt: skip
    t = np.arange(-handle, span.end + handle)
    tone = np.sin(2 * np.pi * 200 * t / engine_rate).astype(np.float32)[:, None].repeat(2, 1)
    step = round(9000 * scale)
    for at in range(0, len(tone), step):
        fitter.chunk(Chunk("region", at - handle, tone[at : at + step], True))
    whole = np.concatenate([samples for _, _, samples in ear.heard])
    starts = [start for _, start, _ in ear.heard]
    assert starts == list(np.cumsum([0, *(len(s) for _, _, s in ear.heard)])[:-1])
    assert len(ear.heard) > 3
    assert len(whole) == frames
    wanted = np.sin(2 * np.pi * 200 * np.arange(frames) / 48000)
    assert np.abs(whole[:, 0] - wanted).max() < 1e-3
