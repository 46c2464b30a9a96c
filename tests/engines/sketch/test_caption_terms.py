"""What a prompt says of tempo, metre, key, swing and players."""

from __future__ import annotations

import pytest

from bridge.resources import folder
from daemon.engines.sketch.plan.caption import read_caption
from daemon.engines.sketch.plan.caption_players import bent
from daemon.engines.sketch.plan.caption_terms import Terms, read_terms, tempo_within
from daemon.engines.sketch.plan.choosing import nearest_style
from daemon.engines.sketch.plan.styles import load_styles

STYLES = load_styles(folder("presets") / "styles")


@pytest.mark.parametrize(
    ("prompt", "bpm"),
    [
        ("techno, 132 bpm", 132),
        ("energetic club track at 128", 128),
        ("tempo 90, dusty", 90),
        ("92.5 BPM boom bap", 92.5),
        ("速度90的民谣", 90),
        ("drum & bass, 174, dark", 174),
        ("四四拍 120 快节奏", 120),
        ("120拍 电子舞曲", 120),
        ("song no. 120 bars long", None),
        ("take 7, 16 bars", None),
        ("at 440 Hz tuning", None),
        ("at 44 khz", None),
        ("at 120 seconds fade", None),
        ("80s synth pop", None),
        ("808 beats", None),
    ],
)
def test_a_tempo_in_figures_is_read_and_other_figures_are_not(prompt, bpm):
    assert read_terms(prompt).bpm == bpm


@pytest.mark.parametrize(
    ("prompt", "key"),
    [
        ("slow reggae in A minor", "A minor"),
        ("blues in E", "E major"),
        ("ballad in B flat major", "Bb major"),
        ("house, key of a minor", "A minor"),
        ("rock in F#m", "F# minor"),
        ("Dm folk song", "D minor"),
        ("blues in A, shuffled", "A major"),
        ("a小调的钢琴曲", "A minor"),
        ("降E大调圆舞曲", "Eb major"),
        ("a minor mood", None),
        ("song in a major way", None),
        ("In A big room", None),
        ("gm sounds, em dash", None),
        ("in Berlin", None),
    ],
)
def test_a_key_is_read_where_one_is_named(prompt, key):
    assert read_terms(prompt).key == key


@pytest.mark.parametrize(
    ("prompt", "metre"),
    [
        ("waltz for strings", (3, 4)),
        ("a song in 3/4", (3, 4)),
        ("6/8 ballad", (6, 8)),
        ("一首华尔兹", (3, 4)),
        ("recorded 4/5/2024", None),
        ("1/16 hats", None),
        ("pop", None),
    ],
)
def test_a_metre_is_read(prompt, metre):
    assert read_terms(prompt).metre == metre


def test_swing_and_speed_are_read_also_when_refused():
    assert read_terms("blues shuffle").swing == 1.0
    assert read_terms("jazz, straight eighths").swing == 0.0
    assert read_terms("not too slow").speed == 0
    assert read_terms("一首慢速的爵士钢琴曲").speed == -1
    assert read_terms("fast punk").speed == 1
    assert read_terms("轻快的流行") == Terms()


def test_the_tempo_of_a_style_follows_the_words():
    slow, plain, fast = (tempo_within(read_terms(w), 96, 190) for w in ("slow", "", "fast"))
    assert slow < 96 < plain == 143 < fast
    assert tempo_within(read_terms("slow"), 54, 88) == 60  # slow by itself, not slowed again
    assert tempo_within(read_terms("slow, 70 bpm"), 96, 190) == 70


def test_named_players_join_a_style_that_lacks_them():
    caption = read_caption("rock with strings and no guitar", "", STYLES)
    assert caption.players == {"strings"}
    style = bent(STYLES["rock"], caption.players, caption.instruments, STYLES, 120)
    assert "strings" in {part.stem for part in style.parts}


def test_a_named_instrument_is_what_its_player_plays_from_the_verses_on():
    caption = read_caption("pop with rhodes and upright bass", "", STYLES)
    style = bent(STYLES["pop"], caption.players, caption.instruments, STYLES, 100)
    played = {part.stem: part for part in style.parts}
    assert played["keyboard"].instrument == "epiano"
    assert played["bass"].instrument == "bass-upright"
    assert max(played["keyboard"].level, played["bass"].level) <= 1


def test_without_a_name_the_players_choose_the_style_and_swing_is_not_guessed():
    assert "strings" in {
        p.stem for p in STYLES[nearest_style(None, 0.4, STYLES, frozenset({"strings"}))].parts
    }
    assert STYLES[nearest_style(None, 0.5, STYLES)].swing == 0
    assert STYLES[nearest_style(120, 0.5, STYLES)].swing == 0
