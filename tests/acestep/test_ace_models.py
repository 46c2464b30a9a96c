"""Fetching, checking and finding models, against a hub on loopback."""

import errno
import hashlib
import io
import json
import os
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from hub import Hub
from rich.console import Console

from bridge.protocol.errors import PunchinError
from daemon.cli import models as command
from daemon.engines.acestep.models import catalog, download, folders, remote
from daemon.engines.acestep.models.catalog import PACK, Pack, Source

REVISION = "1" * 40
WEIGHTS = np.random.Generator(np.random.PCG64(1)).bytes(3_000_000)
FILES = {
    "some/model/inside/model.safetensors": WEIGHTS,
    "some/model/inside/config.json": b'{"a": 1}',
    "some/model/inside/deep/merges.txt": b"a b\n",
    "some/model/inside/modeling.py": b"import os",
    "some/model/inside/weights.bin": b"pickle",
    "some/model/other/model.safetensors": b"not asked for",
}
SUM = hashlib.sha256(WEIGHTS).hexdigest()
SMALL = Pack(
    "small",
    "checkpoint",
    "small-folder",
    Source("some/model", REVISION, "inside"),
    len(WEIGHTS),
    "MIT",
    "a test",
    (),
    {"model.safetensors": SUM},
)


@pytest.fixture
def hub():
    made = Hub(dict(FILES))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    for asks in (remote.fetch, remote.listing):
        monkeypatch.setattr(asks, "__defaults__", (lambda seconds: None,))


class Told:
    """What a pull announced: names, and how many bytes came."""

    def __init__(self):
        self.names, self.count = [], 0

    def __call__(self, name, size):
        self.names.append((name, size))
        return self._came

    def _came(self, count):
        self.count += count


def pulled(hub, home, pack=SMALL):
    told = Told()
    assert download.pull(pack, home, hub.address, told)
    return told


def test_a_pack_comes_whole_and_without_code(hub, tmp_path):
    told = pulled(hub, tmp_path)
    folder = tmp_path / "small-folder"
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    assert names == ["config.json", "deep/merges.txt", "model.safetensors", "punchin-pack.json"]
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert told.count == len(WEIGHTS) + 8 + 4
    manifest = json.loads((folder / "punchin-pack.json").read_text())
    assert (manifest["repository"], manifest["revision"]) == ("some/model", REVISION)
    assert all(REVISION in path for path, _ in hub.asked)
    assert download.verify(folder, Told()) == []
    assert not download.pull(SMALL, tmp_path, "http://127.0.0.1:9", told)


def test_the_hub_of_these_tests_is_one_to_the_official_client(hub):
    """The oracle: huggingface_hub reads the same names, sizes and sums from it."""
    official = pytest.importorskip("huggingface_hub").HfApi(endpoint=hub.address)
    tree = official.list_repo_tree("some/model", "inside", revision=REVISION, recursive=True)
    theirs = {
        entry.path: (entry.size, entry.lfs and entry.lfs.sha256, entry.blob_id)
        for entry in tree
        if hasattr(entry, "blob_id")
    }
    for file in remote.listing(hub.address, SMALL.source):
        assert theirs[file.path] == (file.size, file.sha256, file.git_sha1)


def test_a_line_that_breaks_is_taken_up_where_it_broke(hub, tmp_path):
    hub.cut_after = [None, 1_000_000, 500_000, 100]
    told = pulled(hub, tmp_path)
    assert [r for path, r in hub.asked if path.endswith("model.safetensors")] == [
        None, "bytes=1000000-", "bytes=1500000-", "bytes=1500100-",
    ]  # fmt: skip
    assert told.count == len(WEIGHTS) + 8 + 4
    assert (tmp_path / "small-folder" / "model.safetensors").read_bytes() == WEIGHTS


