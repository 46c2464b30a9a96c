"""Punchin's resident side: control plane, worker, engines, audio and sinks."""

# `daemon` is also the import name of PyPI's python-daemon; bridge.entry looks for this mark.
PUNCHIN = True
