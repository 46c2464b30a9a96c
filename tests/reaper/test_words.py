"""Edit lyrics: an item's words, shown, kept in its notes, and sung."""

from __future__ import annotations

from steps import recipe


def notes_asked(desk, lyrics="la la / lo lo", prompt="softer"):
    desk.world.answers.append([lyrics, prompt])


def test_edited_words_are_kept_in_the_notes_and_sung(desk, reaper_house):
    item = desk.item(desk.audio())
    item.notes = "prompt: warm\n[verse]\nold words"
    notes_asked(desk, "größer / wärmer, 日本", "softer, ruhiger")
    desk.delivered("Edit lyrics of the selection", 2)
    title, names, values = desk.world.forms[0]
    assert title == "Punchin: Edit lyrics"
    assert names == ["Lyrics (new line: /)", "Prompt"]
    assert values == ["[verse] / old words", "warm"]
    assert item.notes == "prompt: softer, ruhiger\ngrößer\nwärmer, 日本"
    request = reaper_house.job(recipe(item.takes[1])["job"])["request"]
    assert (request["lyrics"], request["prompt"]) == ("größer\nwärmer, 日本", "softer, ruhiger")
    assert [name for name, _ in desk.project.undo] == ["Punchin: Edit lyrics", "Punchin: Edit"]


def test_undo_brings_the_old_words_back(desk):
    item = desk.item(desk.audio())
    item.notes = "old words"
    notes_asked(desk)
    desk.delivered("Edit lyrics of the selection", 2)
    desk.world.undo()
    desk.world.undo()
    (item,) = desk.project.items()
    assert item.notes == "old words"


def test_a_cancelled_form_changes_nothing(desk):
    item = desk.item(desk.audio())
    item.notes = "words"
    desk.world.answers.append(None)
    desk.press("Edit lyrics of the selection")
    desk.world.tick(5)
    assert (item.notes, desk.project.undo, desk.world.boxes) == ("words", [], [])


def test_several_items_are_asked_one_by_one_and_change_together(desk, reaper_house):
    first, second = desk.item(desk.audio()), desk.item(desk.audio("b.wav"), at=4.0)
    notes_asked(desk, "one", "")
    notes_asked(desk, "two", "")
    desk.delivered("Edit lyrics of the selection", 2)
    sung = [
        reaper_house.job(recipe(i.takes[1])["job"])["request"]["lyrics"] for i in (first, second)
    ]
    assert sung == ["one", "two"]
    names = [name for name, _ in desk.project.undo]
    assert names == ["Punchin: Edit lyrics", "Punchin: Edit (2 items)"]


def test_cancelling_the_second_form_leaves_the_first_item_as_it_was(desk):
    first, _ = desk.item(desk.audio()), desk.item(desk.audio("b.wav"), at=4.0)
    notes_asked(desk, "one", "")
    desk.world.answers.append(None)
    desk.press("Edit lyrics of the selection")
    desk.world.tick(5)
    assert (first.notes, desk.project.undo) == ("", [])


def test_no_words_at_all_are_told(desk):
    desk.item(desk.audio())
    notes_asked(desk, "", "")
    assert "no words" in desk.told("Edit lyrics of the selection")


def test_an_engine_that_can_t_edit_offers_a_repaint(desk):
    desk.world.ext["punchin", "engine"] = "sketch"
    item = desk.item(desk.audio(seconds=4), length=4.0)
    desk.select(1.0, 2.0)
    notes_asked(desk)
    desk.world.answers.append(6)  # yes
    desk.press("Edit lyrics of the selection")
    desk.until(lambda: desk.world.boxes)
    assert "sketch does no edit" in desk.world.boxes[0][1]
    assert "Repaint the selection with these lyrics instead?" in desk.world.boxes[0][1]
    desk.world.ext["punchin", "engine"] = "fake"
    desk.until(lambda: len(item.takes) == 2)
    assert item.takes[1].name.startswith("repaint ")


def test_an_offer_that_is_declined_does_nothing(desk):
    desk.world.ext["punchin", "engine"] = "sketch"
    item = desk.item(desk.audio())
    notes_asked(desk)
    desk.world.answers.append(7)  # no
    desk.press("Edit lyrics of the selection")
    desk.until(lambda: desk.world.boxes)
    desk.world.tick(20)
    assert (len(item.takes), len(desk.world.boxes)) == (1, 1)


def test_long_words_are_sent_from_the_notes(desk, reaper_house):
    item = desk.item(desk.audio())
    item.notes = "\n".join(f"line {i} of a long song" for i in range(60))
    desk.world.answers.append(6)
    desk.press("Edit lyrics of the selection")
    desk.until(lambda: len(item.takes) == 2)
    assert not desk.world.forms
    assert "too long for this form" in desk.world.boxes[0][1]
    assert reaper_house.job(recipe(item.takes[1])["job"])["request"]["lyrics"] == item.notes
