"""Packets to and from the daemon over UDP. Never blocks; takes no fixed port."""

from __future__ import annotations

import socket

BIGGEST = 8000  # bytes; macOS refuses datagrams over 9,216
MOST_A_TICK = 64
LARGEST_READ = 65536


class Refused(OSError):
    """Nobody listens at the other end."""


class Udp:
    """A socket that talks to one address and hears nobody else."""

    def __init__(self, host: str, port: int) -> None:
        """Raises OSError."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.connect((host, port))
        except (OSError, OverflowError) as e:
            self._socket.close()
            raise OSError(str(e)) from None

    def send(self, packet: bytes) -> bool:
        """Send one packet; False where the system has no room for it now. Raises Refused."""
        try:
            self._socket.send(packet)
        except BlockingIOError:
            return False
        except OSError as e:
            raise Refused(str(e)) from None
        return True

    def receive(self) -> list[bytes]:
        """Return the packets that have arrived, a bounded number. Raises Refused."""
        packets: list[bytes] = []
        while len(packets) < MOST_A_TICK:
            try:
                packets.append(self._socket.recv(LARGEST_READ))
            except BlockingIOError:
                break
            except OSError as e:
                raise Refused(str(e)) from None
        return packets

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()
