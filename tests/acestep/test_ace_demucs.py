"""Stems by Demucs: a random model of the real architecture in a folder as the hub has it."""

import importlib.util
import json

import numpy as np
import pytest
import torch

from bridge.protocol.errors import PunchinError
from daemon.engines.acestep.separate import demucs
from daemon.engines.base import Cancelled

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("demucs") is None,
    reason="demucs missing: pip install 'punchin[stems]'",
)

SOURCES = ["drums", "bass", "other", "vocals"]
SMALL = {"sources": SOURCES, "channels": 8, "t_layers": 1, "t_heads": 2, "depth": 4}
CPU = torch.device("cpu")


def arguments(sources=SOURCES):
    segment = {"_type": "fraction", "numerator": 6, "denominator": 5}
    return {**SMALL, "sources": sources, "segment": segment, "no_such_argument": 1}


def write_model(path, seed, sources=SOURCES, **changes):
    from demucs.htdemucs import HTDemucs
    from safetensors.torch import save_file

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = HTDemucs(**{**SMALL, "sources": sources, "segment": 1.2})
    facts = {
        "klass": "demucs.htdemucs.HTDemucs",
        "args": "[]",
        "kwargs": json.dumps(arguments(sources)),
    }
    state = {name: t.half().contiguous() for name, t in model.state_dict().items()}
    save_file(state, path, metadata={**facts, **changes})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    home = tmp_path_factory.mktemp("demucs") / "htdemucs"
    home.mkdir()
    (home / "htdemucs.yaml").write_text("models: ['abc']\n")
    write_model(home / "abc.safetensors", 5)
    return home


@pytest.fixture(scope="module")
def bag(folder):
    return demucs.load(folder, CPU)


def noise(frames, seed=1):
    return np.random.default_rng(seed).normal(0, 0.1, (frames, 2)).astype(np.float32)


def gathered(bag, clip, rate):
    told = []
    blocks = list(demucs.split(bag, clip, rate, lambda: None, told.append))
    assert told == sorted(told)
    assert told[-1] == 1.0
    return {name: np.concatenate([b[name] for b in blocks]) for name in blocks[0]}


@pytest.mark.parametrize("frames", [44_100 * 3 + 7, 30_001, 52_920])
def test_at_its_own_rate_it_is_what_demucs_makes(bag, frames):
    from demucs.apply import apply_model

    clip = noise(frames)
    level = clip.mean(axis=1).std()
    mix = torch.from_numpy(clip.T.copy())[None] / level
    wanted = apply_model(bag.models[0], mix, shifts=0, split=True)[0].numpy() * level
    found = gathered(bag, clip, 44_100)
    for i, name in enumerate(SOURCES):
        if name != "other":
            assert np.abs(found[name] - wanted[i].T).max() < 1e-5 * np.abs(wanted).max()


@pytest.mark.parametrize(("frames", "rate"), [(96_001, 48_000), (70_003, 44_100), (50_021, 32_000)])
def test_the_stems_sum_to_the_clip_at_any_length_and_rate(bag, frames, rate):
    clip = noise(frames)
    stems = gathered(bag, clip, rate)
    assert set(stems) == set(SOURCES)
    assert all(stem.shape == clip.shape for stem in stems.values())
    assert np.abs(sum(stems.values()) - clip).max() < 1e-6
    assert np.square(stems["vocals"]).mean() > 0


def test_resampled_in_blocks_it_is_the_same_as_in_one(bag, monkeypatch):
    """Blocks end where filters still ring; their seams must not be heard."""
    from daemon.audio import resample

    clip = noise(48_000 * 4 + 11)
    found = gathered(bag, clip, 48_000)
    at_model = resample.resample(clip, 48_000, 44_100)
    parts = list(
        demucs._estimates(
            bag, at_model, 44_100, len(at_model), demucs._level(clip, 48_000), lambda: None
        )
    )
    whole = resample.resample(np.concatenate(parts), 44_100, 48_000)[: len(clip)]
    vocals = whole[:, 6:8]
    inner = slice(4800, -4800)
    rest = found["vocals"][inner] - vocals[inner]
    assert 20 * np.log10(np.abs(rest).max() / np.abs(vocals).max()) < -60


