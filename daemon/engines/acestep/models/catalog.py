"""The models there are: where they come from, at which revision, how large, under which licence.

A *pack* is what one name brings: a folder of a repository at a pinned commit. Sizes and SHA-256 of
weights are those of these commits; a file's bytes are checked against them whatever the mirror
says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["checkpoint", "language model", "shared", "separator"]


@dataclass(frozen=True)
class Source:
    """A repository at a commit; `inside` is the folder of it that is wanted, empty for all."""

    repository: str
    revision: str
    inside: str = ""


@dataclass(frozen=True)
class Pack:
    """What a name brings.

    `folder` is its place in the folder of models. `size` is in bytes, of all files. `sha256` holds
    the weights whose sums are known, by their names in `folder`. `needs` are names of packs that
    come along.
    """

    name: str
    kind: Kind
    folder: str
    source: Source
    size: int
    licence: str
    summary: str
    needs: tuple[str, ...] = ()
    sha256: dict[str, str] = field(default_factory=dict)


_MAIN = "ACE-Step/Ace-Step1.5"
_MAIN_AT = "19671f406d603126926c1b7e2adc169acbcade22"
_SILENCE = "a778e9dd942f5e8b2c09c55370782d318834432b03dabbcdf70e6ed49ad6358b"
_SHARED = ("vae", "text-encoder")
_MIT = "MIT"


def _checkpoint(
    name: str,
    revision: str,
    sha256: str | None,
    summary: str,
    size: int = 4_791_700_000,
    source: Source | None = None,
) -> Pack:
    folder = f"acestep-v15-{name}"
    sums = {"silence_latent.pt": _SILENCE, **({"model.safetensors": sha256} if sha256 else {})}
    origin = source or Source(f"ACE-Step/{folder}", revision)
    return Pack(name, "checkpoint", folder, origin, size, _MIT, summary, _SHARED, sums)


_XL = 19_953_200_000
_ROWS = (
    _checkpoint(
        "turbo",
        _MAIN_AT,
        "3f6e0797fad420a39bd33979eb6e840e30989e34a3794e843d23b60ec6e422d7",
        "8 steps, no guidance: repaint, extend, cover, generate, retake",
        source=Source(_MAIN, _MAIN_AT, "acestep-v15-turbo"),
    ),
    _checkpoint(
        "base",
        "e432212fec32b8965a14ffa57ae653438d6abd14",
        "4177f600501a6d4bd81cadaa0abac557ffd15c54e5c8cb52053cdb24a0844d6b",
        "50 steps with guidance; the only one for layer, stems, bgm by tracks",
    ),
    _checkpoint(
        "sft",
        "c410d249e71ea9385a7b586865e65b1473e1098d",
        "d4dd3a93870f06720027965b90771f529ab02094b3d29e2518f1d5e097e1af7e",
        "50 steps with guidance, tuned for songs; edit",
    ),
    _checkpoint(
        "turbo-shift1",
        "5b86586cc1faecd5214281b05440c8903b6da20f",
        "6a2ae0d66c957eb659fdb438f05e5d2ee62604c311f05ce7464203136a767dc3",
        "turbo, distilled for shift 1",
    ),
    _checkpoint(
        "turbo-shift3",
        "625a282f7c8d882c930a5e500be4c82800f84fb4",
        "ce57ceb4a82890c87d3d6071c70b2392db91f6c7dcf3f96b32ec7205f0d40457",
        "turbo, distilled for shift 3",
    ),
    _checkpoint(
        "turbo-continuous",
        "f8e893768347fd42f5988e07d1d80675fc3e5718",
        "cffa3e3a44d29cfc686b35d45aab3e4f9dc72c959e5e741d92a1dfc14ac35cd0",
        "turbo, distilled for shifts from 1 to 5",
    ),
    _checkpoint(
        "xl-turbo",
        "d4a0b288b83ebb7e25a8c0b32c573c22e134e8ee",
        None,
        "turbo with 4 billion weights; float32 on disk",
        _XL,
    ),
    _checkpoint(
        "xl-base",
        "220c1166efbdd9583eafcb12eb160594bbfcb241",
        None,
        "base with 4 billion weights; float32 on disk",
        _XL,
    ),
    _checkpoint(
        "xl-sft",
        "d06de46b4622f781cf07f4a013a67d591ca52819",
        None,
        "sft with 4 billion weights; float32 on disk",
        _XL,
    ),
    Pack(
        "lm-0.6b",
        "language model",
        "acestep-5Hz-lm-0.6B",
        Source("ACE-Step/acestep-5Hz-lm-0.6B", "148d8ea0225bdab342ee1ae3a354275ccd60ca80"),
        1_372_702_240,
        _MIT,
        "plans for generate, understanding for analyze; the smallest",
        (),
        {"model.safetensors": "5d92a60806e2e88c04de58ddc6dde93f2bc8f1336162b3ad5853886c9bcc6b82"},
    ),
    Pack(
        "lm-1.7b",
        "language model",
        "acestep-5Hz-lm-1.7B",
        Source(_MAIN, _MAIN_AT, "acestep-5Hz-lm-1.7B"),
        3_755_400_000,
        _MIT,
        "plans for generate, understanding for analyze",
        (),
        {"model.safetensors": "f161689da73e5ecefa28ff780d51c2d92a00f056d021d7933c779ed5c6cd7db8"},
    ),
    Pack(
        "lm-4b",
        "language model",
        "acestep-5Hz-lm-4B",
        Source("ACE-Step/acestep-5Hz-lm-4B", "0a3ec94b557aea7d508da38b31cfe7341f6ff737"),
        8_430_000_000,
        _MIT,
        "plans for generate, understanding for analyze; the largest",
    ),
    Pack(
        "vae",
        "shared",
        "vae",
        Source(_MAIN, _MAIN_AT, "vae"),
        337_431_813,
        _MIT,
        "samples to latents and back; comes with every checkpoint",
        (),
        {
            "diffusion_pytorch_model.safetensors": (
                "da17edb604c40deaf09e9b24974e590d1ca83a374070e5d0884cfa4bed9a99b0"
            )
        },
    ),
    Pack(
        "text-encoder",
        "shared",
        "Qwen3-Embedding-0.6B",
        Source(_MAIN, _MAIN_AT, "Qwen3-Embedding-0.6B"),
        1_207_471_006,
        "Apache-2.0",
        "words to numbers; comes with every checkpoint",
        (),
        {"model.safetensors": "0437e45c94563b09e13cb7a64478fc406947a93cb34a7e05870fc8dcd48e23fd"},
    ),
)
_DEMUCS = (
    (
        "htdemucs",
        "HTDemucs",
        "bf35a81b663819a8255c8fefee17f9d812b786b5",
        "955717e8",
        "d9fa14133cfcc034a6758923bb3a8ca9f8dfd0b582134643bbf83f72c17576dd",
    ),
    (
        "htdemucs_6s",
        "HTDemucs-6s",
        "3c5ee475be622df764938de97e4281a7b07ffa58",
        "5c90dfd2",
        "d2a1745f0744721f6b8ca5bf469b67c651ea5ed1b52998cab033b2158609d411",
    ),
)
_STEMS = {
    "htdemucs": "stems by Demucs: drums, bass, vocals, other (extra `stems`)",
    "htdemucs_6s": "stems by Demucs: guitar and piano as well (extra `stems`)",
}
_SEPARATORS = tuple(
    Pack(
        name,
        "separator",
        name,
        Source(f"adefossez/{repository}", revision),
        85_000_000,
        _MIT,
        _STEMS[name],
        (),
        {f"{weights}.safetensors": sha256},
    )
    for name, repository, revision, weights, sha256 in _DEMUCS
)
PACK = {pack.name: pack for pack in (*_ROWS, *_SEPARATORS)}
