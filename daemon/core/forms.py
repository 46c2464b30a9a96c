"""Forms of the same thing: of the keys of one group only one counts, the last or highest told."""

from __future__ import annotations

REGION = (("start", "start_frame", "start_beat"), ("end", "end_frame", "end_beat"))
FORMS = (
    *REGION,
    ("clip_start", "clip_start_frame"),
    ("clip_end", "clip_end_frame"),
    ("seconds", "bars"),
    ("lyrics", "lyrics_file"),
)
# By key: the others that it takes the place of. A tempo map tells tempo and metre as well.
HIDES = {name: frozenset(group) - {name} for group in FORMS for name in group} | {
    "bpm": frozenset({"tempomap"}),
    "meter": frozenset({"tempomap"}),
    "tempomap": frozenset({"bpm", "meter"}),
}
