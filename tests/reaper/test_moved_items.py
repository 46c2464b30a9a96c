"""A take that comes back plays, outside the region, the very samples of the old one.

Whatever was done to the item while the job ran.
"""

from __future__ import annotations

import moves
import pytest
from fake_model import Source, Take

# The item: 3 s from 1.25 s on, of a file of 4 s from 0.5 s on; 2…3 s of the project are repainted.
POSITION, LENGTH, OFFSET = 1.25, 3.0, 0.5
START, END = 2.0, 3.0

# What does not depend on the Lua is tested in one.
one_lua = pytest.mark.parametrize("desk", ["lua54"], indirect=True)


def repainted(desk, **values):
    """A repaint that ended, not delivered yet: item, old take, region in seconds of the source."""
    item = desk.item(desk.audio(seconds=4), at=POSITION, length=LENGTH, offset=OFFSET, **values)
    desk.select(START, END)
    desk.sent("Repaint time selection")
    rate = item.takes[0].values["D_PLAYRATE"]
    region = tuple(OFFSET + (t - POSITION) * rate for t in (START, END))
    return item, item.takes[0], region


def check(item, region, limit=0.0, shows=True):
    """The last take is ours: the same outside the region, new inside it."""
    old, new = item.takes[0], item.takes[-1]
    assert new.name.startswith("repaint ")
    assert item.active == len(item.takes) - 1
    outside, inside = moves.difference(old, new, region)
    assert outside <= limit
    assert (inside > 0.05) == shows


def moved(desk, item):
    with moves.edit(desk.project, "Move item"):
        item.values["D_POSITION"] = 17.123456


def to_another_track(desk, item):
    moves.to_new_track(desk.project, item)


def trimmed_left(desk, item):
    moves.trim_left(desk.project, item, 0.25)


def uncovered_left(desk, item):
    moves.trim_left(desk.project, item, -0.25)


def trimmed_right(desk, item):
    item.values["D_LENGTH"] = 2.0


def slipped(desk, item):
    item.takes[0].values["D_STARTOFFS"] += 0.25


def louder(desk, item):
    item.takes[0].values.update(D_VOL=0.25, D_PAN=-0.5)


def turned(desk, item):
    item.takes[0].values["D_VOL"] = -1.0


def faded(desk, item):
    item.values.update(D_FADEINLEN=0.5, D_FADEOUTLEN=0.5, D_VOL=0.5)


def another_take(desk, item):
    item.takes.append(Take(item=item, source=Source(path=str(desk.audio("other.wav")))))
    item.active = 1


def trimmed_and_moved(desk, item):
    trimmed_left(desk, item)
    moved(desk, item)
    to_another_track(desk, item)


MOVES = [
    moved, to_another_track, trimmed_left, uncovered_left, trimmed_right, slipped, louder, turned,
    faded, another_take, trimmed_and_moved,
]  # fmt: skip


# What an export does not hold can't come back.
CASES = [(move, 1.0) for move in MOVES]
CASES += [(move, 1.5) for move in MOVES if move not in (uncovered_left, slipped)]


@one_lua
@pytest.mark.parametrize(("move", "rate"), CASES, ids=lambda x: getattr(x, "__name__", str(x)))
def test_what_is_outside_stays(desk, move, rate):
    item, _, region = repainted(desk, D_PLAYRATE=rate)
    move(desk, item)
    before = dict(item.values)
    desk.arrive()
    check(item, region, 0.0 if rate == 1.0 else 1e-6)
    assert item.values == before


def test_a_faster_play_rate_is_taken_over(desk):
    item, _, region = repainted(desk)
    item.takes[0].values.update(D_PLAYRATE=1.25, D_PITCH=1.0, B_PPITCH=1.0)
    item.values["D_LENGTH"] = LENGTH / 1.25
    desk.arrive()
    check(item, region)


def test_take_effects_are_taken_over(desk):
    item, old, _ = repainted(desk)
    old.effects = 2
    desk.arrive()
    assert [take.effects for take in item.takes] == [2, 2]


@one_lua
@pytest.mark.parametrize("at", [0.25, 1.25, 2.5], ids=["before", "inside", "after"])
@pytest.mark.parametrize("rate", [1.0, 1.5], ids=["plain", "exported"])
def test_a_split_item(desk, at, rate):
    left, _, region = repainted(desk, D_PLAYRATE=rate)
    right = moves.split(desk.project, left, at)
    right.values["D_POSITION"] += 4.0
    desk.arrive()
    limit = 0.0 if rate == 1.0 else 1e-6
    for item, shows in ((left, at > 0.75), (right, at < 1.75)):
        if shows:
            check(item, region, limit)
        else:
            assert len(item.takes) == 1
    assert len(desk.project.items()) == 2
    assert not any(take.ext.get("punchin_jobs") for i in (left, right) for take in i.takes)


