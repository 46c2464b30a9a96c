"""`analyze`: what the embedded ear hears, and the words of the language model where it is there."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from ace_desk import RATE, Desk, asked, music

from daemon.audio.clips import as_reader
from daemon.engines.acestep import AceStepEngine
from daemon.engines.acestep.beside import Beside
from daemon.engines.acestep.lm.compose import Understanding
from daemon.engines.acestep.lm.plan import Plan
from daemon.engines.base import Cancelled
from daemon.engines.sketch.listen import analysis_dict, listen

SECONDS = 10.0
OP = "daemon.engines.acestep.ops.analyze"
PLAN = Plan(90, "a slow waltz", 10, "Eb minor", "de", "3")


@pytest.fixture(scope="module")
def engine(tiny_models):
    made = AceStepEngine()
    made.load(str(tiny_models), Desk())
    return made


@pytest.fixture
def alone(engine, monkeypatch):
    """The engine without a language model."""
    monkeypatch.setattr(engine._session, "beside", Beside(engine._session.placement))
    return engine


@pytest.fixture(scope="module")
def clip():
    return music(SECONDS)


def analysed(engine, clip, **fields):
    request = replace(asked("analyze", clip, bpm=120.0), handle=0, **fields)
    return engine.run(request, Desk())


def test_without_a_language_model_it_is_what_the_embedded_engine_hears(alone, clip):
    found = analysed(alone, clip)
    request = asked("analyze", clip)
    heard = listen(as_reader(clip, RATE), RATE, request.grid, downbeat_told=True)
    assert found.analysis == analysis_dict(heard)
    json.dumps(found.analysis, allow_nan=False)
    assert found.key == found.analysis["key"]


def test_the_sureness_of_the_grid_is_the_requests(alone, clip):
    found = analysed(alone, clip, tempo_confidence=0.25, downbeat_confidence=0.125).analysis
    assert found["tempo_confidence"] == 0.25
    assert found["downbeat_confidence"] == 0.125


def test_a_guessed_key_is_said_to_be_one(alone):
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.1, (round(SECONDS * RATE), 2)).astype(np.float32)
    notes = analysed(alone, noise).notes
    assert any("key" in note for note in notes)
    assert not analysed(alone, noise, key="C major").notes


def test_nobody_is_asked_what_silence_says(engine):
    found = analysed(engine, np.zeros((round(SECONDS * RATE), 2), np.float32))
    assert found.analysis["kind"] == "silence"
    assert found.key is None
    assert found.analysis["key"] is None
    assert "lyrics" not in found.analysis


def test_the_language_models_words_come_with_it(engine, clip, monkeypatch):
    asked_for = []

    def understand(language, codes, seed, check, longest):
        asked_for.append((codes, longest))
        return Understanding(PLAN, "[verse]\neins zwei drei")

    monkeypatch.setattr(sys.modules[OP].compose, "understand", understand)
    found = analysed(engine, clip)
    ((codes, longest),) = asked_for
    assert len(codes) == SECONDS * 5
    assert all(0 <= code < 1000 for code in codes)
    assert longest == 2 * len(codes) + 60
    assert found.analysis["caption"] == "a slow waltz"
    assert found.analysis["lyrics"] == "[verse]\neins zwei drei"
    assert found.analysis["language"] == "de"
    assert found.analysis["model"] == {"bpm": 90, "meter": "3/4", "key": "Eb minor"}
    # Tempo and bars are measured, not said.
    assert found.analysis["bpm"] == 120
    json.dumps(found.analysis, allow_nan=False)


def test_a_key_that_is_not_heard_is_the_language_models(engine, monkeypatch):
    monkeypatch.setattr(
        sys.modules[OP].compose, "understand", lambda *rest: Understanding(PLAN, "")
    )
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.1, (round(SECONDS * RATE), 2)).astype(np.float32)
    found = analysed(engine, noise)
    assert found.key == found.analysis["key"] == "Eb minor"
    assert any("language model" in note for note in found.notes)
    assert analysed(engine, noise, key="C major").key == "C major"


def test_a_real_language_model_answers_and_can_be_cancelled(engine, clip, monkeypatch):
    monkeypatch.setattr(sys.modules[OP], "_TOKENS_PER_CODE", 0)
    found = analysed(engine, clip)
    assert {"caption", "lyrics", "language", "model"} <= found.analysis.keys()
    assert found.analysis == analysed(engine, clip).analysis
    desk = Desk(cancel_at=80)
    with pytest.raises(Cancelled):
        engine.run(replace(asked("analyze", clip), handle=0), desk)
    assert desk.checks == 80


@pytest.mark.parametrize("seconds", [0.0, 0.2])
def test_next_to_nothing_is_analysed_too(engine, seconds):
    found = analysed(engine, np.zeros((round(seconds * RATE), 2), np.float32))
    assert found.analysis["chords"] is not None