def test_a_bag_weighs_its_models(tmp_path):
    home = tmp_path / "bag"
    home.mkdir()
    weights = [[1, 0, 1, 0], [0, 1, 1, 3]]
    (home / "htdemucs_ft.yaml").write_text(f"models: [a, b]\nweights: {weights}\nsegment: 1\n")
    for seed, name in enumerate("ab"):
        write_model(home / f"{name}.safetensors", seed)
    bag = demucs.load(home, CPU)
    assert bag.segment == 44_100
    assert torch.allclose(bag.weights, torch.tensor([[1, 0, 0.5, 0], [0, 1, 0.5, 1]]))
    clip = noise(20_000)
    both = gathered(bag, clip, 44_100)
    one = demucs.Demucs("a", bag.models[:1], torch.ones(1, 4), bag.sources, 44_100, 44_100, CPU)
    assert np.abs(both["drums"] - gathered(one, clip, 44_100)["drums"]).max() < 1e-6
    assert np.abs(both["bass"] - gathered(one, clip, 44_100)["bass"]).max() > 1e-4


def test_six_sources_have_the_names_of_the_protocol(tmp_path):
    home = tmp_path / "six"
    home.mkdir()
    (home / "htdemucs_6s.yaml").write_text("models: [a]\n")
    write_model(home / "a.safetensors", 1, [*SOURCES, "guitar", "piano"])
    bag = demucs.load(home, CPU)
    assert bag.sources == ("drums", "bass", "other", "vocals", "guitar", "keyboard")
    assert set(gathered(bag, noise(9_000), 44_100)) == set(bag.sources)


def test_silence_stays_silence(bag):
    stems = gathered(bag, np.zeros((60_000, 2), np.float32), 48_000)
    assert all(np.isfinite(stem).all() for stem in stems.values())
    assert np.abs(sum(stems.values())).max() < 1e-6


@pytest.mark.parametrize("at", [1, 2, 9, 40])
def test_a_cancel_ends_it_within_a_segment(bag, at):
    calls = []

    def check():
        calls.append(1)
        if len(calls) == at:
            raise Cancelled

    short = noise(bag.segment + 1)
    with pytest.raises(Cancelled):
        list(demucs.split(bag, short, 44_100, check, lambda share: None))
    assert len(calls) == at
    # It is as good as new: nothing of the cancelled run hangs on to the model.
    before = len(calls)
    gathered(bag, short, 44_100)
    assert len(calls) == before


def broken_yaml(home):
    (home / "x.yaml").write_text("models: 3\n")


def other_class(home):
    (home / "x.yaml").write_text("models: [a]\n")
    write_model(home / "a.safetensors", 1, klass="os.system")


def other_shape(home):
    (home / "x.yaml").write_text("models: [a]\n")
    write_model(home / "a.safetensors", 1, kwargs=json.dumps({**arguments(), "channels": 16}))


def no_safetensors(home):
    (home / "x.yaml").write_text("models: [a]\n")
    (home / "a.safetensors").write_bytes(b"not at all")


def a_path_outside(home):
    (home / "x.yaml").write_text("models: ['../a']\n")


@pytest.mark.parametrize(
    "spoil", [broken_yaml, other_class, other_shape, no_safetensors, a_path_outside, lambda h: None]
)
def test_a_bad_folder_is_303(tmp_path, spoil):
    spoil(tmp_path)
    with pytest.raises(PunchinError) as caught:
        demucs.load(tmp_path, CPU)
    assert caught.value.code == 303


def test_a_missing_file_is_302_and_named(tmp_path):
    (tmp_path / "x.yaml").write_text("models: [gone]\n")
    with pytest.raises(PunchinError, match=r"gone\.safetensors") as caught:
        demucs.load(tmp_path, CPU)
    assert caught.value.code == 302


def test_of_a_clip_heard_with_more_only_the_part_is_handed_over(monkeypatch):
    from ace_desk import Desk, asked

    from daemon.engines.acestep.ops.stems import by_demucs
    from daemon.engines.acestep.share import Share

    clip = np.random.default_rng(1).standard_normal((48_000 * 3, 2)).astype(np.float32)
    blocks = [{"drums": clip[a : a + 20_000]} for a in range(0, len(clip), 20_000)]
    monkeypatch.setattr(demucs, "split", lambda *args: iter(blocks))
    desk, request = Desk(), asked("stems", clip, (0.5, 2.25))
    by_demucs(None, request, ("drums",), Share(desk, 0.0, 1.0, "separating"))
    span = request.spans[0]
    assert desk.start("stem:drums") == span.start
    assert np.array_equal(desk.sounds()["stem:drums"], clip[span.start : span.end])