def test_split_into_many_and_the_first_deleted(desk):
    first, _, region = repainted(desk)
    second = moves.split(desk.project, first, 1.0)
    third = moves.split(desk.project, second, 0.5)
    moves.delete(desk.project, first)
    desk.arrive()
    check(second, region)
    check(third, region)
    assert len(desk.project.undo) == 4


def test_a_copy_beside_it_is_left_alone(desk):
    item, _, region = repainted(desk)
    other = moves.clone(item)
    item.track.items.append(other)
    desk.arrive()
    check(item, region)
    assert len(other.takes) == 1


def test_cut_and_pasted_elsewhere(desk):
    item, _, region = repainted(desk)
    pasted = moves.cut_and_paste(desk.project, item, 20.0)
    desk.arrive()
    check(pasted, region)


def test_undo_in_between(desk):
    item, _, region = repainted(desk)
    moved(desk, item)
    desk.world.undo()
    (item,) = desk.project.items()
    assert item.start == POSITION
    desk.arrive()
    check(item, region)


def test_the_undo_of_a_split(desk):
    item, _, region = repainted(desk)
    moves.split(desk.project, item, 1.25)
    desk.world.undo()
    (item,) = desk.project.items()
    desk.arrive()
    check(item, region)


def kept_message(desk):
    desk.world.frozen.clear()
    desk.until(lambda: desk.world.boxes)
    ((_, text),) = desk.world.boxes
    return text


def test_a_deleted_item_s_files_are_kept(desk):
    item, _, _ = repainted(desk)
    moves.delete(desk.project, item)
    text = kept_message(desk)
    assert "its item is gone" in text
    folder = text.split("kept in ")[1].rstrip(".")
    assert list(desk.folder.joinpath(folder).glob("*.wav"))
    assert not desk.project.items()
    assert [name for name, _ in desk.project.undo] == ["Delete item"]


def test_a_locked_item_is_left_alone_until_it_is_unlocked(desk):
    item, _, region = repainted(desk)
    item.values["C_LOCK"] = 1.0
    assert "locked" in kept_message(desk)
    assert (len(item.takes), desk.project.undo) == (1, [])
    item.values["C_LOCK"] = 0.0
    desk.press("Import finished jobs")
    desk.until(lambda: len(item.takes) == 2)
    check(item, region)


def test_a_part_that_was_split_off_and_locked_gets_its_take_later(desk):
    left, _, region = repainted(desk)
    right = moves.split(desk.project, left, 0.25)
    left.values["C_LOCK"] = right.values["C_LOCK"] = 1.0
    assert "locked" in kept_message(desk)
    right.values["C_LOCK"] = 0.0
    desk.press("Import finished jobs")
    desk.until(lambda: len(right.takes) == 2)
    check(right, region)
    assert len(left.takes) == 1
    assert not any(take.ext.get("punchin_jobs") for i in (left, right) for take in i.takes)


# -- sources that are not simply a file ------------------------------------------------------------


def bent_item(desk, name):
    item = desk.item(desk.audio(seconds=4), at=POSITION, length=LENGTH, offset=0.25)
    take = item.takes[0]
    if name == "reversed":
        take.source = Source(parent=take.source, section=(0.0, 4.0, True))
    elif name == "section":
        take.source = Source(parent=take.source, section=(0.5, 3.25, False))
    elif name == "stretched":
        take.stretch = [(0.0, 0.0), (1.0, 1.25), (3.0, 2.75)]
    elif name == "looped":
        item.values.update(B_LOOPSRC=1.0, D_LENGTH=9.0)
    elif name == "pitched":
        take.values["D_PITCH"] = 3.0
    elif name == "faster":
        take.values["D_PLAYRATE"] = 1.5
    elif name == "swapped":
        take.values["I_CHANMODE"] = 1.0
    elif name == "left only":
        take.values["I_CHANMODE"] = 3.0
    elif name == "beyond its end":
        item.values["D_LENGTH"] = 5.0
    return item


BENT = ["reversed", "section", "stretched", "looped", "pitched", "faster", "swapped", "left only"]
BENT += ["beyond its end"]


@one_lua
@pytest.mark.parametrize("name", BENT)
def test_a_bent_take_sounds_the_same_outside(desk, name):
    item = bent_item(desk, name)
    item.takes[0].values["D_VOL"] = 0.5
    desk.select(START, END)
    desk.delivered("Repaint time selection")
    old, new = item.takes
    assert new.source.path != old.source.root.path
    whole = item.values["D_LENGTH"]
    for start, end in ((0.0, START - POSITION), (END - POSITION, whole)):
        before, after = (desk.heard(t, item.start + start, item.start + end) for t in (old, new))
        assert abs(before - after).max() < 1e-6
    before, after = (desk.heard(t, START, END) for t in (old, new))
    assert abs(before - after).max() > 0.05


