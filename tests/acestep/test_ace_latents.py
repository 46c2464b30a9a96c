"""Tiles of the VAE give what the whole would, and are asked before each whether to go on."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="NOT TESTED, torch is not installed")

from daemon.audio.clips import HeldClip  # noqa: E402
from daemon.engines.acestep.latents.decode import chunks, decode  # noqa: E402
from daemon.engines.acestep.latents.encode import encode, frames_of, tiles  # noqa: E402
from daemon.engines.acestep.parts import HOP, RATE  # noqa: E402

SECONDS = 6.3


@pytest.fixture(scope="module")
def vae(tiny_turbo, pipeline):
    return pipeline(tiny_turbo).vae


@pytest.fixture(scope="module")
def clip():
    rng = np.random.Generator(np.random.PCG64(5))
    return (0.1 * rng.standard_normal((round(SECONDS * RATE), 2))).astype(np.float32)


@pytest.fixture(scope="module")
def latents(vae, clip):
    return encode(vae, clip)


def _db(error, reference):
    return 20 * np.log10(np.sqrt(np.mean(error**2)) / np.sqrt(np.mean(reference**2)) + 1e-12)


def test_latents_are_the_posteriors_mean_of_the_clip_filled_up_to_whole_frames(vae, clip, latents):
    filled = np.pad(clip, ((0, frames_of(len(clip)) * HOP - len(clip)), (0, 0)))
    with torch.no_grad():
        whole = vae.encode(torch.from_numpy(filled.T)[None]).latent_dist.mean[0].T
    assert latents.shape == (frames_of(len(clip)), vae.config.decoder_input_channels)
    assert _db((latents - whole).numpy(), whole.numpy()) < -100


@pytest.mark.parametrize("tile", [17, 40, 100])
def test_tiles_equal_the_whole(vae, clip, latents, tile):
    tiled = encode(vae, HeldClip(clip, RATE), tile=tile)
    assert _db((tiled - latents).numpy(), latents.numpy()) < -100


def test_a_halo_that_is_too_short_would_be_heard(vae, clip, latents):
    """What makes the test above mean something: an edge without its neighbours is another one."""
    alone = encode(vae, clip[40 * HOP : 80 * HOP])
    assert _db((alone[:3] - latents[40:43]).numpy(), latents[40:43].numpy()) > -60
    assert _db((alone[8:32] - latents[48:72]).numpy(), latents[48:72].numpy()) < -100


def test_a_part_hears_its_neighbours(vae, clip, latents):
    part = encode(vae, clip, 30, 70)
    assert _db((part - latents[30:70]).numpy(), latents[30:70].numpy()) < -100


def test_beyond_the_end_there_is_silence(vae, clip, latents):
    longer = encode(vae, clip, 0, len(latents) + 20)
    assert longer.shape == (len(latents) + 20, vae.config.decoder_input_channels)
    assert _db((longer[:-30] - latents[:-10]).numpy(), latents[:-10].numpy()) < -100


def test_every_frame_lies_in_one_tile():
    for first, last, tile in [(0, 1, 17), (3, 500, 200), (10, 10, 50), (0, 184, 200)]:
        covered = [n for a, b in tiles(first, last, tile) for n in range(a, b)]
        assert covered == list(range(first, last))
        assert all(b - a + 16 <= tile for a, b in tiles(first, last, tile))


@pytest.mark.parametrize("size", [7, 50, 100])
def test_chunks_equal_the_whole(vae, latents, size):
    with torch.no_grad():
        whole = vae.decode(latents.T[None]).sample[0].T.numpy()
    pieces = list(chunks(vae, latents, 20, 131, size=size))
    assert [frame for frame, _ in pieces] == list(range(20, 131, size))
    joined = np.concatenate([samples for _, samples in pieces])
    reference = whole[20 * HOP : 131 * HOP]
    assert joined.shape == reference.shape
    assert _db(joined - reference, reference) < -100


def test_a_chunk_without_its_halo_would_be_heard(vae, latents):
    alone = decode(vae, latents[20:40], 0, 20)
    reference = decode(vae, latents, 20, 40)
    assert _db(alone[:HOP] - reference[:HOP], reference[:HOP]) > -60


def test_an_output_layer_of_its_own_precision(vae, latents):
    reference = decode(vae, latents, 0, 30)
    vae.decoder.conv2.double()
    vae.decoder.snake1.double()
    try:
        assert _db(decode(vae, latents, 0, 30) - reference, reference) < -100
    finally:
        vae.decoder.float()


@pytest.mark.parametrize(
    "work",
    [
        lambda vae, clip, latents, check: encode(vae, clip, check=check, tile=30),
        lambda vae, clip, latents, check: list(chunks(vae, latents, 0, 150, check, size=30)),
    ],
    ids=["encode", "decode"],
)
def test_it_asks_before_each_piece(vae, clip, latents, work):
    asked = []

    def check():
        asked.append(1)
        if len(asked) == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        work(vae, clip, latents, check)
    assert len(asked) == 3
