"""Presets: the built-in ones are right, the user's override, broken files stop nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bridge.protocol.errors import PunchinError
from bridge.protocol.ops import KEY, OP
from daemon.core.presets import Preset, Presets, load_presets, preset_folders

GOOD = 'description = "Mine"\nops = ["repaint"]\n[values]\nstrength = 1\n'


def put(folder: Path, name: str, text: str | bytes, shelf: str = "tasks") -> Path:
    path = folder / shelf / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return path


def mistakes(folder: Path, text: str | bytes, name: str = "mine.toml") -> list[str]:
    put(folder, name, text)
    presets = load_presets([folder])
    assert presets.tasks == {}
    (broken,) = presets.broken
    assert broken.path.name == name
    return list(broken.mistakes)


# -- the built-in ones ---------------------------------------------------------------------------


def built_in() -> Presets:
    return load_presets(preset_folders()[:1])


def test_the_built_in_presets_are_all_good() -> None:
    presets = built_in()
    assert presets.broken == ()
    assert len(presets.tasks) >= 12
    assert "pop" in presets.styles


@pytest.mark.parametrize("preset", built_in().tasks.values(), ids=lambda p: p.name)
def test_a_built_in_task_is_used_whole_by_each_of_its_ops(preset: Preset) -> None:
    for op in preset.ops:
        unused = [key for key in preset.values if op not in KEY[key].ops]
        assert unused == [], f"{op} ignores {unused}"
    assert preset.description[0].isupper()
    assert not preset.description.endswith(".")


def test_every_op_that_makes_music_on_a_source_has_a_preset() -> None:
    ops = {op for preset in built_in().tasks.values() for op in preset.ops}
    assert ops == set(OP) - {"analyze"}


# -- reading -------------------------------------------------------------------------------------


def test_values_are_converted_by_the_key_table(tmp_path: Path) -> None:
    put(
        tmp_path,
        "mine.toml",
        'description = "Mine"\nops = ["repaint", "stems"]\n[values]\n'
        'strength = 1\ntakes = 2.0\nmeter = " 04/4"\nkey = "am"\nstems = ["drums", "bass"]\n',
    )
    presets = load_presets([tmp_path])
    assert presets.get("mine") == {
        "strength": 1.0,
        "takes": 2,
        "meter": "4/4",
        "key": "A minor",
        "stems": ("drums", "bass"),
    }


def test_later_folders_override_by_name(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "a", tmp_path / "b"
    put(ours, "one.toml", GOOD.replace("1", "0.1"))
    put(ours, "two.toml", GOOD.replace("1", "0.2"))
    put(theirs, "two.toml", GOOD.replace("1", "0.9"))
    put(ours, "rock.toml", 'summary = "loud"', "styles")
    put(theirs, "rock.toml", 'summary = "louder"', "styles")
    presets = load_presets([ours, theirs])
    assert presets.get("one") == {"strength": 0.1}
    assert presets.get("two") == {"strength": 0.9}
    assert presets.styles["rock"].description == "louder"


def test_the_users_folder_lies_in_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUNCHIN_CONFIG", str(tmp_path))
    put(tmp_path / "presets", "half-time.toml", GOOD)
    presets = load_presets()
    assert presets.get("half-time") == {"strength": 1.0}
    assert "busier" in presets.tasks


def test_a_style_stands_for_its_name_as_prompt(tmp_path: Path) -> None:
    put(tmp_path, "bossa-nova.toml", 'summary = "Soft and syncopated"\nwhatever = 1', "styles")
    presets = load_presets([tmp_path])
    assert presets.get("bossa-nova") == {"prompt": "bossa-nova"}
    assert presets.styles["bossa-nova"].description == "Soft and syncopated"


def test_a_task_goes_before_a_style_of_its_name(tmp_path: Path) -> None:
    put(tmp_path, "pop.toml", GOOD)
    put(tmp_path, "pop.toml", "", "styles")
    assert load_presets([tmp_path]).get("Pop ") == {"strength": 1.0}


def test_missing_folders_are_no_mistake(tmp_path: Path) -> None:
    presets = load_presets([tmp_path / "nowhere"])
    assert presets == Presets({}, {})


@pytest.mark.parametrize(
    ("name", "hint"),
    [("haf-time", "'half-time'"), ("HALFTIME", "'half-time'"), ("rok", "'rock'"), ("§", "names")],
)
def test_an_unknown_name_is_103_and_names_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(PunchinError) as caught:
        built_in().get(name)
    assert caught.value.code == 103
    assert hint in caught.value.message


def test_the_description_is_json_that_a_client_can_send_back() -> None:
    told = json.loads(json.dumps(built_in().describe()))
    tasks = {task["name"]: task for task in told["tasks"]}
    assert tasks["rhythm-section"]["values"] == {"stems": "drums,bass,other"}
    assert tasks["intro-4"]["ops"] == ["extend"]
    assert {"name", "description", "path"} == told["styles"][0].keys()
    assert told["broken"] == []
    for task in told["tasks"]:
        for key, value in task["values"].items():
            KEY[key].kind.convert(value)


# -- broken files --------------------------------------------------------------------------------


def test_a_broken_file_is_listed_and_the_others_work(tmp_path: Path) -> None:
    put(tmp_path, "good.toml", GOOD)
    bad = put(tmp_path, "bad.toml", "description = ")
    presets = load_presets([tmp_path])
    assert presets.get("good") == {"strength": 1.0}
    (told,) = presets.describe()["broken"]
    assert told["path"] == str(bad)
    assert "not valid TOML" in told["mistakes"][0]


def test_a_broken_file_of_the_user_leaves_the_built_in_one(tmp_path: Path) -> None:
    put(tmp_path / "a", "one.toml", GOOD)
    put(tmp_path / "b", "one.toml", "nonsense")
    presets = load_presets([tmp_path / "a", tmp_path / "b"])
    assert presets.get("one") == {"strength": 1.0}
    assert len(presets.broken) == 1


def test_every_mistake_of_a_file_is_told(tmp_path: Path) -> None:
    told = mistakes(
        tmp_path,
        'ops = ["repant"]\nextra = 1\n[values]\nstrenth = 1\ntakes = 9\nstart = 1\n',
    )
    assert told == [
        "values.strenth: no such key, did you mean 'strength'?",
        "values.takes: 9 is outside 1 … 8: choose a value inside",
        "values.start: belongs to a single job, leave it out",
        "description must be a text",
        f"no op 'repant': use {', '.join(OP)}",
        "'extra' is no field: use description, ops, values",
    ]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (b"\xff\xfe", "can't be read"),
        ("a = " + "[" * 100_000, "not valid TOML"),
        ("", "values must be"),
        ('description = "x"\nops = ["bgm"]\nvalues = 1', "values must be"),
        ('description = "x"\nops = []\n[values]\nseed = 1', "ops must be"),
        ('description = "x"\nops = [["bgm"]]\n[values]\nseed = 1', "no op"),
        ('description = " "\nops = ["bgm"]\n[values]\nseed = 1', "description"),
        ('description = "x"\nops = ["bgm"]\n[values]\nseed = nan', "values.seed"),
        ('description = "x"\nops = ["bgm"]\n[values]\nprompt = ["a", 1]', "values.prompt"),
        ('description = "x"\nops = ["bgm"]\n[values]\nside = "before"', "none of the ops uses it"),
        ('description = "x"\nops = ["bgm"]\n[values]\npreset = "y"', "single job"),
    ],
    ids=lambda v: str(v)[-24:],
)
def test_mistakes(tmp_path: Path, text: str | bytes, word: str) -> None:
    assert any(word in mistake for mistake in mistakes(tmp_path, text))


def test_names_that_no_one_could_type_are_refused(tmp_path: Path) -> None:
    assert "file's name" in mistakes(tmp_path, GOOD, "My Preset.toml")[0]


@pytest.mark.skipif(os.name != "posix", reason="needs symbolic links")
def test_a_folder_that_can_not_be_read_is_listed(tmp_path: Path) -> None:
    folder = tmp_path / "tasks"
    folder.symlink_to(folder)
    (broken,) = load_presets([tmp_path]).broken
    assert broken.path == folder
    assert "can't be read" in broken.mistakes[0]


def test_a_folder_named_like_a_preset_is_listed(tmp_path: Path) -> None:
    (tmp_path / "tasks" / "odd.toml").mkdir(parents=True)
    (broken,) = load_presets([tmp_path]).broken
    assert "can't be read" in broken.mistakes[0]
