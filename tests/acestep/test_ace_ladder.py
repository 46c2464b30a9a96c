"""Memory that runs out and values that are no numbers, injected where they would come from."""

import itertools

import numpy as np
import pytest
import torch
from ace_desk import Desk, asked, music

from bridge.protocol.errors import PunchinError
from daemon.engines.acestep import finite, ladder, solving
from daemon.engines.acestep.finite import in_float32, made_finite
from daemon.engines.acestep.latents import decode as decoding
from daemon.engines.acestep.latents import encode as encoding
from daemon.engines.acestep.memory import is_out_of_memory

CLIP = music(18.0)
FAR = asked("repaint", CLIP, (8.0, 10.0), prompt="warm pop", allow_degrade=True, steps=4)
REPAINT = asked("repaint", CLIP[: 11 * 48_000], (4.0, 5.5), prompt="warm pop", steps=4)
OUT = torch.OutOfMemoryError("out of memory, tried to allocate 2 GiB")


@pytest.fixture
def session(engine):
    """The engine's session with empty hands, as it was afterwards."""
    held = engine._session
    before = held.ways, held.placement
    held.caches.clear()
    held.kept.clear()
    yield held
    held.ways, held.placement = before


@pytest.fixture(scope="module")
def plain(engine):
    """The take as it is with all the memory it wants."""
    return _played(engine, REPAINT)[0]


@pytest.fixture
def short(monkeypatch):
    """`short(module, name, when)`: the function fails for want of memory when `when(*given)`."""

    def inject(module, name, when, problem=OUT):
        original = getattr(module, name)

        def failing(*given, **told):
            if when(*given):
                raise problem
            return original(*given, **told)

        monkeypatch.setattr(module, name, failing)

    return inject


def _played(engine, request):
    port = Desk()
    return port, engine.run(request, port)


def _far(one, two):
    a, b = one.sounds()["region"], two.sounds()["region"]
    return np.sqrt(np.mean((a - b) ** 2) / np.mean(a**2))


# -- the rungs -----------------------------------------------------------------------------------


def test_first_caches_are_freed(engine, session, short, plain):
    once = iter([True])
    short(solving, "sample", lambda *_: next(once, False))
    session.caches.latents.put("other", torch.zeros(100))
    port, result = _played(engine, REPAINT)
    assert "other" not in session.caches.latents
    assert _far(plain, port) == 0
    assert session.ways == solving.Ways()
    assert "Memory" not in " ".join(result.notes)


@pytest.mark.parametrize("stage", ["encode_tile", "decode"])
def test_then_tiles_and_chunks_get_smaller(engine, session, short, plain, stage):
    if stage == "encode_tile":
        short(encoding, stage, lambda vae, heard, start, end: end - start > ladder.SMALL_TILE)
    else:
        short(decoding, stage, lambda vae, latents, first, last: last - first > 25)
    session.caches.clear()
    session.kept.clear()
    port, _ = _played(engine, REPAINT)
    assert session.ways.tile == ladder.SMALL_TILE
    assert not session.placement.offload
    assert _far(plain, port) < 1e-5


def test_then_parts_take_turns(engine, session, short, plain):
    short(solving, "sample", lambda *_: not session.placement.offload)
    port, _ = _played(engine, REPAINT)
    assert session.placement.offload
    assert _far(plain, port) < 1e-5
    again, _ = _played(engine, REPAINT)
    assert _far(port, again) == 0


def test_then_it_is_304_with_advice(engine, session, short):
    short(solving, "sample", lambda *_: True)
    with pytest.raises(PunchinError) as refused:
        engine.run(REPAINT, Desk())
    assert refused.value.code == 304
    assert "allow_degrade 1" in refused.value.message


def test_with_leave_the_model_hears_less_and_says_so(engine, session, short):
    short(solving, "sample", lambda dit, problem, *_: problem.noise.shape[1] > 12 * 25)
    port, result = _played(engine, FAR)
    span = FAR.spans[0]
    assert port.start() <= span.start
    assert port.start() + len(port.sounds()["region"]) >= span.end
    note = next(n for n in result.notes if "Memory was short" in n)
    assert "and not 18 s" in note


def test_with_leave_it_still_fails_where_nothing_helps(engine, session, short):
    short(solving, "sample", lambda *_: True)
    with pytest.raises(PunchinError) as refused:
        engine.run(FAR, Desk())
    assert refused.value.code == 304
    assert "allow_degrade" not in refused.value.message