def test_a_pull_that_was_stopped_goes_on_and_is_no_model_meanwhile(hub, tmp_path):
    hub.cut_after = [None, 1_000_000, *[0] * 5]
    with pytest.raises(PunchinError, match="goes on where it stopped") as caught:
        download.pull(SMALL, tmp_path, hub.address, Told())
    assert caught.value.code == 302
    assert not (tmp_path / "small-folder").exists()
    with pytest.raises(PunchinError) as nothing:
        folders.look(tmp_path)
    assert nothing.value.code == 303
    hub.asked.clear()
    pulled(hub, tmp_path)
    assert ("bytes=1000000-") in [r for _, r in hub.asked]


def test_a_server_without_ranges_begins_again(hub, tmp_path):
    hub.ranges = False
    hub.cut_after = [None, 1_000_000, 300_000]
    told = pulled(hub, tmp_path)
    assert (tmp_path / "small-folder" / "model.safetensors").read_bytes() == WEIGHTS
    assert told.count == len(WEIGHTS) + 8 + 4


@pytest.mark.parametrize(
    "other",
    [WEIGHTS[:-1] + bytes([WEIGHTS[-1] ^ 1]), WEIGHTS + b"x"],
    ids=["another byte", "longer"],
)
def test_other_bytes_than_published_are_refused(hub, tmp_path, other):
    hub.served = {"some/model/inside/model.safetensors": other}
    with pytest.raises(PunchinError, match="published") as caught:
        download.pull(SMALL, tmp_path, hub.address, Told())
    assert caught.value.code == 303
    assert not (tmp_path / "small-folder").exists()
    hub.served = {}
    pulled(hub, tmp_path)


def test_small_files_have_sums_too(hub, tmp_path):
    hub.served = {"some/model/inside/config.json": b'{"a": 2}'}
    with pytest.raises(PunchinError, match=r"config\.json gave other bytes"):
        download.pull(SMALL, tmp_path, hub.address, Told())


def test_a_mirror_that_lists_other_weights_than_the_catalogue_is_refused(hub, tmp_path):
    hub.files["some/model/inside/model.safetensors"] = b"x" * 100
    with pytest.raises(PunchinError, match="has another") as caught:
        download.pull(SMALL, tmp_path, hub.address, Told())
    assert caught.value.code == 303
    del hub.files["some/model/inside/model.safetensors"]
    with pytest.raises(PunchinError, match=r"lacks \S+/model\.safetensors: set another"):
        download.pull(SMALL, tmp_path, hub.address, Told())
    assert [path for path, _ in hub.asked if "resolve" in path] == []


@pytest.mark.parametrize("name", ["../evil.json", "/etc/x.json", "a\\b.json"])
def test_a_name_that_leads_out_is_refused(hub, tmp_path, name):
    hub.files[f"some/model/inside/{name}"] = b"{}"
    with pytest.raises(PunchinError, match="something else than a list") as caught:
        download.pull(SMALL, tmp_path, hub.address, Told())
    assert caught.value.code == 303


def test_a_server_in_trouble_is_asked_again_a_refusal_is_not(hub, tmp_path):
    hub.statuses = [429, 503, 200, 503, 429, 500]
    pulled(hub, tmp_path)
    hub.statuses, hub.asked = [200, 404], []
    with pytest.raises(PunchinError, match="404") as caught:
        download.pull(SMALL, tmp_path / "again", hub.address, Told())
    assert caught.value.code == 302
    assert len(hub.asked) == 2
    hub.statuses, hub.asked = [403], []
    with pytest.raises(PunchinError, match="403"):
        download.pull(SMALL, tmp_path / "again", hub.address, Told())
    assert len(hub.asked) == 1


def test_no_answer_and_a_page_in_place_of_a_list(hub, tmp_path):
    hub.statuses = [502] * 5
    with pytest.raises(PunchinError, match="502") as caught:
        download.pull(SMALL, tmp_path, hub.address, Told())
    assert caught.value.code == 302
    with pytest.raises(PunchinError) as caught:
        download.pull(SMALL, tmp_path, f"{hub.address}/some/model/resolve/1/inside/x?", Told())
    assert caught.value.code in (302, 303)


