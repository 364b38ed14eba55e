"""purge outside of a worker: by the control socket that STANDPIPE_CONTROL names."""

from __future__ import annotations

import http.client
import json
import socket

_TIMEOUT = 30  # seconds


class _Connection(http.client.HTTPConnection):
    """HTTP/1.1 on a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("standpipe", timeout=_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT)
        self.sock.connect(self._path)


def purge(path: str, what: dict[str, object]) -> int:
    """Has the server behind the socket remove entries of its HTTP cache, and returns how many. Raises OSError, and ValueError with the
    server's sentence when it refuses."""
    connection = _Connection(path)
    try:
        connection.request("POST", "/v1/purge", json.dumps({"purge": what}), {"Content-Type": "application/json"})
        response = connection.getresponse()
        body = response.read()
    except http.client.HTTPException as error:
        raise OSError("the answer of %s is not HTTP: %r" % (path, error)) from error
    finally:
        connection.close()
    try:
        answer = json.loads(body)
        if response.status == 200:
            return int(answer.get("removed", 0))
        detail = str(answer["detail"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise OSError("%s is not the control socket of a standpipe: %r" % (path, body[:200])) from None
    if response.status == 400:
        raise ValueError("purge: " + detail)
    raise OSError(detail)
