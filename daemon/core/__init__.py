"""The control plane's heart: context, jobs, journal, planner, events. No audio, no sockets."""
