"""Raw OSC clients for the tests: sockets and python-osc's own coder, nothing of Punchin's."""

import json
import selectors
import socket
import struct
import time
from typing import NamedTuple

from patience import PATIENCE_S
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

TERMINAL = ("/punchin/done", "/punchin/failed", "/punchin/cancelled")
NTP_TO_UNIX = 2_208_988_800


class Message(NamedTuple):
    address: str
    args: list

    def __repr__(self):
        return f"{self.name}{[a[:200] if isinstance(a, str) else a for a in self.args]}"

    @property
    def name(self):
        return self.address.removeprefix("/punchin/")


def packet(address, *args, tags=""):
    """One coded message; `tags` gives OSC types, else they follow the Python types."""
    builder = OscMessageBuilder(address=address)
    for i, value in enumerate(args):
        builder.add_arg(value, tags[i] if tags else _tag(value))
    return builder.build().dgram


def _tag(value):
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, int):
        return "i" if -(2**31) <= value < 2**31 else "h"
    return "s" if isinstance(value, str) else "d"


def bundle(*elements, tag=1):
    """A bundle of coded elements; `tag` is 64-bit NTP time, 1 means at once."""
    body = b"".join(struct.pack(">i", len(e)) + e for e in elements)
    return b"#bundle\0" + struct.pack(">Q", tag) + body


def time_tag(from_now_s):
    seconds = time.time() + NTP_TO_UNIX + from_now_s
    return int(seconds) << 32 | int(seconds % 1 * 2**32)


def sized(data):
    return struct.pack(">i", len(data)) + data


def slipped(data):
    body = data.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
    return b"\xc0" + body + b"\xc0"


class Client:
    """What both kinds of client share. `seen` keeps every message that was read."""

    def __init__(self, sock):
        self.sock = sock
        self.seen = []
        self.sizes = []
        self._waiting = selectors.DefaultSelector()
        self._waiting.register(sock, selectors.EVENT_READ)

    def send(self, address, *args, tags=""):
        self.put(packet(address, *args, tags=tags))

    def next(self, timeout=PATIENCE_S):
        """The next message, None when none comes in time."""
        deadline = time.monotonic() + timeout
        while (data := self._take()) is None:
            left = deadline - time.monotonic()
            if left <= 0 or not self._waiting.select(left):
                return None
            self._fill()
        self.sizes.append(len(data))
        read = OscMessage(data)
        self.seen.append(Message(read.address, list(read.params)))
        return self.seen[-1]

    def until(self, *names, id=None, timeout=PATIENCE_S):
        """Read up to the first message of these names (and of this id); return it."""
        wanted = [f"/punchin/{n}" for n in names]
        deadline = time.monotonic() + timeout
        while (message := self.next(deadline - time.monotonic())) is not None:
            if message.address in wanted and (id is None or message.args[0] == id):
                return message
        raise AssertionError(f"no {names} {id or ''}, but {self.seen[-12:]}")

    def events(self, job_id):
        """All messages about a job, read up to its terminal event."""
        if not any(m.address in TERMINAL and m.args[0] == job_id for m in self.seen):
            self.until("done", "failed", "cancelled", id=job_id)
        return [m for m in self.seen if m.args and m.args[0] == job_id]

    def job(self, op, job_id, *args):
        """Ask for a job and return its messages, the terminal event last."""
        self.send(f"/punchin/{op}", job_id, *args)
        return self.events(job_id)

    def done(self, op, job_id, *args):
        """Run a job to its good end; return the result of `done`."""
        last = self.job(op, job_id, *args)[-1]
        assert last.name == "done", last
        return json.loads(last.args[1])

    def refused(self, op, job_id, *args):
        """Ask for a job that must be refused; return the code of the one message that follows."""
        self.send(f"/punchin/{op}", job_id, *args)
        message = self.until("failed", "error", "accepted")
        assert message.name != "accepted", message
        assert_told_well(message)
        return message.args[1] if message.name == "failed" else message.args[0]

    def error(self, address, *args, tags=""):
        """Send what must be answered by `/punchin/error`; return its arguments."""
        self.send(address, *args, tags=tags)
        message = self.until("error")
        assert_told_well(message)
        assert message.args[2] == address
        return message.args

    def ask(self, name, *args):
        """The JSON of a reply, its parts joined."""
        self.send(f"/punchin/{name}", *args)
        message = self.until(f"{name}.reply", "part", "error")
        if message.name != "part":
            assert message.name != "error", message
            return json.loads(message.args[0])
        texts = [message.args[3]]
        for i in range(1, message.args[2]):
            message = self.until("part")
            assert message.args[:3] == [f"/punchin/{name}.reply", i, message.args[2]]
            texts.append(message.args[3])
        return json.loads("".join(texts))

    def quiet(self):
        """All that arrives before the answers to `version` and, in the lane of jobs, `sync`."""
        before = len(self.seen)
        self.send("/punchin/jobs")
        self.until("jobs.reply", "part")
        self.send("/punchin/version")
        self.until("version.reply")
        mine = ("version.reply", "jobs.reply", "part")
        return [m for m in self.seen[before:] if m.name not in mine]

    def close(self):
        self._waiting.close()
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Udp(Client):
    def __init__(self, port):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.bind(("127.0.0.1", 0))
        sock.connect(("127.0.0.1", port))
        super().__init__(sock)
        self._packets = []

    @property
    def port(self):
        return self.sock.getsockname()[1]

    def put(self, data):
        self.sock.send(data)

    def _take(self):
        return self._packets.pop(0) if self._packets else None

    def _fill(self):
        self._packets.append(self.sock.recv(65536))


class Tcp(Client):
    def __init__(self, port, slip=False):
        sock = socket.create_connection(("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(sock)
        self._slip = slip
        self._buffer = b""
        self.closed = False

    def put(self, data):
        self.sock.sendall(slipped(data) if self._slip else sized(data))

    def _take(self):
        return self._take_slip() if self._slip else self._take_sized()

    def _take_sized(self):
        if len(self._buffer) < 4:
            return None
        (size,) = struct.unpack_from(">i", self._buffer)
        if len(self._buffer) < 4 + size:
            return None
        data, self._buffer = self._buffer[4 : 4 + size], self._buffer[4 + size :]
        return data

    def _take_slip(self):
        while self._buffer.startswith(b"\xc0"):
            self._buffer = self._buffer[1:]
        data, end, rest = self._buffer.partition(b"\xc0")
        if not end:
            return None
        self._buffer = rest
        return data.replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")

    def _fill(self):
        data = self.sock.recv(1 << 20)
        if not data:
            self.closed = True
            raise ConnectionError("the daemon closed the connection")
        self._buffer += data

    def wait_closed(self):
        """Read until the daemon closes; True when it did."""
        self.sock.settimeout(PATIENCE_S)
        try:
            while self.sock.recv(1 << 16):
                pass
        except ConnectionError:
            return True
        return True


def assert_told_well(message):
    """A refusal has its number, the number's name, and one line that says what to do."""
    from bridge.protocol.errors import NAMES

    code, name = message.args[1:3] if message.name == "failed" else message.args[:2]
    text = message.args[-1]
    assert NAMES[code] == name
    assert text
    assert "\n" not in text


def tell(client, *messages):
    """Send context messages; return what the daemon then knows."""
    for name, *args in messages:
        client.send(f"/punchin/{name}", *args)
    told = client.ask("context")
    assert not [m for m in client.seen if m.name == "error"]
    return told
