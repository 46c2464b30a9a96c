"""The two texts that the model reads: the prompt with its metadata, and the lyrics.

Their exact form, down to line ends, is what the model was trained with (ACE-Step's constants
SFT_GEN_PROMPT and TASK_INSTRUCTIONS, as diffusers states them). Track names go in capitals,
several joined by a bar, as in ACE-Step's own server.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bridge.protocol.errors import error
from bridge.protocol.limits import code_of

Task = Literal["text2music", "repaint", "cover", "extract", "lego", "complete"]

TRACKS = (
    "woodwinds", "brass", "fx", "synth", "strings", "percussion", "keyboard", "guitar", "bass",
    "drums", "backing_vocals", "vocals",
)  # fmt: skip
"""The tracks that `extract`, `lego` and `complete` know; a closed list."""
CALLED = {"pad": "synth"}
"""Instruments of the protocol that the model has another name for."""
LANGUAGES = (
    "ar", "az", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "he", "hi",
    "hr", "ht", "hu", "id", "is", "it", "ja", "ko", "la", "lt", "ms", "ne", "nl", "no", "pa", "pl",
    "pt", "ro", "ru", "sa", "sk", "sr", "sv", "sw", "ta", "te", "th", "tl", "tr", "uk", "ur", "vi",
    "yue", "zh", "unknown",
)  # fmt: skip
BPM_MIN, BPM_MAX = 30, 300
METRES = {"2/4": "2", "3/4": "3", "4/4": "4", "6/8": "6"}
"""Metres that the model knows, and its names for them."""
NO_VOCALS = "[Instrumental]"
"""The lyrics of music that nobody sings, as trained."""
_CAPTION = "# Caption\n"
METADATA, END = "\n\n# Metas\n", "<|endoftext|>"
"""Where the metadata of a prompt begins, and the end of either text."""

_ALONE = {
    "text2music": "Fill the audio semantic mask based on the given conditions:",
    "repaint": "Repaint the mask area based on the given conditions:",
    "cover": "Generate audio semantic tokens based on the given conditions:",
    "extract": "Extract the track from the audio:",
    "lego": "Generate the track based on the audio context:",
    "complete": "Complete the input track:",
}
_TRACKED = {
    "extract": "Extract the {} track from the audio:",
    "lego": "Generate the {} track based on the audio context:",
    "complete": "Complete the input track with {}:",
}


@dataclass(frozen=True)
class Text:
    """What the model reads, formatted: `prompt` with instruction and metadata, and `lyrics`."""

    prompt: str
    lyrics: str


@dataclass(frozen=True)
class Metadata:
    """What is told about the music beside the caption. None: not known.

    `bpm` in quarter notes, `metre` one of METRES' values, `key` as `F# minor`, `duration_s` of all
    that the model sees.
    """

    duration_s: float
    bpm: int | None = None
    metre: str | None = None
    key: str | None = None


def instruction(task: Task, tracks: Sequence[str] = ()) -> str:
    """Return the sentence that says what to do. Raises 103 for a track the model doesn't know."""
    for track in tracks:
        if track not in TRACKS:
            raise error(103, f"the model knows no track {track!r}: use {', '.join(TRACKS)}")
    if not tracks or task not in _TRACKED:
        return _ALONE[task]
    return _TRACKED[task].format(" | ".join(track.upper() for track in tracks))


def metadata(
    duration_s: float,
    bpm: float | None = None,
    metre: tuple[int, int] | None = None,
    key: str | None = None,
) -> tuple[Metadata, tuple[str, ...]]:
    """Return what can be told to the model of these, and notes about what can't.

    `bpm` counts quarter notes and is rounded; `key` is as the protocol gives it (`F# minor`).
    """
    told, notes = None if bpm is None else round(bpm), []
    if told is not None and not BPM_MIN <= told <= BPM_MAX:
        notes.append(f"{told} BPM is not told to the model: it knows {BPM_MIN} to {BPM_MAX}")
        told = None
    known = None if metre is None else METRES.get("{}/{}".format(*metre))
    if metre is not None and known is None:
        known_metres = ", ".join(METRES)
        notes.append(
            "the metre {}/{} is not told to the model: it knows {}".format(*metre, known_metres)
        )
    return Metadata(duration_s, told, known, key), tuple(notes)


def language_of(told: str | None) -> str:
    """Return the model's code of a told language, `unknown` for none. Raises 103."""
    return code_of(told or "unknown", LANGUAGES)


def text_of(
    task: Task,
    caption: str,
    lyrics: str,
    told: Metadata,
    language: str = "unknown",
    tracks: Sequence[str] = (),
) -> Text:
    """Format everything for the text encoder. Empty `lyrics` mean that nobody sings."""
    words = lyrics.strip() or NO_VOCALS
    return Text(
        f"# Instruction\n{instruction(task, tracks)}\n\n# Caption\n{caption}"
        f"{METADATA}{_metas(told)}{END}\n",
        f"# Languages\n{language}\n\n# Lyric\n{words}{END}",
    )


def caption_and_lyrics(text: Text) -> tuple[str, str]:
    """Return what `text_of` was given; lyrics of music that nobody sings are empty."""
    caption = text.prompt.partition(_CAPTION)[2].rpartition(METADATA)[0]
    lyrics = text.lyrics.partition("# Lyric\n")[2].removesuffix(END)
    return caption, "" if lyrics == NO_VOCALS else lyrics


def with_words(text: Text, new: Text, caption: bool, lyrics: bool) -> Text:
    """Return `text` with the caption, the lyrics or both of `new`; the task stays."""
    if caption:
        before, _, rest = text.prompt.partition(_CAPTION)
        metas = METADATA + rest.rpartition(METADATA)[2]
        text = Text(f"{before}{_CAPTION}{caption_and_lyrics(new)[0]}{metas}", text.lyrics)
    return Text(text.prompt, new.lyrics) if lyrics else text


def _metas(told: Metadata) -> str:
    """Metadata as lines; what is not known is N/A."""
    return (
        f"- bpm: {told.bpm or 'N/A'}\n- timesignature: {told.metre or 'N/A'}\n"
        f"- keyscale: {told.key or 'N/A'}\n- duration: {math.floor(told.duration_s)} seconds\n"
    )
