"""What the DAW has told: the studio's context, shared by all clients.

The context is one mutable object on the control loop; a job takes a `snapshot`, which later changes
don't touch. Times are seconds or frames of the source, never converted here: only the planner knows
the source's rate.

Threads: the control loop's thread only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.protocol import loras
from daemon.core.forms import HIDES

# Keys that belong to the source of the last region and serve only jobs on that same file.
SOURCE_KEYS = frozenset(
    {"start", "end", "start_frame", "end_frame", "downbeat", "tempomap"}
    | {"clip_start", "clip_end", "clip_start_frame", "clip_end_frame"}
)


@dataclass(frozen=True)
class Snapshot:
    """The context at one moment: `values` by key, and the source that the region belongs to.

    `defaults` are the keys of `/punchin/set`, which serve every job.
    """

    source: str | None
    values: Mapping[str, Any]
    defaults: Mapping[str, Any]
    selection_clamps: bool = False

    def for_source(self, same_file: bool) -> dict[str, Any]:
        """Return the values that serve a job: without the region's own unless `same_file`."""
        return {k: v for k, v in self.values.items() if same_file or k not in SOURCE_KEYS}


@dataclass
class Context:
    """The studio's context. `apply` is called with arguments that the table has checked."""

    source: str | None = None
    region: dict[str, Any] = field(default_factory=dict)
    music: dict[str, Any] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    place: tuple[float, float] | None = None
    selection: dict[str, float] = field(default_factory=dict)
    transport: dict[str, float] = field(default_factory=dict)
    _selected: bool = False

    def apply(self, name: str, args: Mapping[str, Any]) -> None:
        """Take one context message; `name` is its address without `/punchin/`."""
        if name in _TRANSPORT:
            self.transport.update({_TRANSPORT[name]: args["value"]})
        elif name.startswith("selection/"):
            self._select(name.removeprefix("selection/"), args["value"])
        else:
            _APPLY[name](self, args)

    def clear(self, name: str) -> None:
        """Forget what one context message told."""
        if name in ("region", "region_frames"):
            self.source, self._selected = None, False
            self.region.clear()
            for key in ("downbeat", "tempomap"):
                self.music.pop(key, None)
        elif name == "place":
            self.place = None
        elif name == "transport":
            self.transport.clear()
        elif name in _TRANSPORT:
            self.transport.pop(_TRANSPORT[name], None)
        elif name.startswith("selection/"):
            self.selection.pop(name.removeprefix("selection/"), None)
            self._derive_region()
        for key in _KEYS_OF.get(name, ()):
            self.music.pop(key, None)

    def set_defaults(self, values: Mapping[str, Any]) -> None:
        """Take `/punchin/set`: the last word on a key wins over an earlier message of its own."""
        for key, value in values.items():
            if value == "":
                self.defaults.pop(key, None)
            else:
                self._undo_default(key)
                self.defaults[key] = value

    def reset(self) -> None:
        """Forget everything."""
        self.__init__()  # type: ignore[misc]

    def snapshot(self) -> Snapshot:
        """Return an immutable copy for a job."""
        values = {**self.music, **self.region}
        return Snapshot(self.source, values, dict(self.defaults), self._selected)

    # -- one method a message ----------------------------------------------------------------------

    def _region(self, args: Mapping[str, Any], suffix: str = "") -> None:
        source = args["source"]
        # What was told before the first region is taken to be about it.
        if self.source not in (None, source):
            for key in ("downbeat", "tempomap"):
                self.music.pop(key, None)
            self.place = None
        self.source, self._selected = source, False
        for name in (k for k in args if k != "source"):
            self._undo_default(f"{name}{suffix}")
        self.region = {f"{k}{suffix}": v for k, v in args.items() if k != "source"}

    def _region_frames(self, args: Mapping[str, Any]) -> None:
        self._region(args, "_frame")

    def _place(self, args: Mapping[str, Any]) -> None:
        self.place = (args["seconds"], args["beat"])
        self._derive_region()

    def _tempo(self, args: Mapping[str, Any]) -> None:
        self._tell(bpm=args["bpm"])
        if "beats" in args:
            self._tell(meter=f"{args['beats']}/{args.get('unit', 4)}")

    def _downbeat(self, args: Mapping[str, Any]) -> None:
        self._tell(downbeat=args["second"])

    def _tempomap(self, args: Mapping[str, Any]) -> None:
        self._tell(tempomap=args["map"])

    def _lyrics(self, args: Mapping[str, Any]) -> None:
        self._tell(lyrics=args["text"])
        if "language" in args:
            self._tell(language=args["language"])

    def _prompt(self, args: Mapping[str, Any]) -> None:
        self._tell(prompt=args["text"])

    def _key(self, args: Mapping[str, Any]) -> None:
        self._tell(key=args["name"])

    def _lora(self, args: Mapping[str, Any]) -> None:
        """Several are in use at once; each message is about one of them."""
        others = loras.parse(self.music.get("lora", loras.NONE))
        others.pop(args["path"], None)
        scale = args.get("scale", 1.0)
        inside = {**others, args["path"]: scale} if scale else others
        loras.within_most(inside)
        self._tell(lora=loras.join(inside) if inside else "")

    def _transport(self, args: Mapping[str, Any]) -> None:
        self.transport.update(args)

    def _tell(self, **values: Any) -> None:
        for key, value in values.items():
            self._undo_default(key)
            if value == "":
                self.music.pop(key, None)
            else:
                self.music[key] = value

    def _undo_default(self, key: str) -> None:
        """What is told now counts, in whichever form an earlier default had it."""
        for name in (key, *HIDES.get(key, ())):
            self.defaults.pop(name, None)

    def _select(self, edge: str, value: float) -> None:
        self.selection[edge] = value
        self._derive_region()

    def _derive_region(self) -> None:
        """With a place, the DAW's time selection is a region of the source."""
        start, end = self.selection.get("start"), self.selection.get("end")
        clip = {k: v for k, v in self.region.items() if k.startswith("clip_")}
        if self._selected and (start is None or end is None):
            self.region, self._selected = clip, False
        if self.place is None or self.source is None or start is None or end is None:
            return
        if end > start and end > self.place[0]:
            first = max(0.0, start - self.place[0])
            self.region = {**clip, "start": first, "end": end - self.place[0]}
            self._selected = True

    # -- what clients may ask ----------------------------------------------------------------------

    def drop_lora(self, path: str) -> None:
        """Take off a LoRA that turned out to be none."""
        if path in loras.parse(self.music.get("lora", loras.NONE)):
            self._lora({"path": path, "scale": 0.0})

    def as_dict(self, rate: int | None) -> dict[str, Any]:
        """Return the answer to `/punchin/context`; `rate` (Hz) of the source turns frames to s."""
        said = {**self.music}
        reply: dict[str, Any] = {"source": self.source}
        for edge in ("start", "end", "clip_start", "clip_end"):
            frame = self.region.get(f"{edge}_frame")
            reply[edge] = self.region.get(edge) if frame is None else frame / rate if rate else None
            if frame is not None:
                reply[f"{edge}_frame"] = frame
        for key in _REPLIED:
            reply[key] = said.get(key)
        place = self.place and {"seconds": self.place[0], "beat": self.place[1]}
        reply |= {"place": place, "set": _plain(self.defaults)}
        return reply | {"transport": dict(self.transport), "selection": dict(self.selection)}


