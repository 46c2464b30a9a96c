"""What all jobs of an engine share: the styles, the sounds made so far, the clips heard last.

Threads: used by the worker's one thread.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bridge.protocol.errors import PunchinError
from bridge.resources import folder
from daemon.engines.base import Port, Request
from daemon.engines.sketch.jobs.sounds import open_bank
from daemon.engines.sketch.listen import Listening, listen
from daemon.engines.sketch.plan.styles import Style, load_styles, read_style
from daemon.engines.sketch.render.bank import Bank

_CLIPS_KEPT = 4
_WARM_RATE = 44100
_WARM_DRUMS = (36, 38, 42)


@dataclass
class Studio:
    """Styles by name, the sound bank, and what was heard in the last clips.

    `broken` holds what is wrong with the user's styles that can't be read, by name.
    """

    styles: Mapping[str, Style]
    broken: Mapping[str, PunchinError] = field(default_factory=dict)
    bank: Bank = field(default_factory=Bank)
    heard: OrderedDict[bytes, Listening] = field(default_factory=OrderedDict)

    def hear(self, request: Request, port: Port) -> Listening:
        """Listen to the request's clip on its grid; several takes of one clip listen once."""
        told = f"{request.rate} {request.key} {request.grid.rows()} {request.grid.downbeat}"
        mark = hashlib.blake2b(told.encode())
        mark.update(np.ascontiguousarray(request.clip).view(np.uint8).data)
        name = mark.digest()
        if name not in self.heard:
            self.heard[name] = listen(
                request.clip,
                request.rate,
                request.grid,
                downbeat_told=True,
                key=request.key,
                check=port.check,
            )
            while len(self.heard) > _CLIPS_KEPT:
                self.heard.popitem(last=False)
        self.heard.move_to_end(name)
        return self.heard[name]


def open_studio(own: Path | None = None, soundfont: Path | None = None) -> Studio:
    """Return a studio with the built-in styles and the user's, its first sounds made.

    The user's lie in the folder `own`; one of them that can't be read is kept out, so that it stops
    no job but those that ask for it. `soundfont`: see `open_bank`.
    """
    styles = load_styles(folder("presets") / "styles")
    broken: dict[str, PunchinError] = {}
    for path in sorted(own.glob("*.toml")) if own else ():
        try:
            styles[path.stem] = read_style(path)
        except PunchinError as reason:
            broken[path.stem] = reason
    studio = Studio(styles, broken, open_bank(soundfont))
    for key in _WARM_DRUMS:
        studio.bank.stroke("drums-acoustic", key, 100, 0, _WARM_RATE)
    return studio
