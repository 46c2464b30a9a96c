"""`/punchin/lora` from the wire to the samples: several, off again, wrong ones."""

import itertools

import numpy as np
import pytest
import soundfile
import torch
from ace_desk import music
from safetensors.torch import save_file
from wire_house import write_lora

LONG_S = 240.0
_count = itertools.count()


@pytest.fixture(scope="module")
def lora(tiny_turbo, tmp_path_factory):
    from safetensors.torch import load_file

    weights = load_file(tiny_turbo / "transformer" / "diffusion_pytorch_model.safetensors")
    own = torch.Generator().manual_seed(9)
    state = {}
    for name, weight in weights.items():
        if name.endswith("to_v.weight"):
            layer, (out, into) = name.removesuffix(".weight"), weight.shape
            state[f"transformer.{layer}.lora_A.weight"] = torch.randn(4, into, generator=own) / 6
            state[f"transformer.{layer}.lora_B.weight"] = torch.randn(out, 4, generator=own) / 6
    path = tmp_path_factory.mktemp("lora") / "x.safetensors"
    save_file(state, path)
    return str(path)


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    path = tmp_path_factory.mktemp("song") / "song.wav"
    soundfile.write(path, music(10.4), 48_000, "PCM_24")
    return str(path)


@pytest.fixture
def client(acestep_house):
    with acestep_house.tcp() as made:
        made.send("/punchin/reset")
        yield made
        made.send("/punchin/reset")


@pytest.fixture
def repaint(acestep_house, client, song):
    """Repaint with one seed; returns the job's record and the samples, None when it failed."""

    def ask(*keys):
        job_id = f"lora{next(_count)}"
        told = ("start", 4.0, "end", 6.0, "seed", 3, "bpm", 120.0, "downbeat", 0.0)
        client.send("/punchin/repaint", job_id, song, *told, *keys)
        client.until("done", "failed", "error", id=job_id, timeout=LONG_S)
        job = acestep_house.job(job_id)
        paths = [f["path"] for f in job["files"] if f["role"] == "mix"]
        return job, soundfile.read(paths[0])[0] if paths else None

    return ask


def test_on_for_later_jobs_off_again_and_for_one_job_alone(client, repaint, lora):
    _, plain = repaint()
    client.send("/punchin/lora", lora, 0.5)
    job, changed = repaint()
    assert job["request"]["lora"] == f"{lora}=0.5"
    assert np.abs(changed - plain).max() > 1e-3
    _, without = repaint("lora", "none")
    assert np.array_equal(without, plain)
    client.send("/punchin/lora", lora, 0.0)
    assert np.array_equal(repaint()[1], plain)
    assert np.array_equal(repaint("lora", f"{lora}=0.5")[1], changed)


def test_one_that_is_gone_by_now_is_told_before_the_job_is_accepted(
    acestep_house, client, repaint, song, tmp_path
):
    path = write_lora(tmp_path / "gone.safetensors")
    client.send("/punchin/lora", path)
    assert client.quiet() == []
    (tmp_path / "gone.safetensors").unlink()
    job_id = f"lora{next(_count)}"
    assert client.refused("repaint", job_id, song, "start", 4.0, "end", 6.0) == 303
    client.send("/punchin/lora", "")
    assert repaint()[0]["state"] == "done"
