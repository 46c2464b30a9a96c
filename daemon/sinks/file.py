"""The file sink: a running job's audio becomes files in its folder, whole or not there.

Threads: `FileSink` belongs to the control loop; tapes and files are handled on worker threads, one
at a time per job.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bridge.protocol.errors import error
from bridge.version import VERSION
from daemon.audio import probe
from daemon.audio.formats import output_format, with_channels
from daemon.audio.reading import blocks
from daemon.audio.types import OutputFormat, SourceInfo
from daemon.audio.writer import request_comment
from daemon.core import durable
from daemon.core.jobs import Job, ResultFile
from daemon.core.journal import Journal
from daemon.core.planner import Work
from daemon.core.ports import FromWorker, WorkCancelled
from daemon.sinks.delivery import deliver
from daemon.sinks.take import Blocks, TakeWriter, to_stereo
from daemon.sinks.tape import Budget, Tape

_STEREO = frozenset({"bgm", "generate"})
_STRETCHED, _STRETCHED_SALT = "stretched", 0x5752
_SUFFIX = {"midi": ".mid", "plan": ".json", "recipe": ".json"}


class FileSinks:
    """Makes a file sink for each job."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def open(self, job: Job, work: Work) -> FileSink:
        """Return the sink of one run of a job."""
        return FileSink(job, work, self._journal.folder(job.id))