def test_the_next_job_is_done_again(engine, session, short, plain, monkeypatch):
    with monkeypatch.context():
        short(solving, "sample", lambda *_: True)
        with pytest.raises(PunchinError):
            engine.run(REPAINT, Desk())
    monkeypatch.undo()
    port, _ = _played(engine, REPAINT)
    assert _far(plain, port) < 1e-5


def test_what_was_handed_over_stays(engine, session, short):
    long = asked("repaint", CLIP, (3.0, 15.0), prompt="warm pop", steps=2)
    plain, _ = _played(engine, long)
    chunks = iter(range(100))
    # The two edges, the first chunk; the second one fails once.
    short(decoding, "decode", lambda *_: next(chunks) == 3)
    session.kept.clear()
    port, _ = _played(engine, long)
    final = [c for c in port.chunks if not c.provisional]
    for one, two in itertools.pairwise(final):
        assert one.start + len(one.samples) == two.start
    assert _far(plain, port) < 1e-5
    fractions = [fraction for fraction, _ in port.told]
    assert fractions == sorted(fractions)


@pytest.mark.parametrize(
    ("problem", "is_it"),
    [
        (OUT, True),
        (MemoryError(), True),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: not enough memory"),
            True,
        ),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True),
        (RuntimeError("CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("GET was unable to find an engine to execute this computation"), True),
        (RuntimeError("shapes do not match"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_counts_as_out_of_memory(problem, is_it):
    assert is_out_of_memory(problem) is is_it


def test_another_problem_is_nobodys_rung(engine, session, short):
    tries = []
    short(solving, "sample", lambda *_: tries.append(1) or True, RuntimeError("a bug"))
    with pytest.raises(RuntimeError, match="a bug"):
        engine.run(REPAINT, Desk())
    assert len(tries) == 1


# -- no numbers ----------------------------------------------------------------------------------


class _Overflows(torch.nn.Module):
    """Its square is infinite in float16 and 1e8 in float32."""

    def __init__(self, dtype):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.full((3,), 1e4, dtype=dtype), requires_grad=False)

    def make(self):
        return self.weight * self.weight


def test_the_stage_is_done_again_in_float32_and_the_weights_are_as_before():
    module = _Overflows(torch.float16)
    before = module.weight.data_ptr()
    made = made_finite(module.make, lambda x: x, [module], "it")
    assert torch.allclose(made.float(), torch.tensor(1e8))
    assert module.weight.dtype == torch.float16
    assert module.weight.data_ptr() == before


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_float32_does_not_mend_is_307(value):
    module = _Overflows(torch.float16)
    module.weight.data[1] = value
    with pytest.raises(PunchinError) as refused:
        made_finite(module.make, lambda x: x, [module], "the sound")
    assert refused.value.code == 307
    assert refused.value.message.startswith("the sound came out as no numbers, in float32 as well:")
    assert module.weight.dtype == torch.float16


@pytest.mark.parametrize(("dtype", "advised"), [(torch.float32, False), (torch.float16, True)])
def test_float32_is_advised_only_where_it_was_not_tried(monkeypatch, dtype, advised):
    monkeypatch.setattr(finite, "_fits", lambda modules: False)
    module = _Overflows(dtype)
    module.weight.data[1] = float("nan")
    with pytest.raises(PunchinError) as refused:
        made_finite(module.make, lambda x: x, [module], "the sound")
    assert ("set engine.precision to float32" in refused.value.message) is advised
    assert ("no numbers, in float32:" in refused.value.message) is not advised


def test_float32_is_not_tried_twice():
    module, tries = _Overflows(torch.float32), []

    def make():
        tries.append(1)
        return torch.tensor([float("nan")])

    with pytest.raises(PunchinError):
        made_finite(make, lambda x: x, [module], "it")
    assert len(tries) == 1


def test_weights_come_back_even_after_an_error():
    module = _Overflows(torch.bfloat16)
    seen = []

    def fail():
        with in_float32([module]):
            seen.append(module.weight.dtype)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert seen == [torch.float32]
    assert module.weight.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("module", "name", "what"),
    [
        (encoding, "encode_tile", "latents"),
        (solving, "sample", "music"),
        (decoding, "decode", "sound"),
    ],
)
def test_every_stage_is_looked_at(engine, session, monkeypatch, module, name, what):
    original = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *given: original(*given) * np.float32("nan"))
    with pytest.raises(PunchinError) as refused:
        engine.run(REPAINT, Desk())
    assert refused.value.code == 307
    assert what in refused.value.message
    monkeypatch.undo()
    session.caches.clear()
    session.kept.clear()
    _, result = _played(engine, REPAINT)
    assert result is not None
