"""What takes long in a preparation can be ended before each layer, and computes the same."""

import pytest
import torch
from torch import nn

from daemon.engines.acestep.dit.context import codes_of
from daemon.engines.acestep.dit.pauses import heeding
from daemon.engines.acestep.text.prompt import Metadata, text_of
from daemon.engines.base import Cancelled


class Stack(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(3, 3) for _ in range(4))

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class Ends:
    """A check that counts, and raises at call number `at`."""

    def __init__(self, at=None):
        self.calls, self.at = 0, at

    def __call__(self):
        self.calls += 1
        if self.calls == self.at:
            raise Cancelled


@torch.no_grad()
def test_every_layer_asks_first():
    stack, x = Stack(), torch.ones(1, 3)
    plain, told = stack(x), Ends()
    with heeding(told, stack, None):
        assert torch.equal(stack(x), plain)
    assert told.calls == 4
    ends = Ends(at=3)
    with pytest.raises(Cancelled), heeding(ends, stack):
        stack(x)
    assert ends.calls == 3
    stack(x)
    assert (told.calls, ends.calls) == (4, 3)


def _text(words):
    return text_of("repaint", words, "la la", Metadata(12.0), "en")


def test_words_can_be_given_up_anywhere_and_are_whole_the_next_time(engine):
    session = engine._session
    session.caches.clear()
    checkpoint = session.checkpoint_for("repaint")
    plain = session.conditions(checkpoint, _text("soft notes")).states
    session.caches.clear()
    counted = Ends()
    with session.giving_way(counted):
        session.conditions(checkpoint, _text("soft notes"))
    layers = len(session.shared.text_encoder.layers)
    assert counted.calls > layers + 2
    for at in (1, layers, counted.calls):
        session.caches.clear()
        with session.giving_way(Ends(at)), pytest.raises(Cancelled):
            session.conditions(checkpoint, _text("soft notes"))
    assert torch.equal(session.conditions(checkpoint, _text("soft notes")).states, plain)


def test_codes_can_be_given_up_too(engine):
    checkpoint = engine._session.checkpoint_for("cover")
    latents = torch.randn(100, checkpoint.channels, generator=torch.Generator().manual_seed(1))
    counted = Ends()
    assert codes_of(checkpoint, latents, counted) == codes_of(checkpoint, latents)
    assert counted.calls >= 2
    with pytest.raises(Cancelled):
        codes_of(checkpoint, latents, Ends(at=2))
