"""The ops (section 3 of the contract) and the keys they take (section 4)."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.protocol import kinds as k
from bridge.protocol.kinds import Kind

STEMS = ("vocals", "backing_vocals", "drums", "percussion", "bass", "guitar", "keyboard", "pad", "synth", "strings", "brass", "woodwinds", "fx", "other")  # fmt: skip
FORMATS = ("source", "wav16", "wav24", "wav32f", "flac")
SINKS = ("file", "preview", "reastream", "jack")


@dataclass(frozen=True)
class Op:
    """One thing a job can do.

    `needs` are alternatives joined by `|`; `region_is_span`: the region is what gets replaced, and
    not merely the part of the source that is the clip.
    """

    name: str
    does: str
    needs: tuple[str, ...]
    region_is_span: bool = False

    @property
    def needs_source(self) -> bool:
        """Whether the op works on audio."""
        return "source" in self.needs


OPS = (
    Op("generate", "new music from prompt, lyrics, tempo, key", ("seconds|bars|plan|melody",)),
    Op("repaint", "replaces start…end by new material, everything else bit-identical", ("source", "start", "end"), True),
    Op("extend", "continues the clip, after it, before it or both", ("source", "bars|seconds")),
    Op("bgm", "accompaniment for a vocal", ("source",)),
    Op("cover", "the clip again in another style or voice", ("source",)),
    Op("retake", "a nearby variation of a result this daemon made, or of a region", ("source|of",)),
    Op("edit", "changes lyrics or style and keeps the rest", ("source", "lyrics|prompt"), True),
    Op("layer", "one more instrument that fits the clip", ("source", "track")),
    Op("stems", "separates the clip", ("source",)),
    Op("analyze", "tempo, key, chords, bars, melody, loudness", ("source",)),
)  # fmt: skip
OP = {op.name: op for op in OPS}
ALL = frozenset(OP)
_SOURCE = ALL - {"generate"}
_MAKES = ALL - {"analyze", "stems"}


@dataclass(frozen=True)
class Key:
    """One key of a job. `ops` use it; elsewhere it is listed in `result.ignored`."""

    name: str
    kind: Kind
    meaning: str
    ops: frozenset[str] = ALL


KEYS = (
    Key("start", k.SECONDS, "where the region begins", _SOURCE),
    Key("end", k.SECONDS, "where the region ends", _SOURCE),
    Key("start_frame", k.FRAME, "where the region begins", _SOURCE),
    Key("end_frame", k.FRAME, "where the region ends", _SOURCE),
    Key("start_beat", k.BEAT, "where the region begins, quarter notes from the downbeat", _SOURCE),
    Key("end_beat", k.BEAT, "where the region ends, quarter notes from the downbeat", _SOURCE),
    Key("clip_start", k.SECONDS, "where the part that may be heard as context begins", _SOURCE),
    Key("clip_end", k.SECONDS, "where the part that may be heard as context ends", _SOURCE),
    Key("clip_start_frame", k.FRAME, "where the part that may be heard as context begins", _SOURCE),
    Key("clip_end_frame", k.FRAME, "where the part that may be heard as context ends", _SOURCE),
    Key("side", k.choice("side", ("after", "before", "both")), "where to extend", frozenset({"extend"})),
    Key("seconds", k.LENGTH, "how much to make", frozenset({"generate", "extend"})),
    Key("bars", k.BARS, "how much to make", frozenset({"generate", "extend"})),
    Key("bpm", k.BPM, "tempo, always in quarter notes per minute"),
    Key("meter", k.METRE, "metre"),
    Key("downbeat", k.SIGNED_SECONDS, "where in the source a bar starts"),
    Key("tempomap", k.TEMPO_MAP, "tempo and metre over the source"),
    Key("key", k.KEY_NAME, "musical key"),
    Key("chords", k.CHORDS, "the harmony bar by bar, from the first bar on and repeated; it wins over what is heard", _MAKES),
    Key("stretch", k.FLAG, "1: a clip with another tempo is first brought to `bpm`", _SOURCE - {"analyze"}),
    Key("prompt", k.TEXT, "what it should sound like", _MAKES),
    Key("negative", k.TEXT, "what it should not sound like", _MAKES),
    Key("lyrics", k.TEXT, "the words, with [verse] [chorus] [bridge] tags", _MAKES),
    Key("lyrics_file", k.PATH, "a UTF-8 file with the lyrics", _MAKES),
    Key("language", k.WORD, "language of the lyrics", _MAKES),
    Key("preset", k.WORD, "values from presets/, overridden by explicit keys"),
    Key("seed", k.SEED, "same request and seed: same samples; absent: chosen and reported"),
    Key("takes", k.whole("takes", 1, 8), "alternatives in one job", ALL - {"analyze"}),
    Key("strength", k.SHARE, "how far from the source", _MAKES - {"generate"}),
    Key("steps", k.whole("steps", 1, 1000), "solver steps", _MAKES),
    Key("guidance", k.number("guidance", 0, 100), "how closely to follow the prompt", _MAKES),
    Key("context", k.number("context", 0, 3600, "seconds"), "source kept around the region as context", _SOURCE),
    Key("hold", k.SHARE, "share of the solver's steps in which kept music is held to the source; absent: 1, all", frozenset({"repaint", "extend", "edit", "retake"})),
    Key("grid", k.choice("grid", ("off", "measure", "correct")), "whether the beat of new music is measured against the clip's, and moved onto it; absent: correct", _MAKES),
    Key("matching_eq", k.FLAG, "1: new music is brought to the colour that the clip has beside it, within 3 dB", frozenset({"repaint", "extend"})),
    Key("allow_degrade", k.FLAG, "1: an engine short of memory may listen to less of the clip rather than fail"),
    Key("ending", k.FLAG, "1: the new music comes to an end", frozenset({"generate", "extend", "bgm"})),
    Key("balance", k.number("balance", -24, 12, "LU"), "loudness of the new parts against the clip; absent: the engine's choice", frozenset({"bgm", "layer"})),
    Key("humanize", k.SHARE, "how far notes stray from the grid, of what the style does; absent: 1", _MAKES),
    Key("swing", k.SHARE, "how late off-beats come, 1 a full triplet; absent: the style's", _MAKES),
    Key("reference", k.PATH, "style or timbre to follow", _MAKES),
    Key("track", k.choice("track", STEMS), "the instrument to add", frozenset({"layer"})),
    Key("stems", k.choices("stems", STEMS), "which stems to give back", frozenset({"stems", "bgm", "generate"})),
    Key("ways", k.choices("ways", ("complete", "layer", "cover")), "how a model tries to accompany; absent: every way that its checkpoints can", frozenset({"bgm"})),
    Key("plan", k.PATH, "a plan (JSON or MIDI) to render instead of composing", _MAKES),
    Key("melody", k.PATH, "a played line (MIDI or a plan): the lead plays it, the chords follow it", frozenset({"generate", "bgm", "layer"})),
    Key("lora", k.LORAS, "files that change the model, each with how much", ALL - {"analyze"}),
    Key("engine", k.WORD, "overrides the default engine"),
    Key("of", k.OF, "the result to vary", frozenset({"retake", "edit"})),
    Key("format", k.choice("format", FORMATS), "sample format of the results", ALL - {"analyze"}),
    Key("sinks", k.choices("sinks", SINKS), "where results go besides the job folder"),
    Key("folder", k.PATH, "results are also put here, and paths name these copies"),
    Key("priority", k.whole("priority", 0, 2), "2 goes before waiting jobs, never interrupts"),
    Key("slot", k.SLOT, "a newly accepted job cancels earlier unfinished jobs of its slot"),
    Key("tag", k.TAG, "the client's own mark, kept in job.json and sent in accepted"),
)  # fmt: skip
KEY = {key.name: key for key in KEYS}
# Keys that the daemon itself acts on for every engine.
DAEMON_KEYS = frozenset(
    {"start", "end", "start_frame", "end_frame", "start_beat", "end_beat"}
    | {"clip_start", "clip_end", "clip_start_frame", "clip_end_frame", "side", "seconds", "bars"}
    | {"bpm", "meter", "downbeat", "tempomap", "key", "lyrics_file", "preset", "seed", "takes"}
    | {"stretch"}
    | {"engine", "format", "sinks", "folder", "priority", "slot", "tag"}
)