_REPLIED = (
    "bpm",
    "meter",
    "downbeat",
    "tempomap",
    "key",
    "lyrics",
    "language",
    "prompt",
    "lora",
)
_TRANSPORT = {
    "transport/playing": "playing",
    "transport/seconds": "seconds",
    "transport/bpm": "bpm",
}
_KEYS_OF = {
    "tempo": ("bpm", "meter"),
    "downbeat": ("downbeat",),
    "tempomap": ("tempomap",),
    "key": ("key",),
    "prompt": ("prompt",),
    "lyrics": ("lyrics", "language"),
    "lora": ("lora",),
}
_APPLY = {
    "region": Context._region,
    "region_frames": Context._region_frames,
    "place": Context._place,
    "tempo": Context._tempo,
    "downbeat": Context._downbeat,
    "tempomap": Context._tempomap,
    "lyrics": Context._lyrics,
    "prompt": Context._prompt,
    "key": Context._key,
    "lora": Context._lora,
    "transport": Context._transport,
}


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as the wire has them: tuples of names joined by commas."""
    return {k: wire_value(k, v) for k, v in values.items()}


def wire_value(key: str, value: Any) -> Any:
    """Return one converted value in the form in which a client would send it."""
    if key == "tempomap":
        return json.dumps(value)
    return ",".join(value) if isinstance(value, tuple) else value
