"""A quiet voice has a quiet backing: the balance holds at any level but silence."""

import numpy as np
import pytest
from engine_desk import ODE, RATE, mix_of, request_of, run, voice, whole

from daemon.audio.loudness import integrated_lufs


@pytest.mark.parametrize("gain_db", [0.0, -22.0, -28.0])
@pytest.mark.parametrize("balance", [None, 2.0])
def test_the_backing_follows_the_voices_level(gain_db: float, balance: float | None) -> None:
    clip = voice(ODE) * np.float32(10 ** (gain_db / 20))
    told = {} if balance is None else {"balance": balance}
    _, desk = run(request_of("bgm", clip, whole(clip), options={"preset": "pop", **told}))
    sung, played = integrated_lufs(clip, RATE), integrated_lufs(mix_of(desk), RATE)
    assert sung is not None
    assert played is not None
    assert played - sung == pytest.approx(-3.0 if balance is None else balance, abs=1.0)
