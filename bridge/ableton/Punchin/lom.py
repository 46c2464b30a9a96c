"""Reading Live's objects without falling over: properties that don't apply, objects that are gone.

Live raises RuntimeError for a property that doesn't apply (a MIDI clip's file), and a TypeError
(Boost's ArgumentError) or RuntimeError for an object that was deleted; a dead object equals None.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

UNREADABLE = (RuntimeError, TypeError, AttributeError, ReferenceError)


def alive(thing: Any) -> bool:
    """Whether an object of Live's still exists."""
    return thing != None  # noqa: E711 - a dead object says that it equals None


def get(thing: Any, name: str, default: Any = None) -> Any:
    """Return a property, `default` where it does not apply or the object is gone."""
    try:
        return getattr(thing, name)
    except UNREADABLE:
        return default


def has(thing: Any, name: str) -> bool:
    """Whether this Live offers a function or property of an object."""
    try:
        return hasattr(thing, name)
    except UNREADABLE:
        return False


def put(thing: Any, name: str, value: Any) -> bool:
    """Set a property; False where Live refuses."""
    try:
        setattr(thing, name, value)
    except (*UNREADABLE, ValueError):
        return False
    return True


def number(thing: Any, name: str, default: float = 0.0) -> float:
    """Return a property as a float."""
    value = get(thing, name, default)
    return float(value) if isinstance(value, (int, float)) else default


class Listeners:
    """Listeners on Live's objects, each added once and removed without fail."""

    def __init__(self) -> None:
        self._on: list[tuple[Any, str, Callable[[], None]]] = []

    def add(self, thing: Any, names: Any, listener: Callable[[], None]) -> None:
        """Listen to several properties of an object; those that it lacks are left out."""
        for name in names:
            try:
                getattr(thing, f"add_{name}_listener")(listener)
            except UNREADABLE:
                continue
            self._on.append((thing, name, listener))

    def clear(self) -> None:
        """Stop listening."""
        for thing, name, listener in self._on:
            try:
                if alive(thing):
                    getattr(thing, f"remove_{name}_listener")(listener)
            except UNREADABLE:
                continue
        self._on = []
