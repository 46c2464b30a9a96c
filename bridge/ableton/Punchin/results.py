"""What the daemon finishes, brought home: each of this set's jobs is dealt with once."""

from __future__ import annotations

import os
from typing import Any

from . import facts as facts_of
from . import lom, reading, tags, watch

LOOK_S = 0.5
SHOW_S = 1.0
LOST_LOOKS = 40  # looks without a word of an open job before it is given up


class Results:
    """Follows `recent.json` and delivers. `script` is the set's `script.Script`."""

    def __init__(self, script: Any) -> None:
        self._script = script
        self._settled: set[str] = set()
        self._unheard: dict[str, int] = {}
        self._clips: dict[str, Any] = {}
        self._look_at = self._show_at = script.clock()

    def tick(self) -> None:
        """Look at the files when it is time."""
        now, seen = self._script.clock(), self._script.watch
        if now < self._look_at:
            return
        self._look_at = now + LOOK_S
        first = not seen.seen
        if seen.look() and first:
            # What ended before and is not expected was dealt with when it ended.
            self._settled |= {r["id"] for r in seen.ended} - set(self._script.memory.open)
        for row in seen.ended:
            self._settle(row["id"])
        self._look_for_lost()
        self._show(now)

    def hear(self, address: str, args: list[Any]) -> None:
        """Show the take that was chosen elsewhere, on a pad or at the command line."""
        if address == "/punchin/chosen" and len(args) >= 2:
            clip = self._clips.get(f"{args[0]}:{args[1]}")
            if clip is not None and lom.alive(clip):
                lom.put(lom.get(self._script.song, "view"), "detail_clip", clip)

    def _look_for_lost(self) -> None:
        """Settle open jobs that recent.json no longer lists: ended long ago, or forgotten."""
        script = self._script
        listed = {row.get("id") for row in script.watch.rows}
        for job_id in [j for j in script.memory.open if j not in (*listed, *script.sending.ids)]:
            job = script.watch.job(job_id)
            if job and job.get("state") in watch.ENDED:
                self._settle(job_id)
            elif not job and script.link.up:
                self._unheard[job_id] = self._unheard.get(job_id, 0) + 1
                if self._unheard[job_id] > LOST_LOOKS:
                    script.memory.end(job_id)
                    script.say("the daemon no longer knows a job of this set: start it again")

    def _settle(self, job_id: str) -> None:
        script = self._script
        job = None if job_id in self._settled else script.watch.job(job_id)
        if job is None or job.get("state") not in watch.ENDED:
            return
        self._settled.add(job_id)
        script.sending.drop(job_id)
        facts = script.memory.open.get(job_id)
        script.memory.end(job_id)
        if job["state"] == "failed":
            told = job.get("error") or {}
            script.say(str(told.get("message") or f"a job failed: see `punchin job {job_id}`"))
        elif job["state"] == "cancelled":
            script.say(f"{job['op']} was cancelled")
        elif job["state"] == "done" and job["op"] != "analyze":
            self._bring_in(job, facts or _facts_from_tag(script, job))

    def _bring_in(self, job: dict[str, Any], facts: dict[str, Any] | None) -> None:
        script = self._script
        if facts is None:
            files = job.get("files") or [{}]
            place = os.path.dirname(str(files[0].get("path", "")))
            script.say(f"{job['op']} is done, but not of a clip that is here; see {place}")
            return
        roots = [os.path.join(script.home, "jobs"), script.results_folder(), facts.get("folder")]
        for clip, which in script.delivery.deliver(job, facts, [r for r in roots if r]):
            path = lom.get(clip, "file_path", "")
            if path and which:
                self._clips[which] = clip
                script.memory.made(path, which)

    def _show(self, now: float) -> None:
        running = self._script.watch.running
        if running and now >= self._show_at:
            self._show_at = now + SHOW_S
            shares = (f"{r.get('op')} {round(100 * (r.get('fraction') or 0))}%" for r in running)
            self._script.show(" · ".join(shares))


def _facts_from_tag(script: Any, job: dict[str, Any]) -> dict[str, Any] | None:
    """Return the facts of a job that a pad or another client started, from its tag and request.

    None when its clip is gone or is another one now.
    """
    mark = tags.read(job.get("tag"))
    track = script.names.track(mark[1]) if mark else None
    if mark is None or track is None:
        return None
    if job["op"] == "generate":
        tempo = lom.number(script.song, "tempo", 120.0)
        scene = int(mark[2][1:]) if mark[2].startswith("s") else None
        beat = float(mark[2][1:]) if mark[2].startswith("a") else 0.0
        return facts_of.of_nothing(mark[1], scene, beat, tempo)
    clip = _clip_at(track, mark[2])
    try:
        read = reading.of(script.song, clip) if lom.alive(clip) else None
    except reading.Unsuitable:
        read = None
    if read is None or not _is_about(job, read.path):
        return None
    request = job.get("request") or {}
    start, end = request.get("start"), request.get("end")
    if isinstance(start, (int, float)) and isinstance(end, (int, float)):
        read = reading.with_region(read, float(start), float(end))
    return facts_of.of(job["op"], read, mark[1])


def _is_about(job: dict[str, Any], path: str) -> bool:
    source = (job.get("request") or {}).get("source") or ""
    return os.path.normcase(source) == os.path.normcase(path)


def _clip_at(track: Any, place: str) -> Any:
    if place.startswith("s"):
        slots = list(lom.get(track, "clip_slots", ()))
        number = int(place[1:])
        return lom.get(slots[number], "clip") if number < len(slots) else None
    beat = float(place[1:]) if place.startswith("a") else -1.0
    for clip in lom.get(track, "arrangement_clips", ()):
        if abs(lom.number(clip, "start_time", -1.0) - beat) < 1e-3:
            return clip
    return None
