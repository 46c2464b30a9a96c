"""Maps: what the controls of a device mean, as plain values.

A control belongs to one trigger (a note, a controller, a program, the pitch wheel) and sends
messages of the command table. In their arguments a few words stand for what is only known when the
control is moved:

    $value   where the control stands, scaled; of a note its velocity
    $cycle   the next one of the control's `cycle`
    $job     the job that finished last      $open   the newest job that has not ended
    $take    the take of `$job` heard last   $next   the one after it; after the last the source, 0
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bridge.midi.events import Kind

Mode = Literal["press", "button", "absolute", "14bit", "twos", "sign", "offset"]
Message = tuple[str, tuple[Any, ...]]
# The modes that each kind of trigger knows; the first is the default.
MODES: dict[Kind, tuple[Mode, ...]] = {
    "note": ("press",),
    "cc": ("absolute", "button", "14bit", "twos", "sign", "offset"),
    "program": ("press", "absolute"),
    "pitch": ("absolute",),
}
RELATIVE: tuple[Mode, ...] = ("twos", "sign", "offset")
MOVES = ("press", "release", "both")
CURVES = ("linear", "log")
JOB_WORDS = ("$job", "$open", "$take", "$next")
WORDS = ("$value", "$cycle", *JOB_WORDS)
LED_STATES = ("idle", "on", "busy", "failed")


@dataclass(frozen=True)
class Trigger:
    """What moves a control. `number` None is any program; `channel` (1…16) None is any."""

    kind: Kind
    number: int | None
    channel: int | None = None


@dataclass(frozen=True)
class Control:
    """One entry of a map.

    `scale`: what `$value` is at the lowest and the highest position. `step` and `start`: what one
    step of an endless encoder adds, and where it begins. `shift`: the layer that is on while this
    control is held (with `latch`: until it is pressed again). `layer`: the control counts only
    while that layer is on. `debounce_s`: presses sooner than that after any event of the control
    are chatter. `every_s`: a moving control is told at most so often; `settle_s`: only once it has
    rested for so long. `leds`: velocity or controller value by state.
    """

    name: str
    trigger: Trigger
    messages: tuple[Message, ...] = ()
    mode: Mode = "press"
    on: str = "press"
    scale: tuple[float, float] = (0.0, 1.0)
    curve: str = "linear"
    round: bool = False
    step: float = 0.01
    start: float = 0.5
    cycle: tuple[Any, ...] = ()
    layer: str = ""
    shift: str = ""
    latch: bool = False
    debounce_s: float = 0.03
    every_s: float = 0.03
    settle_s: float = 0.0
    leds: Mapping[str, int] = field(default_factory=dict, hash=False)

    @property
    def moves(self) -> bool:
        """Whether it has positions, not presses."""
        return self.mode not in ("press", "button")


@dataclass(frozen=True)
class Map:
    """A file's controls. `port`: the map serves only inputs whose name holds this text."""

    name: str
    description: str
    controls: tuple[Control, ...]
    port: str = ""

    def serves(self, port: str) -> bool:
        """Whether an input belongs to this map."""
        return self.port.lower() in port.lower()


def filled(value: Any, words: Mapping[str, Any]) -> Any:
    """Return an argument with its word replaced; a word that `words` lacks stays."""
    return words.get(value, value) if isinstance(value, str) else value