class FileSink:
    """Takes one run's messages; see `daemon.core.ports.TakeSink`."""

    def __init__(self, job: Job, work: Work, folder: Path) -> None:
        self._job, self._work, self._folder = job, work, folder
        self._settled: dict[str, Any] = {}
        self._tapes: dict[str, Tape] = {}
        self._budget = Budget()
        self._documents: dict[str, bytes] = {}
        self._stopped = threading.Event()
        key = job.request.get("format", "source")
        self._fmt = _format(work, key)

    async def receive(self, message: FromWorker) -> list[ResultFile]:
        """Take one message; a `take` message returns the take's files."""
        fields = message.fields
        if message.kind == "settled":
            self._settled = dict(fields)
        elif message.kind == "document":
            self._documents[fields["role"]] = message.payload
        elif message.kind == "audio":
            await asyncio.to_thread(self._record, message)
        elif message.kind == "take" and self._work.op != "analyze":
            try:
                return await asyncio.to_thread(self._write, fields["take"], fields["seed"])
            except OSError as problem:
                raise durable.as_punchin(problem, "the result") from None
        return []

    def stop(self) -> None:
        """Give up what is being written."""
        self._stopped.set()

    async def abandon(self) -> None:
        """Remove tapes; files that were announced stay."""
        self.stop()
        await asyncio.to_thread(self._clear)

    # -- on a worker thread ------------------------------------------------------------------------

    def _record(self, message: FromWorker) -> None:
        fields = message.fields
        role = fields["role"] if "span" not in fields else f"region {fields['span']}"
        try:
            if role not in self._tapes:
                name = f".{role.replace(':', '-').replace(' ', '-')}.{fields['take']}.tape.part"
                self._tapes[role] = Tape(self._folder / name, fields["channels"], self._budget)
            self._tapes[role].record(fields["start"], message.payload)
        except OSError as problem:
            raise durable.as_punchin(problem, "the result") from None

    def _check(self) -> None:
        if self._stopped.is_set():
            raise WorkCancelled

    def _write(self, take: int, seed: int) -> list[ResultFile]:
        writer = TakeWriter(
            self._folder, take, self._fmt, seed, self._metadata(take, seed), self._check
        )
        try:
            self._check_sources()
            files = list(self._audio_files(writer, take, seed))
            files += self._document_files(take, seed)
            self._check_sources()
            return [self._delivered(f) for f in files]
        finally:
            self._clear()

    def _check_sources(self) -> None:
        """Raise 202 if what is read of the sources may not be what the engine heard."""
        work = self._work
        over = work.over_clip if self._stems() else None
        for source in (work.source, over and over[0]):
            if source:
                probe.unchanged(source)

    def _stems(self) -> dict[str, Tape]:
        return {role: tape for role, tape in self._tapes.items() if role.startswith("stem:")}

    def _audio_files(self, writer: TakeWriter, take: int, seed: int) -> Iterator[ResultFile]:
        yield from self._made_files(writer, take, seed)
        if _STRETCHED in self._tapes:
            yield self._stretched_file(writer, take, seed)

    def _made_files(self, writer: TakeWriter, take: int, seed: int) -> Iterator[ResultFile]:
        work, frames = self._work, self._settled["mix_frames"]
        if self._stems():
            paths = self._stem_files(writer, frames)
            for role, path in paths.items():
                yield self._result(role, take, path, frames, seed)
            return
        mix = writer.write("mix", frames, list(self._mix_parts(writer)))
        yield self._result("mix", take, mix, frames, seed)
        if work.op in ("repaint", "extend"):
            for i, length in enumerate(self._span_lengths()):
                name = "region" if i == 0 else f"region-{i + 1}"
                tape = self._tape(i)
                path = writer.write(name, length, [writer.fresh(tape, length, i)])
                yield self._result("region", take, path, length, seed)

    def _mix_parts(self, writer: TakeWriter) -> Iterator[Blocks]:
        """Kept audio and new material, in the order in which they are heard."""
        work, spans = self._work, self._settled["spans"]
        new = [
            writer.fresh(self._tape(i), length, i) for i, length in enumerate(self._span_lengths())
        ]
        if work.in_place and work.source:
            here = 0
            for made, (start, end) in zip(new, spans, strict=True):
                yield writer.kept(work.source, here, start)
                yield made
                here = end
            yield writer.kept(work.source, here, work.source.frames)
        elif work.op == "extend" and work.source:
            start, end = self._settled["clip"]
            before = [n for n, s in zip(new, spans, strict=True) if s[1] <= start]
            yield from before
            yield writer.kept(work.source, start, end)
            yield from new[len(before) :]
        else:
            yield from new

    def _stem_files(self, writer: TakeWriter, frames: int) -> dict[str, Path]:
        stems, over = self._stems(), self._work.over_clip
        if over is None:
            return writer.stems(stems, frames, mix=self._work.op != "stems")
        source, clip = over
        if self._work.op == "layer":
            clip = self._settled["clip"]

        def under() -> Blocks:
            for native in self._clip_at_tempo(writer, source, *clip):
                yield to_stereo(native, self._fmt)

        return writer.stems(stems, frames, under)

    def _clip_at_tempo(
        self, writer: TakeWriter, source: SourceInfo, start: int, end: int
    ) -> Blocks:
        """Yield the clip as the engine heard it, native: stretched where it was."""
        if _STRETCHED not in self._tapes:
            return blocks(source, start, end)
        return self._stretched(writer).fresh(
            self._tapes[_STRETCHED], self._settled["mix_frames"], _STRETCHED_SALT
        )

    def _stretched(self, writer: TakeWriter) -> TakeWriter:
        """Return a writer for the clip itself: it has the channels that its source has."""
        fmt = with_channels(self._fmt, self._tapes[_STRETCHED].channels)
        return replace(writer, fmt=fmt, clipped=0)

    def _stretched_file(self, writer: TakeWriter, take: int, seed: int) -> ResultFile:
        own, frames = self._stretched(writer), self._settled["mix_frames"]
        samples = own.fresh(self._tapes[_STRETCHED], frames, _STRETCHED_SALT)
        path = own.write(_STRETCHED, frames, [samples])
        made = self._result(_STRETCHED, take, path, frames, seed)
        return replace(made, channels=own.fmt.channels)

    def _tape(self, index: int) -> Tape:
        tape = self._tapes.get(f"region {index}")
        if tape is None:
            raise error(307, "the engine made nothing: try another seed, and report it")
        return tape

    def _span_lengths(self) -> list[int]:
        return [end - start for start, end in self._settled["spans"]]

    def _document_files(self, take: int, seed: int) -> Iterator[ResultFile]:
        for role, data in self._documents.items():
            target = self._folder / f"{role}-{take}{_SUFFIX.get(role, '.txt')}"
            part = durable.write_part(target, data, True)
            part.replace(target)
            frames = self._settled["mix_frames"]
            seconds = frames / self._fmt.rate
            yield ResultFile(role, take, str(target), seconds, 0, 0, seed)

    def _result(self, role: str, take: int, path: Path, frames: int, seed: int) -> ResultFile:
        fmt: OutputFormat = self._fmt
        seconds = frames / fmt.rate
        return ResultFile(role, take, str(path), seconds, fmt.rate, fmt.channels, seed)

    def _delivered(self, file: ResultFile) -> ResultFile:
        """Put a copy where the client asked for it; the path then names the copy."""
        folder = self._job.request.get("folder")
        if not folder:
            return file
        copy = deliver(Path(file.path), Path(folder), self._job.id)
        return ResultFile(**{**file.as_dict(), "path": str(copy)})

    def _metadata(self, take: int, seed: int) -> dict[str, str]:
        request = self._job.request
        facts: dict[str, object] = {"punchin": VERSION, "id": self._job.id, "op": self._job.op}
        facts |= {"take": take, "engine": self._job.engine, "seed": seed}
        facts |= {k: request[k] for k in ("prompt", "lyrics", "bpm", "key") if k in request}
        comment = request_comment(facts)
        return {"software": f"Punchin {VERSION}", "comment": comment}

    def _clear(self) -> None:
        for tape in self._tapes.values():
            tape.close()
        self._tapes.clear()
        self._documents.clear()


def _format(work: Work, key: str) -> OutputFormat:
    """Return what a job is written as: all new in stereo, over a clip in at least that."""
    fmt = output_format(work.source, key, 2 if work.op == "layer" else 1, work.rate)
    return with_channels(fmt, 2) if work.op in _STEREO or work.source is None else fmt
