"""A model hub on loopback that can cut off, forget ranges, lie and fail."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def git_sha1(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Hub:
    """Files of repositories by `repository/path`; `asked` are the requests that came."""

    def __init__(self, files):
        self.files = files
        self.asked = []
        self.cut_after = []  # one number for each answer to come: bytes until the line breaks
        self.statuses = []  # one number for each answer to come in place of 200
        self.ranges = True
        self.served = {}  # other bytes than the listing's
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                hub.asked.append((self.path, self.headers.get("Range")))
                hub.answer(self)

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, handler):
        if self.statuses:
            status = self.statuses.pop(0)
            if status != 200:
                return self._send(handler, status, b"")
        path = handler.path.partition("?")[0].lstrip("/")
        if path.startswith("api/models/"):
            repository, _, rest = path.removeprefix("api/models/").partition("/tree/")
            return self._send(handler, 200, self._listing(repository, rest.partition("/")[2]))
        repository, _, rest = path.partition("/resolve/")
        name = f"{repository}/{rest.partition('/')[2]}"
        content = self.served.get(name, self.files.get(name))
        if content is None:
            return self._send(handler, 404, b"")
        return self._give(handler, content)

    def _listing(self, repository, inside):
        rows = []
        for name, content in self.files.items():
            path = name.removeprefix(f"{repository}/")
            if not name.startswith(f"{repository}/") or not path.startswith(inside):
                continue
            row = {"type": "file", "path": path, "size": len(content), "oid": git_sha1(content)}
            if path.endswith((".safetensors", ".pt")):
                sha256 = hashlib.sha256(content).hexdigest()
                lfs = {"oid": sha256, "size": len(content), "pointerSize": 130}
                row |= {"oid": "0" * 40, "lfs": lfs}
            rows.append(row)
        return json.dumps(
            [*rows, {"type": "directory", "path": "vae", "oid": "1" * 40, "size": 0}]
        ).encode()

    def _give(self, handler, content):
        first = 0
        asked = handler.headers.get("Range")
        if asked and self.ranges:
            first = int(asked.removeprefix("bytes=").rstrip("-"))
        self._send(handler, 206 if first else 200, content[first:])

    def _send(self, handler, status, content):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        breaks = self.cut_after.pop(0) if self.cut_after and status in (200, 206) else None
        try:
            handler.wfile.write(content[:breaks])
            if breaks is not None:
                handler.close_connection = True
        except ConnectionError:
            pass
