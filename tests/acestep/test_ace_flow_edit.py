"""Flow-edit: what the words agree on stays."""

import oracle
import pytest
import torch

from daemon.engines.acestep.dit.context import silence, whole
from daemon.engines.acestep.dit.flow_edit import flow_edit
from daemon.engines.acestep.dit.noise import window_noise
from daemon.engines.acestep.dit.sampler import Problem, dit_of, sample
from daemon.engines.acestep.dit.schedule import schedule

FRAMES, STEPS = 100, 10


@pytest.fixture(scope="module")
def base(tiny_base, pipeline):
    return oracle.parts_of(pipeline(tiny_base), "base")


@pytest.fixture(scope="module")
def words(base):
    """Conditions for the source and for what it is to become."""
    shared, checkpoint = base
    lengths = (4.0, 9.0)  # another duration in the metadata is another prompt
    return [oracle.conditions_for(shared, checkpoint, "text2music", s) for s in lengths]


def problem(base, words, **more):
    source = torch.randn(FRAMES, 8, generator=torch.Generator().manual_seed(1))
    context = whole(silence(base[1], FRAMES))
    noise = window_noise(5, FRAMES, [], 8)[None]
    steps = schedule(STEPS, 1.0)
    return Problem(context, noise, words[1], steps, 7.0, source=source, **more)


def draws(number=1):
    def draw(i):
        return torch.stack(
            [window_noise(5, FRAMES, [], 8, 1 + i * number + k) for k in range(number)]
        )

    return draw


def edited(base, words, n_min=0.0, n_max=1.0, number=1, before=0, on_step=None, **more):
    asked = problem(base, words, **more)
    return flow_edit(dit_of(base[1]), asked, words[before], draws(number), n_min, n_max, on_step)


@pytest.mark.parametrize("number", [1, 3])
def test_the_same_words_change_nothing(base, words, number):
    source = problem(base, words).source
    assert oracle.apart(edited(base, words, number=number, before=1)[0], source) <= 1e-5


def test_other_words_change_it_and_a_later_start_less(base, words):
    source = problem(base, words).source
    changes = [oracle.apart(edited(base, words, n_min=n)[0], source) for n in (0, 0.4, 0.8, 1.0)]
    assert changes == sorted(changes, reverse=True)
    assert changes[0] > 1e-2
    assert changes[-1] == 0


def test_free_from_the_start_it_is_plain_sampling(base, words):
    want = sample(dit_of(base[1]), problem(base, words))
    assert oracle.apart(edited(base, words, 0.0, 0.0), want) <= 1e-5


def test_free_at_the_end_it_runs_every_step_once(base, words):
    seen = []
    edited(base, words, 0.2, 0.6, on_step=lambda i, t, x, v: seen.append((i, bool(v.any()))))
    assert [i for i, _ in seen] == list(range(2, 10))
    assert [moves for _, moves in seen] == [False] * 4 + [True] * 4


def test_the_draws_of_a_step_are_averaged(base, words):
    dit, asked = dit_of(base[1]), problem(base, words)
    forth = flow_edit(dit, asked, words[0], draws(3), 0, 1)
    back = flow_edit(dit, asked, words[0], lambda i: draws(3)(i).flip(0), 0, 1)
    assert oracle.apart(back, forth) <= 1e-5
    one = flow_edit(dit, asked, words[0], lambda i: draws(3)(i)[:1], 0, 1)
    assert oracle.apart(one, forth) > 1e-3


@pytest.mark.parametrize("n_max", [0.5, 1.0])
def test_outside_the_window_the_source_stays(base, words, n_max):
    keep = torch.ones(FRAMES, dtype=torch.bool)
    keep[40:60] = False
    got = edited(base, words, 0.1, n_max, keep=keep)[0]
    source = problem(base, words).source
    assert torch.equal(got[keep], source[keep])
    assert oracle.apart(got[~keep], source[~keep]) > 1e-3


def test_padding_is_not_heard(base, words):
    dit = dit_of(base[1])
    asked = problem(base, words)
    want = flow_edit(dit, asked, words[0], draws(2), 0.2, 0.7)

    def padded(i):
        return torch.nn.functional.pad(draws(2)(i), (0, 0, 0, 60))

    got = flow_edit(dit, asked.padded(FRAMES + 60), words[0], padded, 0.2, 0.7)
    assert oracle.apart(got, want) <= 1e-5
