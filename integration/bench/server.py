"""A server that can be raced: how it is started for a job."""

from dataclasses import dataclass
from typing import Callable, Tuple

import case


class Unoffered(Exception):
    """The server does not have what the case asks for; the text says what."""


@dataclass(frozen=True)
class Job:
    """What one server is started for. Its address is a port of loopback or, behind nginx, a unix socket."""

    dir: str  # its own, world-readable, emptied afterwards; the apps are in apps
    apps: str
    app: str  # module:name
    shape: case.Shape
    logs: str
    port: int
    socket: str  # "": it faces the clients itself
    tools: object  # install.Tools
    files: str = ""  # a folder that is served at /files/; "": none
    behind: object = None  # behind.Behind: what a proxy passes requests to
    certificate: str = ""  # a file with a certificate and its key: HTTPS and HTTP/2 instead of HTTP; "": none

    @property
    def address(self):
        return "unix:" + self.socket if self.socket else "127.0.0.1:%d" % self.port

    def bin(self, name):
        return self.tools.bin(name)


@dataclass(frozen=True)
class Server:
    name: str
    label: str
    command: Callable  # of a Job: the argument vectors of what it consists of, without an nginx in front
    needs: Tuple[str, ...] = ()  # packages of requirements.txt
    programs: Tuple[str, ...] = ()  # programs of the distribution
    family: str = ""  # gunicorn's three are one
    front: str = ""  # "uwsgi": nginx is always in front, by that protocol
    unix: bool = True  # can listen on a unix socket, so that it can stand behind nginx
    inside: bool = False  # HTTP is parsed by C inside the Python process: shown, not counted as a peer
    logs: str = "off"  # what its own default writes for each request
    note: str = ""
