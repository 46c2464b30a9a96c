"""Brings a finished job into the set as one undo step, or says where its files are.

Files are never moved or changed: Live plays them where they lie.
"""

from __future__ import annotations

import os
from typing import Any

from . import facts as facts_of
from . import fit, lom, place, places

KINDS = (".wav", ".flac", ".aif", ".aiff")
LONGEST_NAME = 60


class Delivery:
    """Delivers into one set. `say(text)` shows a line to the musician."""

    def __init__(self, song: Any, names: Any, say: Any, make_marker: Any) -> None:
        self._song, self._names, self._say = song, names, say
        self._make_marker = make_marker

    def deliver(
        self, job: dict[str, Any], facts: dict[str, Any], roots: Any
    ) -> list[tuple[Any, str]]:
        """Put a job's files, which must lie in one of the folders `roots`, into the set.

        Returns the new clips with `job:take` each, of stems with nothing.
        """
        files = _safe_files(job, roots)
        if not files:
            self._say(f"{job['op']} is done, but its files are missing: run it again")
            return []
        if not place.can_create(self._song):
            return self._kept(job, files, "drag it in from there (Live 12.0.5 and later place it)")
        track = self._names.track(facts.get("track") or "")
        if track is None and facts.get("track"):
            return self._kept(job, files, "its track is gone; drag it where you want it")
        return self._in_one_step(job, files, facts, track)

    def _in_one_step(self, job: Any, files: Any, facts: Any, track: Any) -> list[tuple[Any, str]]:
        made: list[tuple[Any, str]] = []
        begun = _call(self._song, "begin_undo_step")
        try:
            if job["op"] in facts_of.BESIDE:
                self._beside(job, files, facts, track, made)
            else:
                self._on_track(job, files, facts, track, made)
        except (place.NoRoom, *lom.UNREADABLE, ValueError, KeyError) as e:
            self._kept(job, files, f"Live could not place all of it ({e})")
        finally:
            if begun:
                _call(self._song, "end_undo_step")
        return made

    def _on_track(self, job: Any, files: Any, facts: Any, track: Any, made: Any) -> None:
        for file in [f for f in files if f["role"] == "mix"]:
            shape = self._shape(job, facts, file)
            clip = self._new(facts, track, file, shape, _name(job, file), own_lane=True)
            made.append((clip, _which(job, file)))
        self._say(f"{job['op']} is in the set ({len(made)} new)")

    def _beside(self, job: Any, files: Any, facts: Any, track: Any, made: Any) -> None:
        """Put every stem on a track of its own, further takes of it into the slots below."""
        stems = [f for f in files if f["role"].startswith("stem:")]
        chosen = stems or [f for f in files if f["role"] == "mix"]
        tracks: dict[str, Any] = {}
        after = track
        for file in chosen:
            role = file["role"]
            if role not in tracks:
                after = tracks[role] = place.new_track(self._song, after, _track_name(job, role))
            shape = self._shape(job, facts, file)
            clip = self._new(facts, tracks[role], file, shape, _name(job, file), own_lane=False)
            made.append((clip, _which(job, file) if role == "mix" else ""))
        self._say(f"{job['op']} is in the set (new tracks: {len(tracks)})")

    def _shape(self, job: Any, facts: Any, file: Any) -> facts_of.Shape:
        result = job.get("result") or {}
        lead_s = (result.get("source_frame") or 0) / file["rate"] if job["op"] == "extend" else 0.0
        return facts_of.shape(facts, float(file["seconds"]), lead_s)

    def _new(self, facts: Any, track: Any, file: Any, shape: Any, name: str, own_lane: bool) -> Any:
        troubles: list[str] = []

        def set_up(clip: Any) -> None:
            trouble = fit.fit(clip, shape, name, self._make_marker)
            if trouble:
                troubles.append(trouble)

        scene = facts.get("scene")
        if scene is not None:
            clip = place.in_slot(self._song, track, scene, file["path"]).clip
            set_up(clip)
        else:
            span = (shape.beat, shape.beat + shape.beats)
            free = place.lane(self._song, track, span, not own_lane)
            clip = place.in_arrangement(self._song, free, file["path"], shape.beat, set_up)
        if troubles:
            self._say(f"{name}: {troubles[0]}")
        return clip

    def _kept(self, job: Any, files: Any, why: str) -> list[tuple[Any, str]]:
        self._say(f"{job['op']} is done: {files[0]['path']} · {why}")
        return []


def _safe_files(job: dict[str, Any], roots: Any) -> list[dict[str, Any]]:
    """Return the job's audio files that exist and lie where results may lie."""
    return [
        f
        for f in job.get("files") or ()
        if isinstance(f.get("path"), str)
        and (f.get("role") == "mix" or str(f.get("role")).startswith("stem:"))
        and f["path"].lower().endswith(KINDS)
        and places.allowed(f["path"], roots)
        and os.path.isfile(f["path"])
    ]


def _call(thing: Any, name: str) -> bool:
    try:
        getattr(thing, name)()
    except lom.UNREADABLE:
        return False
    return True


def _name(job: Any, file: Any) -> str:
    role = file["role"].replace("stem:", "").replace("mix", "")
    prompt = str((job.get("request") or {}).get("prompt") or "")
    words = [job["op"], role, str(file.get("seed", "")), prompt]
    return " ".join(w for w in words if w)[:LONGEST_NAME]


def _track_name(job: Any, role: str) -> str:
    return f"{role.replace('stem:', '')} · {job['op']}"


def _which(job: Any, file: Any) -> str:
    return f"{job['id']}:{file['take']}"
