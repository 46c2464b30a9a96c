"""What the model is told in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol.errors import PunchinError
from daemon.engines.acestep.text.lyrics import LYRICS_CHARACTERS, sung_in
from daemon.engines.acestep.text.prompt import (
    LANGUAGES,
    TRACKS,
    Metadata,
    instruction,
    language_of,
    metadata,
    text_of,
)
from daemon.engines.acestep.text.scripts import SCRIPTS, script_warning

SONG = """[ar:Nobody]
[verse]
[00:05.00]First line
[00:10.50]Second line
[chorus]
[00:16.00][01:04.00]Come back
[bridge]
[01:00.00]Alone
"""


@pytest.mark.parametrize(
    ("start_s", "end_s", "text"),
    [
        (0, 9, "[verse]\nFirst line"),
        (0, 30, "[verse]\nFirst line\nSecond line\n\n[chorus]\nCome back"),
        (11, 14, "[verse]\nSecond line"),
        (15.9, 27, "[chorus]\nCome back"),  # the second line has only 0.1 s left
        (58, 70, "[bridge]\nAlone\n\n[chorus]\nCome back"),
        (30, 50, ""),  # nobody sings for longer than a line lasts
        (200, 230, ""),
    ],
)
def test_lines_are_chosen_by_their_times(start_s, end_s, text):
    assert sung_in(SONG, start_s, end_s).text == text


def test_lines_without_times_are_the_windows_own():
    sung = sung_in("[verse]\nla la\n\n  so so  \n", 100, 110)
    assert sung.text == "[verse]\nla la\nso so"
    assert sung.note == "lyrics: all 2 lines, as sung in what the model hears"


def test_the_result_says_which_lines_were_used():
    sung = sung_in(SONG + "oh oh\n", 0, 9)
    assert sung.text.splitlines() == ["[verse]", "First line", "", "[bridge]", "oh oh"]
    assert sung.note == "lyrics: 1 of 5 lines by time and 1 line without a time"
    assert sung_in("", 0, 9).note is None


def test_an_empty_time_ends_the_line_before_it():
    assert sung_in("[00:01.00]la\n[00:03.00]\n", 4, 9).text == ""
    assert sung_in("[00:01.00]la\n", 4, 9).text == "la"


def test_tags_alone_are_told_as_they_are():
    assert sung_in("[Instrumental]", 0, 10).text == "[Instrumental]"
    assert sung_in("[intro]\n[guitar solo]\n", 0, 10).text == "[intro]\n[guitar solo]"


def test_an_offset_moves_all_lines():
    assert sung_in("[offset:+5000]\n[00:10.00]la\n[00:11.00]lo", 5, 5.9).text == "la"
    assert sung_in("[offset:x]\n[00:10.00]la\n[00:11.00]lo", 10, 10.9).text == "la"


def test_times_of_single_words_are_not_sung():
    timed = "[00:01.00]<00:01.00>La <00:01.50>le <00:02.00>lu\n<3 hearts"
    assert sung_in(timed, 0, 9).text == "La le lu\n<3 hearts"


ROWS = st.one_of(
    st.sampled_from(["[verse]", "[chorus]", "", "[offset:100]", "[ti:x]", "[[", "la la", "[0:1]]"]),
    st.builds(
        lambda s, w: f"[{s // 60:02}:{s % 60:02}.50]{w}", st.integers(0, 300), st.text("ab ")
    ),
)


@given(st.lists(ROWS, max_size=30), st.floats(0, 300), st.floats(0, 60), st.floats(0, 60))
def test_a_wider_window_has_all_that_a_narrower_one_has(rows, start_s, length_s, more_s):
    song = "\n".join(rows)
    narrow = sung_in(song, start_s, start_s + length_s)
    wide = sung_in(song, start_s - more_s, start_s + length_s + more_s)
    for sung in (narrow, wide):
        words = [w for w in sung.text.splitlines() if w and not w.startswith("[")]
        assert all(any(w in row for row in rows) for w in words)
        assert len(words) <= len(rows)
    assert narrow.chosen <= wide.chosen <= wide.timed
    assert narrow.untimed == wide.untimed


def test_too_long_lyrics_are_refused_unless_the_window_needs_few():
    line = "x" * 1000
    long = "".join(f"[{m:02}:00.00]{line}\n" for m in range(6))
    assert len(sung_in(long, 0, 130).text) <= LYRICS_CHARACTERS
    with pytest.raises(PunchinError) as caught:
        sung_in(long.replace("[", "").replace("]", ""), 0, 130)
    assert caught.value.code == 103


def test_tracks_are_told_in_capitals():
    assert instruction("lego", ["backing_vocals"]) == (
        "Generate the BACKING_VOCALS track based on the audio context:"
    )
    assert instruction("complete", ["drums", "bass"]) == (
        "Complete the input track with DRUMS | BASS:"
    )
    assert instruction("extract") == "Extract the track from the audio:"
    assert instruction("repaint", ["drums"]).startswith("Repaint the mask area")
    assert len(TRACKS) == 12
    with pytest.raises(PunchinError, match="kazoo") as caught:
        instruction("lego", ["kazoo"])
    assert caught.value.code == 103


def test_metadata_is_told_where_the_model_knows_it():
    told, notes = metadata(24.9, 127.6, (6, 8), "F# minor")
    assert (told, notes) == (Metadata(24.9, 128, "6", "F# minor"), ())
    told, notes = metadata(24.9, 29, (7, 8))
    assert told == Metadata(24.9)
    assert len(notes) == 2
    assert "29 BPM" in notes[0]
    assert "7/8" in notes[1]


def test_the_texts_have_the_form_that_was_trained():
    told, _ = metadata(24.9, 127.6, None, "F# minor")
    text = text_of("repaint", "warm piano", "", told, "de")
    assert text.prompt == (
        "# Instruction\nRepaint the mask area based on the given conditions:\n\n"
        "# Caption\nwarm piano\n\n# Metas\n- bpm: 128\n- timesignature: N/A\n"
        "- keyscale: F# minor\n- duration: 24 seconds\n<|endoftext|>\n"
    )
    assert text.lyrics == "# Languages\nde\n\n# Lyric\n[Instrumental]<|endoftext|>"


@pytest.mark.parametrize(
    ("told", "code"),
    [(None, "unknown"), ("EN", "en"), ("pt_BR", "pt"), ("zh-Hant", "zh"), ("yue", "yue")],
)
def test_languages(told, code):
    assert language_of(told) == code


def test_an_unknown_language_is_refused():
    with pytest.raises(PunchinError, match="tlh") as caught:
        language_of("tlh")
    assert caught.value.code == 103
    assert len(LANGUAGES) == 51
    assert set(SCRIPTS) <= set(LANGUAGES)


@pytest.mark.parametrize(
    ("lyrics", "language", "doubted"),
    [
        ("[verse]\nПривет, мир", "ru", False),
        ("Привет, мир", "en", True),
        ("[куплет] hello there", "en", False),
        ("hello", "ru", True),
        ("夜に駆ける", "ja", False),
        ("さくらさくら野山も里も", "zh", True),
        ("你好世界", "zh", False),
        ("你好世界", "ja", False),
        ("안녕 my friend 안녕하세요", "ko", False),
        ("Grüße aus Köln, naïve café", "de", False),
        ("مرحبا", "ar", False),
        ("नमस्ते", "hi", False),
        ("Привет", "unknown", False),
        ("[Instrumental] 1, 2, 3!", "ru", False),
        ("", "ru", False),
    ],
)
def test_lyrics_in_another_script_are_told(lyrics, language, doubted):
    warning = script_warning(lyrics, language)
    assert (warning is not None) == doubted
    if doubted:
        assert language in warning
