"""Settings: defaults, the file, what overrides it, and every mistake at once."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from daemon.core import settings_page
from daemon.core.schema import ROWS, SECTIONS
from daemon.core.sections import Settings
from daemon.core.settings import _MADE, SettingsError, default_path, load, told_to_engines


def written(folder: Path, text: str) -> Path:
    path = folder / "punchin.toml"
    path.write_bytes(text.encode("utf-8"))
    return path


def mistakes(path: Path | None = None, environ: Any = None, **overrides: Any) -> tuple[str, ...]:
    names = {name.replace("__", "."): value for name, value in overrides.items()}
    with pytest.raises(SettingsError) as caught:
        load(path, environ or {}, names)
    return caught.value.mistakes


# -- the schema ----------------------------------------------------------------------------------


def test_rows_and_dataclasses_are_the_same_list() -> None:
    assert [f.name for f in dataclasses.fields(Settings)] == list(SECTIONS) == list(_MADE)
    for section, made in _MADE.items():
        keys = [row.key for row in ROWS if row.section == section]
        assert [f.name for f in dataclasses.fields(made)] == keys


def test_every_default_is_legal_as_written_in_the_page() -> None:
    for row in ROWS:
        (value,) = tomllib.loads(f"x = {settings_page.toml(row.default)}").values()
        assert row.form.check(value) == row.default


def test_the_page_is_fresh() -> None:
    assert settings_page.main(["--check"]) == 0, "run python -m daemon.core.settings_page"


def test_a_stale_page_is_told(tmp_path: Path, capsys: Any) -> None:
    page = tmp_path / "settings.md"
    assert settings_page.main(["--check"], page) == 1
    assert settings_page.main([], page) == 0
    assert settings_page.main(["--check"], page) == 0
    for row in ROWS:
        assert f"| `{row.key}` | {row.form.range} |" in page.read_text("utf-8")
        assert f"`{row.variable}`" in page.read_text("utf-8")


# -- where values come from ----------------------------------------------------------------------


def test_without_a_file_everything_has_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUNCHIN_CONFIG", str(tmp_path))
    settings = load(environ={})
    for row in ROWS:
        assert getattr(getattr(settings, row.section), row.key) == row.default


def test_the_default_file_lies_in_the_configuration_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUNCHIN_CONFIG", str(tmp_path))
    written(tmp_path, "[server]\nport = 9999\n")
    assert default_path() == tmp_path / "punchin.toml"
    assert load(environ={}).server.port == 9999


def test_environment_beats_the_file_and_the_command_line_beats_both(tmp_path: Path) -> None:
    path = written(tmp_path, '[server]\nport = 1\nhost = "file"\n[engine]\nname = "a"\n')
    environ = {"PUNCHIN_SERVER_PORT": "2", "PUNCHIN_ENGINE_NAME": "b", "PUNCHIN_HOME": "/h"}
    settings = load(path, environ, {"server.port": 3, "engine.model": None})
    assert settings.server.port == 3
    assert settings.server.host == "file"
    assert settings.engine.name == "b"


def test_values_of_every_form(tmp_path: Path) -> None:
    root = str(tmp_path)
    path = written(
        tmp_path,
        f"[server]\nport = 0\nroots = ['{root}', '~/music']\n[jobs]\nstall_s = 7\n"
        "[engine]\nmodel = '~/models/x'\n[log]\nlevel = 'debug'\n",
    )
    settings = load(path, {})
    assert settings.server.port == 0
    assert settings.server.roots == (tmp_path, Path("~/music").expanduser())
    assert settings.engine.model == Path("~/models/x").expanduser()
    assert (settings.jobs.stall_s, type(settings.jobs.stall_s)) == (7.0, float)
    assert settings.log.level == "debug"


def test_lists_and_numbers_from_the_environment(tmp_path: Path) -> None:
    roots = os.pathsep.join([str(tmp_path), str(tmp_path / "b")])
    environ = {"PUNCHIN_SERVER_ROOTS": roots, "PUNCHIN_JOBS_CANCEL_S": "0.5"}
    settings = load(written(tmp_path, ""), environ)
    assert settings.server.roots == (tmp_path, tmp_path / "b")
    assert settings.jobs.cancel_s == 0.5
    assert load(written(tmp_path, ""), {"PUNCHIN_ENGINE_MODEL": ""}).engine.model is None


@pytest.mark.parametrize(
    ("given", "taken"),
    [("true", True), ("1", True), ("False", False), ("0", False)],
)
def test_a_flag_from_the_environment(tmp_path: Path, given: str, taken: bool) -> None:
    environ = {"PUNCHIN_MODELS_OFFLINE": given}
    assert load(written(tmp_path, ""), environ).models.offline is taken


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("engine.device", ("auto", "cpu", "cuda", "cuda:3"), ("gpu", "cuda:", "CUDA", "cuda:1:2")),
        (
            "models.mirror",
            ("https://a.b", "http://127.0.0.1:8000/x"),
            ("a.b", "ftp://a", "https://"),
        ),
        ("models.offline", (True, False), ("maybe", 1, "")),
    ],
)
def test_what_a_pattern_and_a_flag_take(
    tmp_path: Path, name: str, good: tuple[Any, ...], bad: tuple[Any, ...]
) -> None:
    for value in good:
        settings = load(written(tmp_path, ""), {}, {name: value})
        section, _, key = name.partition(".")
        assert getattr(getattr(settings, section), key) == value
    for value in bad:
        assert len(mistakes(written(tmp_path, ""), **{name.replace(".", "__"): value})) == 1


def test_what_engines_are_told(tmp_path: Path) -> None:
    given = {"engine.device": "cuda:1", "engine.budget_gb": 10, "models.folder": str(tmp_path)}
    told = told_to_engines(load(written(tmp_path, ""), {}, given))
    assert told["PUNCHIN_ENGINE_DEVICE"] == "cuda:1"
    assert told["PUNCHIN_ENGINE_BUDGET_GB"] == "10.0"
    assert told["PUNCHIN_MODELS_FOLDER"] == str(tmp_path)
    assert told["PUNCHIN_ENGINE_SOUNDFONT"] == ""


def test_a_file_from_a_windows_editor_is_read(tmp_path: Path) -> None:
    assert load(written(tmp_path, "\ufeff[server]\r\nport = 7\r\n"), {}).server.port == 7


# -- mistakes ------------------------------------------------------------------------------------


def test_every_mistake_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "# mine\n[server]\nport = 99999\nprot = 1\n\n[servr]\na = 1\n[jobs]\n"
        "stall_s = 'long'\n\"queue\" = 1.5\nattempts = true\n",
    )
    told = mistakes(path, {"PUNCHIN_LOG_LEVEL": "loud", "PUNCHIN_LOG_LEVLE": "x"}, server__prot=1)
    assert told == (
        f"{path}, line 3: server.port must be a whole number from 0 to 65,535, not 99999",
        f"{path}, line 4: no setting 'server.prot': did you mean server.port?",
        f"{path}, line 6: no section 'servr': did you mean server?",
        f"{path}, line 9: jobs.stall_s must be a number from 1 to 86,400 (s), not 'long'",
        f"{path}, line 10: jobs.queue must be a whole number from 1 to 100,000, not 1.5",
        f"{path}, line 11: jobs.attempts must be a whole number from 1 to 10, not True",
        "PUNCHIN_LOG_LEVEL: log.level must be one of debug, info, warning, error, not 'loud'",
        "PUNCHIN_LOG_LEVLE: no setting of this name: did you mean PUNCHIN_LOG_LEVEL?",
        "command line: no setting 'server.prot': did you mean server.port?",
    )


def test_dotted_keys_have_a_line_too(tmp_path: Path) -> None:
    (told,) = mistakes(written(tmp_path, "\nserver.port = -1\n"))
    assert ", line 2: server.port" in told


@pytest.mark.parametrize(
    "line",
    [
        "[server]\nport = '80'",
        "[server]\nport = 80.0",
        "[server]\nhost = ''",
        "[server]\nhost = 7",
        "[server]\nroots = '/music'",
        "[server]\nroots = ['music']",
        "[server]\nroots = [7]",
        "[engine]\nmodel = 'relative/model'",
        "[engine]\nname = '  '",
        "[jobs]\nstall_s = nan",
        "[jobs]\nstall_s = inf",
        "[jobs]\ncancel_s = 0",
        "[jobs]\nqueue = 0",
        "[log]\nlevel = 'INFO'",
        "[audio]\nrate = 1979-05-27",
        "server = 1",
    ],
)
def test_one_mistake(tmp_path: Path, line: str) -> None:
    (told,) = mistakes(written(tmp_path, line))
    assert "punchin.toml, line " in told
    assert "\n" not in told


def test_wrong_words_in_the_environment_and_on_the_command_line() -> None:
    path = Path(os.devnull)
    assert len(mistakes(path, {"PUNCHIN_SERVER_PORT": "eighty"})) == 1
    assert len(mistakes(path, {"PUNCHIN_SERVER_PORT": ""})) == 1
    assert len(mistakes(path, {}, server__port="80a")) == 1
    assert len(mistakes(path, {}, server__port=80.5)) == 1
    assert load(path, {"PUNCHIN_UNRELATED": "x", "PUNCHINSERVER_PORT": "1"}).server.port == 9140


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    assert "no such file" in mistakes(tmp_path / "missing.toml")[0]
    assert "can't be read" in mistakes(tmp_path)[0]
    binary = tmp_path / "x.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    assert "can't be read" in mistakes(binary)[0]
    (told,) = mistakes(written(tmp_path, "[server\nport = 1"))
    assert "not valid TOML" in told
    assert "line 1" in told
    assert "not valid TOML" in mistakes(written(tmp_path, "a = " + "[" * 100_000))[0]


def test_a_settings_error_reads_as_one_mistake_a_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(written(tmp_path, "[server]\nport = -1\nx = 1"), {})
    assert str(caught.value).splitlines() == list(caught.value.mistakes)
