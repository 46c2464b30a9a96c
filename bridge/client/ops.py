"""One typed method per op. Each asks for the job and returns its handle at once.

`source`: the file to work on; None: the region of the context. `id`: as in the protocol, chosen
when left out. `on_progress` is called with each `Progress`. The keys of each op are keyword
arguments, typed in `bridge.client.keys`; values that are None are left out. An unknown key raises
`PunchinError` 102, all other refusals and failures come from the handle's `wait`.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, Generic, TypeVar, Unpack, get_type_hints

from bridge.client import keys as k
from bridge.client.values import Progress
from bridge.client.wire import address_of, job_args, new_id
from bridge.protocol.check import command
from bridge.protocol.errors import error
from bridge.protocol.ops import OP

J = TypeVar("J")
F = TypeVar("F", bound=Callable[..., Any])
Source = str | PathLike[str] | None
OnProgress = Callable[[Progress], None] | None


def shows(keys: type) -> Callable[[F], F]:
    """Let `help()` and completion in a Python shell list the keyword arguments one by one."""

    def mark(method: F) -> F:
        plain = inspect.signature(method)
        fixed = [p for p in plain.parameters.values() if p.kind is not p.VAR_KEYWORD]
        named = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=hint)
            for name, hint in get_type_hints(keys).items()
        ]
        vars(method)["__signature__"] = plain.replace(parameters=[*fixed, *named])
        return method

    return mark


class Ops(ABC, Generic[J]):
    """The ops; `J` is the kind of handle."""

    @abstractmethod
    def _job(self, address: str, args: Sequence[Any], on_progress: OnProgress) -> J:
        """Ask for a job and return its handle."""

    def start(
        self,
        op: str,
        source: Source = None,
        *,
        id: str | None = None,
        on_progress: OnProgress = None,
        **keys: Any,
    ) -> J:
        """Start an op by its name, with any keys. Raises 100, 102."""
        address = address_of(op)
        if not command(address).op:
            raise error(100, f"{op} is no op: choose one of {', '.join(OP)}")
        return self._job(address, job_args(id or new_id(), source, keys), on_progress)

    @shows(k.GenerateKeys)
    def generate(
        self,
        *,
        id: str | None = None,
        on_progress: OnProgress = None,
        **keys: Unpack[k.GenerateKeys],
    ) -> J:
        """New music; needs `seconds`, `bars`, or a `plan` or `melody` that is as long."""
        return self.start("generate", None, id=id, on_progress=on_progress, **keys)

    @shows(k.RepaintKeys)
    def repaint(
        self,
        source: Source = None,
        *,
        id: str | None = None,
        on_progress: OnProgress = None,
        **keys: Unpack[k.RepaintKeys],
    ) -> J:
        """Replace `start`…`end` by new material; everything else stays bit-identical."""
        return self.start("repaint", source, id=id, on_progress=on_progress, **keys)

    @shows(k.ExtendKeys)
    def extend(
        self,
        source: Source = None,
        *,
        id: str | None = None,
        on_progress: OnProgress = None,
        **keys: Unpack[k.ExtendKeys],
    ) -> J:
        """Continue the clip by `bars` or `seconds`; `side`: after (default), before or both."""
        return self.start("extend", source, id=id, on_progress=on_progress, **keys)

    @shows(k.BgmKeys)
    def bgm(
        self,
        source: Source = None,
        *,
        id: str | None = None,
        on_progress: OnProgress = None,
        **keys: Unpack[k.BgmKeys],
    ) -> J:
        """Accompaniment for a vocal, as long as the clip."""
        return self.start("bgm", source, id=id, on_progress=on_progress, **keys)

    @shows(k.CoverKeys)
    def cover(
        self,
        source: Source = None,
        *,
        id: str | None = None,
        on_progress: OnProgress = None,
        **keys: Unpack[k.CoverKeys],
    ) -> J:
        """The clip again in another style or voice."""
        return self.start("cover", source, id=id, on_progress=on_progress, **keys)

    @shows(k.RetakeKeys)
    def retake(
        self,
        source: Source = None,
        *,
        id: str | None = None,
        on_progress: OnProgress = None,
        **keys: Unpack[k.RetakeKeys],
    ) -> J:
        """A nearby variation of a result (`of`) or of a region."""
        return self.start("retake", source, id=id, on_progress=on_progress, **keys)

    @shows(k.EditKeys)
    def edit(
        self,
        source: Source = None,
        *,
        id: str | None = None,
        on_progress: OnProgress = None,
        **keys: Unpack[k.EditKeys],
    ) -> J:
        """Change `lyrics` or style (`prompt`) and keep the rest."""
        return self.start("edit", source, id=id, on_progress=on_progress, **keys)

    @shows(k.LayerKeys)
    def layer(
        self,
        source: Source = None,
        *,
        id: str | None = None,
        on_progress: OnProgress = None,
        **keys: Unpack[k.LayerKeys],
    ) -> J:
        """One more instrument (`track`) that fits the clip."""
        return self.start("layer", source, id=id, on_progress=on_progress, **keys)

    @shows(k.StemsKeys)
    def stems(
        self,
        source: Source = None,
        *,
        id: str | None = None,
        on_progress: OnProgress = None,
        **keys: Unpack[k.StemsKeys],
    ) -> J:
        """Separate the clip."""
        return self.start("stems", source, id=id, on_progress=on_progress, **keys)

    @shows(k.AnalyzeKeys)
    def analyze(
        self,
        source: Source = None,
        *,
        id: str | None = None,
        on_progress: OnProgress = None,
        **keys: Unpack[k.AnalyzeKeys],
    ) -> J:
        """Tempo, key, chords, bars, melody, loudness: in the result, no files."""
        return self.start("analyze", source, id=id, on_progress=on_progress, **keys)