def test_too_little_room_is_told_before_anything_comes(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=100_000_000))
    with pytest.raises(PunchinError, match=r"0\.2 GB are needed .* 0\.1 GB are free") as caught:
        download.pull(SMALL, tmp_path, hub.address, Told())
    assert caught.value.code == 400
    assert [path for path, _ in hub.asked if "resolve" in path] == []


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, 400), (errno.EIO, 401)])
def test_a_disk_that_takes_no_more_is_no_broken_line(hub, tmp_path, monkeypatch, number, code):
    written = remote._write

    def full(stream, piece):
        if stream.tell() + len(piece) > 2_000_000:
            raise OSError(number, os.strerror(number))
        written(stream, piece)

    with monkeypatch.context() as patched:
        patched.setattr(remote, "_write", full)
        with pytest.raises(PunchinError, match=r"model\.safetensors") as caught:
            download.pull(SMALL, tmp_path, hub.address, Told())
    assert caught.value.code == code
    assert len([path for path, _ in hub.asked if path.endswith("model.safetensors")]) == 1
    pulled(hub, tmp_path)
    assert (tmp_path / "small-folder" / "model.safetensors").read_bytes() == WEIGHTS


def test_what_is_on_disk_is_what_was_counted(tmp_path):
    class Slow:
        def __init__(self):
            self.taken = b""

        def write(self, piece):
            self.taken += bytes(piece[:3])
            return min(3, len(piece))

    stream = Slow()
    remote._write(stream, b"0123456789")
    assert stream.taken == b"0123456789"


def test_a_listing_without_end_is_refused(hub, monkeypatch):
    monkeypatch.setattr(remote, "_MOST_LISTING_BYTES", 100)
    with pytest.raises(PunchinError, match="something else than a list") as caught:
        remote.listing(hub.address, SMALL.source)
    assert caught.value.code == 303


def test_verify_names_what_was_damaged_and_what_is_missing(hub, tmp_path):
    pulled(hub, tmp_path)
    folder = tmp_path / "small-folder"
    content = bytearray(WEIGHTS)
    content[1_234_567] ^= 1
    (folder / "model.safetensors").write_bytes(content)
    (folder / "deep" / "merges.txt").unlink()
    assert sorted(download.verify(folder, Told())) == [
        f"{folder / 'deep' / 'merges.txt'} is missing",
        f"{folder / 'model.safetensors'} is damaged",
    ]


# -- the catalogue -------------------------------------------------------------------------------


def test_every_pack_is_pinned_and_brings_what_it_needs():
    for name, pack in PACK.items():
        assert pack.name == name
        assert len(pack.source.revision) == 40
        assert int(pack.source.revision, 16)
        assert all(len(s) == 64 and int(s, 16) for s in pack.sha256.values())
        assert set(pack.needs) <= PACK.keys()
        assert pack.size > 10_000_000
        assert pack.licence in ("MIT", "Apache-2.0")
    assert len({pack.folder for pack in PACK.values()}) == len(PACK)
    wanted = {"turbo", "base", "sft", "xl-turbo", "xl-base", "xl-sft", "htdemucs"}
    assert wanted | {"lm-0.6b", "lm-1.7b", "lm-4b"} <= PACK.keys()


def test_a_checkpoint_brings_vae_and_text_encoder_once():
    names = [pack.name for pack in download.with_needs(["turbo", "base"])]
    assert names == ["turbo", "vae", "text-encoder", "base"]
    with pytest.raises(PunchinError, match="choose one of turbo") as caught:
        download.with_needs(["turb"])
    assert caught.value.code == 302


# -- the command ---------------------------------------------------------------------------------


