"""Style files: the built-in ones, mistakes in them, and captions that choose one."""

from pathlib import Path

import pytest

from bridge.protocol.errors import PunchinError
from bridge.resources import folder
from daemon.engines.sketch.plan.caption import read_caption
from daemon.engines.sketch.plan.caption_words import plain
from daemon.engines.sketch.plan.choosing import named_style, nearest_style
from daemon.engines.sketch.plan.styles import load_styles, read_style

STYLES = load_styles(folder("presets") / "styles")

SMALL = """
title = "Small"
words = ["tiny"]
tempo_bpm = [80, 120]
[progressions]
major = ["I V"]
minor = ["i v"]
[[parts]]
name = "bass"
stem = "bass"
role = "bass"
instrument = "bass-sub"
range = [28, 48]
low = ["R---------------"]
"""


def _written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_usual_styles_are_there() -> None:
    assert {"pop", "ballad", "rock", "folk", "lofi", "house"} <= STYLES.keys()


@pytest.mark.parametrize("name", sorted(STYLES))
def test_every_style_has_a_rhythm_section_and_chinese_words(name: str) -> None:
    style = STYLES[name]
    roles = {part.role for part in style.parts}
    assert "bass" in roles
    assert roles & {"chords", "arp", "strum", "pad"}
    assert any(not word.isascii() for word in style.words)
    assert len({part.name for part in style.parts}) == len(style.parts)


def test_a_users_style_is_read(tmp_path: Path) -> None:
    style = read_style(_written(tmp_path, SMALL))
    assert style.name == "mine"
    assert style.parts[0].range == (28, 48)
    assert style.drums is None


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = SMALL.replace("R---------------", "R--z").replace("bass-sub", "tuba")
    with pytest.raises(PunchinError) as told:
        read_style(_written(tmp_path, text + "colour = 3\n"))
    assert told.value.code == 101
    for part in ("16 steps", "unknown step `z`", "tuba", "unknown key `colour`", "mine.toml"):
        assert part in told.value.message


def test_text_that_is_not_toml_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PunchinError) as told:
        read_style(_written(tmp_path, "title = "))
    assert told.value.code == 101


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PunchinError) as told:
        load_styles(tmp_path)
    assert told.value.code == 300


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("warm lo fi beat to study", "lofi"),
        ("A slow piano Ballad", "ballad"),
        ("deep-house with stabs", "house"),
        ("来一段抒情的慢歌", "ballad"),
        ("民谣木吉他", "folk"),
        ("heavy guitars, distorted, a stadium anthem", "rock"),
        ("four on the floor club banger", "house"),
        ("smoky late-night bar trio", "jazz"),
        ("one drop riddim, offbeat skank", "reggae"),
        ("808 and rolling hi-hats", "trap"),
        ("slap bass groove like James Brown", "funk"),
        ("liquid jungle breakbeats", "drumnbass"),
        ("not rock, something jazzy", "jazz"),
        ("epic trailer music with big orchestra", "cinematic"),
        ("重金属吉他摇滚", "rock"),
        ("史诗级管弦乐预告片", "cinematic"),
        ("不要摇滚,来点爵士", "jazz"),
        ("咖啡馆里的低保真", "lofi"),
        ("适合夜店的电子舞曲", "house"),
        ("嘻哈说唱", "trap"),
        ("中国风", "cinematic"),
        ("Drum&Bass", "drumnbass"),
        ("drum & bass at 174", "drumnbass"),
        ("smooth R&B", "trap"),
        ("quick irish jig", "folk"),
        ("rocket science", None),
        ("", None),
    ],
)
def test_a_prompt_names_a_style(text: str, style: str | None) -> None:
    assert named_style(plain(text), STYLES) == style


def test_a_prompt_bends_the_style() -> None:
    caption = read_caption("sad half-time pop without drums, sparse", "guitar", STYLES)
    assert caption.style == "pop"
    assert caption.minor is True
    assert caption.feel == 0.5
    assert caption.density == -1
    assert caption.without == {"drums", "guitar"}


@pytest.mark.parametrize(
    ("text", "without", "only"),
    [
        ("no guitar, synths or drums", {"guitar", "synth", "drums"}, set()),
        ("rock, don't use any drums", {"drums"}, set()),
        ("drumless ambient", {"drums"}, set()),
        ("去掉鼓和贝斯", {"drums", "bass"}, set()),
        ("不要电吉他", {"guitar"}, set()),
        ("just piano and bass", set(), {"keyboard", "bass"}),
        ("只要钢琴和弦乐", set(), {"keyboard", "strings"}),
        ("piano and strings", set(), set()),
        ("drum and bass", set(), set()),
    ],
)
def test_players_can_be_left_out_or_asked_for_alone(
    text: str, without: set[str], only: set[str]
) -> None:
    caption = read_caption(text, "", STYLES)
    assert (caption.without, caption.only) == (without, only)


def test_only_one_player_may_be_asked_for() -> None:
    assert read_caption("solo piano", "", STYLES).only == {"keyboard"}
    assert read_caption("只有钢琴", "", STYLES).only == {"keyboard"}


def test_without_a_prompt_tempo_and_density_choose() -> None:
    assert nearest_style(62, 0.2, STYLES) == "ballad"
    assert nearest_style(165, 0.9, STYLES) in ("rock", "drumnbass")