@one_lua
@pytest.mark.parametrize("action", ["Cover selected item", "Retake selected item"])
@pytest.mark.parametrize("name", ["plain", *BENT])
def test_a_variation_covers_the_item_and_only_it(desk, action, name):
    """As long as the clip, in its place: a time selection left over from before is no matter."""
    item = bent_item(desk, name)
    desk.select(2.0, 2.5)
    desk.world.ext["punchin", "prompt"] = "copy"
    desk.delivered(action)
    old, new = item.takes
    assert desk.world.undo()
    before, after = (desk.heard(t, item.start, item.end) for t in (old, new))
    # The engine gives back what it heard.
    assert abs(before - after).max() < 2e-4
    assert abs(after).max() > 0.1


# Of what loops nothing is beyond its end; the left edge of stretched items has a test of its own.
SIDES = ["plain", *BENT[:-1]]
EXTENSIONS = [("Extend item right", name) for name in SIDES]
EXTENSIONS += [("Extend item left", name) for name in SIDES if name != "stretched"]


@one_lua
@pytest.mark.parametrize(("action", "name"), EXTENSIONS)
def test_an_extension_moves_nothing(desk, action, name):
    item = bent_item(desk, name)
    item.values["D_POSITION"] = 10.0
    item.values["D_SNAPOFFSET"] = 0.5
    item.values["B_LOOPSRC"] = 1.0
    old, end = item.takes[0], item.end
    before = desk.heard(old, 10.0, end)
    desk.world.answers.append(["4"])
    desk.delivered(action)
    new = item.takes[1]
    assert abs(desk.heard(old, 10.0, end) - before).max() < 1e-9
    assert abs(desk.heard(new, 10.0, end) - before).max() < 1e-6
    assert item.start + item.values["D_SNAPOFFSET"] == pytest.approx(10.5)
    added = (
        desk.heard(new, end, item.end) if "right" in action else desk.heard(new, item.start, 10.0)
    )
    assert len(added) == pytest.approx(8 * 44100, abs=1)
    assert abs(added).max() > 0.05


def test_an_extension_of_an_item_that_was_split_goes_where_the_clip_ends(desk):
    item = desk.item(desk.audio(seconds=4), at=1.0, length=3.0)
    desk.world.answers.append(["4"])
    desk.sent("Extend item right")
    right = moves.split(desk.project, item, 1.0)
    desk.arrive()
    assert [len(item.takes), len(right.takes)] == [1, 2]
    assert item.values["D_LENGTH"] == 1.0
    assert right.values["D_LENGTH"] == pytest.approx(2.0 + 8.0)
    before, after = (desk.heard(take, 2.0, 4.0) for take in right.takes)
    assert abs(before - after).max() == 0.0


def test_an_extension_of_a_trimmed_item_keeps_its_edges(desk):
    item = desk.item(desk.audio(seconds=4), at=1.0, length=3.0)
    desk.world.answers.append(["4"])
    desk.sent("Extend item right")
    item.values["D_LENGTH"] = 2.0
    desk.arrive()
    assert item.values["D_LENGTH"] == 2.0
    before, after = (desk.heard(take, 1.0, 3.0) for take in item.takes)
    assert abs(before - after).max() == 0.0


@pytest.mark.parametrize("rate", [1.0, 1.5])
def test_stems_follow_an_item_that_was_moved_and_trimmed(desk, rate):
    item = desk.item(desk.audio(seconds=4), at=2.0, length=2.0, offset=0.5, D_PLAYRATE=rate)
    desk.sent("Vocal to BGM")
    moves.to_new_track(desk.project, item)
    moves.trim_left(desk.project, item, 0.25)
    item.values["D_POSITION"] += 6.0
    desk.arrive()
    made = [i for track in desk.project.tracks for i in track.items if i is not item]
    assert {i.start for i in made} == {8.0}
    assert desk.project.tracks[0].items == [item]
    assert all(track.items for track in desk.project.tracks[2:-1])


@pytest.mark.parametrize("marks", ["stretch", "envelopes"])
def test_an_item_with_stretch_markers_keeps_its_left_edge(desk, marks):
    item = bent_item(desk, "stretched" if marks == "stretch" else "plain")
    item.takes[0].envelopes = int(marks == "envelopes")
    item.values["D_POSITION"] = 10.0
    before = desk.heard(item.takes[0], 10.0, item.end)
    desk.world.answers.append(["4"])
    desk.delivered("Extend item left")
    old, new = item.takes
    assert item.start == 10.0
    assert abs(desk.heard(old, 10.0, item.end) - before).max() == 0.0
    assert abs(desk.heard(new, 10.0, item.end) - before).max() < 1e-6
    assert "drag its left edge" in "".join(desk.world.console)
