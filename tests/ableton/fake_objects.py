"""What all of the fake Live's objects share: properties, listeners, death, strict arguments."""

from __future__ import annotations


class ArgumentError(TypeError):
    """Boost.Python's complaint about an object that is gone."""


class WarpMarker:
    def __init__(self, sample_time, beat_time):
        self.sample_time, self.beat_time = float(sample_time), float(beat_time)


class Object:
    """Properties in `_values`; those named in `SHOWN` can be listened to."""

    SHOWN: tuple[str, ...] = ()
    SETTABLE: tuple[str, ...] = ()

    def __init__(self, live, parent=None, **values):
        own = {"_live": live, "_parent": parent, "_values": values, "_dead": False, "_ears": {}}
        self.__dict__.update(own)

    def __eq__(self, other):
        return self._dead if other is None else self is other

    def __ne__(self, other):
        return not self == other

    __hash__ = object.__hash__

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        self._live.check(self)
        for start, act in (("add_", self._add), ("remove_", self._remove)):
            if name.startswith(start) and name.endswith("_listener"):
                sign = name[len(start) : -len("_listener")]
                if sign not in self.SHOWN:
                    raise AttributeError(name)
                return lambda listener: act(sign, listener)
        if name in self._values:
            return self._values[name]
        raise AttributeError(name)

    def __setattr__(self, name, value):
        self._live.check(self)
        if name not in self.SETTABLE:
            raise AttributeError(f"can't set attribute {name}")
        self._change(name, value)

    @property
    def canonical_parent(self):
        self._live.check(self)
        return self._parent

    def _change(self, name, value):
        self._live.changing()
        before = self._values[name]
        self._values[name] = value
        self._live.undoable(lambda: self._values.__setitem__(name, before))
        self._notify(name)

    def _notify(self, name):
        with self._live.notifying():
            for listener in list(self._ears.get(name, ())):
                listener()

    def _add(self, name, listener):
        ears = self._ears.setdefault(name, [])
        if listener in ears:
            raise RuntimeError("Observer already connected")
        ears.append(listener)

    def _remove(self, name, listener):
        if listener not in self._ears.get(name, ()):
            raise RuntimeError("Observer not connected")
        self._ears[name].remove(listener)

    @property
    def listeners(self):
        return sum(len(ears) for ears in self._ears.values())


class Storing(Object):
    """What keeps data with the set."""

    def get_data(self, key, default):
        self._live.check(self)
        if not self._live.keeps_data:
            raise AttributeError("get_data")
        return self._values["data"].get(key, default)

    def set_data(self, key, value):
        self._live.check(self)
        if not self._live.keeps_data:
            raise AttributeError("set_data")
        exactly(key, str)
        self._live.changing()
        self._values["data"][key] = value


def exactly(value, kind):
    if type(value) is not kind:
        raise ArgumentError(f"did not match C++ signature: {type(value).__name__}")