@pytest.fixture
def shelf(hub, tmp_path, monkeypatch):
    """The command's settings on the hub, the catalogue with two small packs."""
    needy = Pack("needy", "checkpoint", "needy", Source("some/model", REVISION, "other"), 13,
                 "MIT", "needs small", ("small",))  # fmt: skip
    monkeypatch.setattr(command, "PACK", {"small": SMALL, "needy": needy})
    monkeypatch.setattr(catalog, "PACK", command.PACK)
    monkeypatch.setattr(download, "PACK", command.PACK)
    monkeypatch.setenv("PUNCHIN_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("PUNCHIN_MODELS_FOLDER", str(tmp_path / "models"))
    monkeypatch.setenv("PUNCHIN_MODELS_MIRROR", f"{hub.address}/")
    return tmp_path / "models"


def test_pull_shows_the_licence_first_and_asks(shelf, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: "n")
    assert command.main(["pull", "small"]) == 1
    assert "licence MIT as some/model at 111111111111" in capsys.readouterr().out
    assert not (shelf / "small-folder").exists()
    monkeypatch.setattr("builtins.input", lambda question: "y")
    assert command.main(["pull", "needy"]) == 0
    assert (shelf / "small-folder" / "config.json").is_file()
    assert (shelf / "needy" / "model.safetensors").is_file()


def test_a_script_says_yes(shelf, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert command.main(["pull", "small"]) == 1
    assert "say --yes" in capsys.readouterr().err
    assert command.main(["pull", "small", "--yes"]) == 0
    out = capsys.readouterr().out
    assert "small-folder/model.safetensors (3.0 MB)" in out
    assert command.main(["verify"]) == 0
    assert "small: whole" in capsys.readouterr().out
    (shelf / "small-folder" / "config.json").write_bytes(b"{}")
    assert command.main(["verify", "small"]) == 1
    assert "config.json is damaged" in capsys.readouterr().out


def test_offline_opens_no_connection(shelf, hub, capsys, monkeypatch):
    monkeypatch.setenv("PUNCHIN_MODELS_OFFLINE", "true")
    assert command.main(["pull", "small", "--yes"]) == 1
    assert "models.offline" in capsys.readouterr().err
    assert hub.asked == []


@pytest.mark.parametrize("inside", ["", "models"])
def test_a_folder_that_cannot_be_made_is_401(shelf, capsys, monkeypatch, tmp_path, inside):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("PUNCHIN_MODELS_FOLDER", str(tmp_path / "file" / inside))
    assert command.main(["pull", "small", "--yes"]) == 1
    assert "401 write-failed" in capsys.readouterr().err


def test_list_and_path(shelf, capsys):
    assert command.main(["path"]) == 0
    assert command.main(["path", "small"]) == 0
    assert capsys.readouterr().out.split() == [str(shelf), str(shelf / "small-folder")]
    assert command.main(["pull", "small", "--yes"]) == 0
    capsys.readouterr()
    assert command.main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["here", "needy"]
    assert command.main(["list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["models"]
    assert [(row["name"], row["here"]) for row in rows] == [("small", True), ("needy", False)]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["pull", "nothing"], "no model is called nothing"),
        (["verify", "nothing"], "no model is called nothing"),
        (["verify", "small"], "small is not here"),
        (["verify"], "no model is here"),
    ],
)
def test_what_is_not_there(shelf, capsys, words, told):
    assert command.main(words) == 1
    assert told in capsys.readouterr().err


def test_what_somebody_put_there_is_checked_by_its_headers(shelf, tiny_turbo, capsys):
    shutil.copytree(tiny_turbo, shelf / "small-folder")
    assert command.main(["verify", "small"]) == 0
    weights = shelf / "small-folder" / "vae" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-9])
    assert command.main(["verify", "small"]) == 1
    assert "cut off" in capsys.readouterr().out


def test_somebody_who_looks_sees_a_bar_for_each_file(shelf, hub, monkeypatch):
    shown = io.StringIO()
    screen = Console(file=shown, force_terminal=True, width=100)
    monkeypatch.setattr(command, "_SHOW", screen)
    hub.cut_after = [None, 1_000_000]
    assert command.main(["pull", "small", "--yes"]) == 0
    assert "small-folder/model.safetensors" in shown.getvalue()
    assert "3.0/3.0 MB" in shown.getvalue()
