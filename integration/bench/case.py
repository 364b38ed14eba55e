"""The nouns that the tables are made of: what is served, by how many, in which setting."""

from dataclasses import dataclass, field
from typing import Dict, Optional, Tuple


@dataclass(frozen=True)
class Shape:
    """How a server is set up. None: as the server itself would have it."""

    workers: int = 2
    threads: Optional[int] = None
    gevent: bool = False
    preload: Optional[bool] = None  # True: imported once, then forked; False: each worker imports the app by itself
    clients: int = 64  # how many connections it has to hold; limits that are lower are raised
    idle: int = 0  # how many more that ask nothing


@dataclass(frozen=True)
class Set:
    """One setting for all servers of a table."""

    name: str
    title: str
    logs: str = "default"  # or "off"
    front: bool = False  # nginx in front of every server


@dataclass(frozen=True)
class Case:
    """One table for each set: what is asked, and who is asked."""

    name: str
    title: str
    app: str
    expected: Optional[bytes]  # the body of the one answer that is compared; None: as the app called without a server gives it
    servers: Dict[str, Tuple[str, ...]]  # by set; patterns of fnmatch
    # rate: closed loop, requests/s. pace: open loop, latency at a fixed rate. fixed: the same, processor time. overload: overload.py.
    # beside: latency beside idle connections (crowd.py). memory, start, idle: the server is started for each round; cliff: so are two of
    # cliff.py's. readers: so is it, for clients that read nothing (readers.py).
    kind: str = "rate"
    needs: Tuple[str, ...] = ()  # packages of the app's
    shape: Shape = field(default_factory=Shape)
    connections: int = 32
    body: int = 0  # bytes of each request's body
    headers: Tuple[str, ...] = ()
    ideal: float = 0  # requests/s that nothing can exceed; 0: there is no such figure
    at: float = 0  # pace, fixed: requests/s; 0: half of each server's capacity
    file: int = 0  # bytes of the requested static file; 0: the app answers
    files: int = 1  # the number of such files, requested in random order
    again: bool = False  # clients have the file already: 304
    over: str = ""  # "https"; "handshake": with a new connection and a full handshake for each request; "h2": HTTP/2. "": HTTP/1.1 alone
    own: str = "standpipe"  # the server that is compared with the others
    behind: str = ""  # what stands behind a proxy (behind.py): "hello", "big", "page", "delayed", "php"; "": the app
    mallocs: bool = False  # each server says at /mallocs how many objects it has allocated
    least: float = 1.0  # the target: so much of the best peer
    note: str = ""

    @property
    def path(self):
        return {"big": "/big", "page": "/page", "php": "/hello.php"}.get(self.behind, "/files/0.bin" if self.file else "/")


# kind: key of a round's figure, its unit, is more better
METRICS = {
    "rate": ("rate", "req/s", True),
    "pace": ("p99", "ms", False),
    "fixed": ("us", "us", False),
    "overload": ("share", "%", True),
    "memory": ("pss", "MiB", False),
    "idle": ("grown", "MiB", False),
    "beside": ("times", "times", False),
    "cliff": ("times", "times", False),
    "readers": ("held", "connections", False),
    "start": ("ms", "ms", False),
}
