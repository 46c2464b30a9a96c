"""The client of a command, from its connection options."""

from __future__ import annotations

import argparse

from bridge.client.blocking import Client
from bridge.client.link import OnEvent


def client(args: argparse.Namespace, on_event: OnEvent = None) -> Client:
    """Return a connected client. Raises NoDaemon."""
    return Client(args.host, args.port, on_event=on_event)
