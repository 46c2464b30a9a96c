"""Untimed lyrics of a long clip: each line goes to the passage in which it is sung."""

import itertools
import json
from types import SimpleNamespace

import numpy as np
import pytest
from ace_desk import RATE, Desk, asked, music
from hypothesis import given
from hypothesis import strategies as st
from vocal_material import voice

from daemon.engines.acestep.ops import passages
from daemon.engines.acestep.ops.lines import lines_of
from daemon.engines.acestep.ops.passages import passages_of
from daemon.engines.acestep.text.lyrics import divided
from daemon.engines.acestep.text.prompt import caption_and_lyrics

SONG = "[verse]\nfirst line\nnext line1\n[chorus]\nthird line\nfourth one"
CHORUS = "[chorus]\nthird line\nfourth one"
words = st.text("abc é", min_size=1, max_size=20).filter(str.strip)


@given(st.lists(words, min_size=1, max_size=30), st.lists(st.floats(0, 100), min_size=1))
def test_each_line_goes_to_one_passage_in_order(lines, sung):
    sung = [*sung, 1.0]
    lots = divided("\n".join(lines), sung)
    assert len(lots) == len(sung)
    assert [(lots[0].first, lots[-1].last)] == [(0, len(lines))]
    assert all(a.last == b.first for a, b in itertools.pairwise(lots))
    told = [line for lot in lots for line in lot.text.splitlines()]
    assert told == [line.strip() for line in lines]


@pytest.mark.parametrize(
    ("sung", "texts"),
    [
        ([1, 1], ["[verse]\nfirst line\nnext line1", "[chorus]\nthird line\nfourth one"]),
        (
            [1, 3],
            ["[verse]\nfirst line", "[verse]\nnext line1\n\n[chorus]\nthird line\nfourth one"],
        ),
        ([0, 1], ["", "[verse]\nfirst line\nnext line1\n\n[chorus]\nthird line\nfourth one"]),
    ],
)
def test_section_tags_go_with_their_lines(sung, texts):
    assert [lot.text for lot in divided(SONG, sung)] == texts


@pytest.mark.parametrize("lyrics", ["", "[instrumental]", "[00:10.00]timed\nuntimed"])
def test_what_has_times_or_no_words_is_not_divided(lyrics):
    assert divided(lyrics, [1, 1]) == ()


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(passages, "LONGEST", 200)
    monkeypatch.setattr(passages, "LEAST", 100)


def parts(engine, op, clip, **keys):
    seconds = len(clip) / RATE
    told = {"steps": 1, "prompt": "a trio", "lyrics": SONG, **keys}
    result = engine.run(asked(op, clip, (0, seconds), **told), Desk())
    made = json.loads(result.documents["recipe"])["parts"]
    texts = [caption_and_lyrics(SimpleNamespace(**part["text"]))[1] for part in made]
    return texts, [note for note in result.notes if note.startswith("lyrics:")]


def test_a_vocal_has_its_lines_where_it_is_sung(engine, short):
    clip = voice(16.0)
    clip[: passages_of(clip, 400)[0].end * 1920] = 0
    texts, (note,) = parts(engine, "bgm", clip, ways="complete", stems="drums")
    assert len(texts) == len(passages_of(clip, 400)) > 1
    assert texts[0] == ""
    told = [row for text in texts for row in text.splitlines() if row and row[0] != "["]
    assert told == [row for row in SONG.splitlines() if row[0] != "["]
    assert note.startswith("lyrics: none from 0:00, ")
    assert note.endswith("(divided by where the vocal is sung)")


def test_a_mix_has_them_by_time(engine, short):
    texts, (note,) = parts(engine, "layer", music(16.0), track="vocals")
    assert len(texts) == 2
    assert all(("line" in text) for text in texts)
    assert "divided by time" in note


def test_a_voice_of_no_notes_is_divided_by_time(engine, short):
    clip = np.zeros((16 * RATE, 2), np.float32)
    request = asked("bgm", clip, (0, 16.0), lyrics=SONG)
    found, (note,) = lines_of(engine._session, request, passages_of(clip, 400), Desk())
    assert [(lot.first, lot.last) for lot in found][-1][1] == 4
    assert "divided by time" in note


def test_a_clip_of_one_passage_has_them_all(engine):
    texts, notes = parts(engine, "layer", music(10.0), track="vocals")
    assert texts == [divided(SONG, [1.0])[0].text]
    assert notes == ["lyrics: all 4 lines, as sung in what the model hears"]
