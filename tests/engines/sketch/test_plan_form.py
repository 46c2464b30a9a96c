"""Form: lyric tags, the voice's energy, length."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.engines.sketch.plan.bars import Bar
from daemon.engines.sketch.plan.form import plan_form, tagged_sections

LYRICS = """[Intro]
[Verse 1]
one
two
three
four
[Chorus]
five
six
seven
eight
[outro]
"""


def _bars(count: int) -> list[Bar]:
    return [Bar(4.0 * i, 4.0, 4, 4) for i in range(count)]


def _kinds(count: int, lyrics: str = "", energy: list[float | None] | None = None) -> list[str]:
    return [s.kind for s in plan_form(_bars(count), lyrics, energy)]


def test_tags_and_their_lines_are_read() -> None:
    assert tagged_sections(LYRICS) == [("intro", 0), ("verse", 4), ("chorus", 4), ("outro", 0)]
    assert tagged_sections("【主歌】\n啦\n[副歌]\n啦\n啦") == [("verse", 1), ("chorus", 2)]
    assert tagged_sections("no tags here\n[whatever]\nla") == []


def test_tags_make_the_form() -> None:
    sections = plan_form(_bars(24), LYRICS, None)
    assert [s.kind for s in sections] == ["intro", "verse", "chorus", "outro"]
    levels = {s.kind: s.level for s in sections}
    assert levels["intro"] < levels["verse"] < levels["chorus"]
    lengths = {s.kind: s.end_quarter - s.start_quarter for s in sections}
    assert lengths["verse"] == lengths["chorus"] > lengths["outro"]


def test_louder_singing_is_the_chorus() -> None:
    energy: list[float | None] = [-20.0] * 8 + [-14.0] * 4 + [-20.0] * 4
    sections = plan_form(_bars(16), "", energy)
    assert [(s.start_quarter, s.kind) for s in sections if s.kind == "chorus"] == [(32.0, "chorus")]


def test_a_late_voice_gets_an_intro() -> None:
    energy: list[float | None] = [None] * 4 + [-18.0] * 8
    first = plan_form(_bars(12), "", energy)[0]
    assert (first.kind, first.end_quarter) == ("intro", 16.0)


def test_long_pieces_have_more_sections() -> None:
    assert _kinds(4) == ["verse"]
    assert _kinds(8) == ["verse", "chorus"]
    assert _kinds(40)[0] == "intro"
    assert _kinds(40)[-1] == "outro"


@settings(deadline=None, max_examples=80)
@given(
    st.integers(1, 80),
    st.sampled_from(["", LYRICS, "[chorus]\na\n" * 30]),
    st.one_of(
        st.none(), st.lists(st.one_of(st.none(), st.floats(-60, 0)), min_size=80, max_size=80)
    ),
    st.integers(-1, 1),
)
def test_sections_cover_all_bars_without_gaps(
    count: int, lyrics: str, energy: list[float | None] | None, density: int
) -> None:
    levels = energy[:count] if energy is not None else None
    sections = plan_form(_bars(count), lyrics, levels, density)
    assert sections[0].start_quarter == 0
    assert sections[-1].end_quarter == 4 * count
    for before, after in pairwise(sections):
        assert before.end_quarter == after.start_quarter
    assert all(0 <= s.level <= 3 for s in sections)


def test_bars_after_the_voice_are_an_outro_and_those_between_an_interlude() -> None:
    levels = [-20.0] * 4 + [None] * 4 + [-20.0] * 4 + [None] * 3
    found = plan_form(_bars(15), "", levels)
    assert [(s.kind, s.start_quarter, s.end_quarter) for s in found] == [
        ("verse", 0, 16), ("bridge", 16, 32), ("verse", 32, 48), ("outro", 48, 60),
    ]  # fmt: skip
    assert plan_form(_bars(5), "", [-20.0] * 4 + [None])[-1].kind == "verse"
