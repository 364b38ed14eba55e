"""What standpipe has to reach, each with its case, its figure and its bound. A target is one entry of TARGETS.

`make bench-targets` measures what they need and writes docs/measurements/targets.md; see targetpage.py."""

import fnmatch
import statistics
from dataclasses import dataclass
from typing import Callable, Tuple

import chart

OWN, PEER, BEHIND = "standpipe", "nginx-uwsgi", "nginx-standpipe"
PROXY, NGINX, POLICIES = "proxy", "nginx", ("nginx", "nginx-least", "nginx-two")


@dataclass
class Figure:
    """One value of each round, and what they are made of."""

    values: list
    detail: str = ""

    @property
    def median(self):
        return statistics.median(self.values)

    def text(self):
        return "%s (%s..%s)" % tuple(chart.number(v) for v in (self.median, min(self.values), max(self.values)))


@dataclass(frozen=True)
class Target:
    row: str  # what the command calls it
    what: str
    key: str  # case/set
    servers: Tuple[str, ...]
    figure: Callable  # of a table.Table: a Figure, or None
    bound: float  # 0: the figure is reported alone
    most: bool  # at most the bound; False: at least
    unit: str = ""

    def wanted(self):
        if not self.bound:
            return "reported"
        return "%s %.4g%s" % ("at most" if self.most else "at least", self.bound, " " + self.unit if self.unit else "")

    def judge(self, tables):
        """(figure or None, met or None)"""
        table = tables.get(self.key)
        figure = self.figure(table) if table else None
        if not figure or not figure.values:
            return None, None
        if not self.bound:
            return figure, None
        return figure, figure.median <= self.bound if self.most else figure.median >= self.bound


# Figures.


def _rows(table, *names):
    rows = [table.row(name) for name in names]
    return rows if all(r and r.ok for r in rows) else None


def _pairs(a, b):
    """The quotients of the rounds; those of one round were measured within the same seconds."""
    return [x / y for x, y in zip(a, b) if y > 0]


def cpu(own_parts, peer_parts, own=OWN, peer=PEER, half=None):
    """Processor time for one request against the peer's; parts: of usage.PARTS, () for all; half: 0 user, 1 system."""

    def figure(table):
        rows = _rows(table, own, peer)
        if not rows:
            return None
        values = _pairs(rows[0].spent(own_parts, half), rows[1].spent(peer_parts, half))
        return Figure(values, "%s against %s us" % (_parts(rows[0], own_parts, half), _parts(rows[1], peer_parts, half)))

    return figure


def _parts(row, parts, half):
    spent = row.cpu(half)
    return " + ".join("%s %.1f" % (part, spent[part]) for part in spent if not parts or part in parts)


def times(own=OWN, peer=PEER):
    """How many times better than the peer."""

    def figure(table):
        rows = _rows(table, own, peer)
        if not rows:
            return None
        a, b = rows
        values = _pairs(a.values, b.values) if a.more else _pairs(b.values, a.values)
        return Figure(values, "%s against %s %s" % (chart.number(a.median), chart.number(b.median), a.unit))

    return figure


def tail(own=OWN, peer=PEER):
    """The p99 against the peer's."""

    def figure(table):
        rows = _rows(table, own, peer)
        if not rows:
            return None
        each = [[r["p99"] for r in row.rounds] for row in rows]
        shown = ["%s ms at %s/s" % (chart.number(row.figure("p99")), chart.number(row.figure("rate"))) for row in rows]
        return Figure(_pairs(*each), "%s against %s" % tuple(shown))

    return figure


def best_tail(own=PROXY, peers=POLICIES):
    """The p99 against that of the peer whose median is the least."""

    def figure(table):
        found = [row for row in map(table.row, peers) if row and row.ok]
        if len(found) < len(peers):
            return None
        return tail(own, min(found, key=lambda row: row.median).name)(table)

    return figure


def readers(own=PROXY, peer=NGINX):
    """Connections to the upstream that clients hold who read nothing, and more of the same round."""

    def figure(table):
        rows = _rows(table, own, peer)
        if not rows:
            return None
        shown = []
        for key, what in (("held", "connections"), ("grown", "MiB"), ("ended", "s until the last is ended"), ("left", "never")):
            shown.append("%s against %s %s" % (*(chart.number(row.figure(key)) for row in rows), what))
        return Figure(rows[0].values, ", ".join(shown))

    return figure


def value(*path, own=OWN, factor=1.0, more=()):
    """A figure of standpipe's own; more: (label, key, unit) of what is shown beside it."""

    def figure(table):
        rows = _rows(table, own)
        if not rows:
            return None
        values = []
        for found in rows[0].rounds:
            for name in path:
                found = found.get(name) if isinstance(found, dict) else None
            if found is not None:
                values.append(found * factor)
        shown = ["%s %s %s" % (label, chart.number(rows[0].figure(key)), unit) for label, key, unit in more]
        return Figure(values, ", ".join(shown))

    return figure


def spent(parts, own=OWN):
    """Microseconds of processor time for one request."""

    def figure(table):
        rows = _rows(table, own)
        return Figure(rows[0].spent(parts), "%s requests/s" % chart.number(rows[0].median)) if rows else None

    return figure


# The targets.


def _beside(row, what, key, bound, peer=PEER, own=OWN):
    return Target(row, what, key, (own, peer), times(own, peer), bound, False)


def _cpu(row, what, key, bound, own_parts=(), peer_parts=()):
    return Target(row, what, key, (OWN, PEER), cpu(own_parts, peer_parts), bound, True)


ALONE = ("alone-*",)
HTTP1, NETHTTP, FASTHTTP = "alone-http1", "alone-nethttp", "alone-fasthttp"

TARGETS = (
    _cpu("hello-4000", "hello at 4,000/s, no logs: processor time of Go + Python against nginx + uWSGI", "cpu-hello-4000/nolog", 0.85),
    _cpu("hello-4000-go", "of it Go against nginx", "cpu-hello-4000/nolog", 0.6, ("Go",), ("nginx",)),
    _cpu("hello-4000-python", "of it Python against uWSGI", "cpu-hello-4000/nolog", 1.1, ("Python",), ("Python",)),
    _cpu("flask-3000", "Flask at 3,000/s, no logs: processor time of Go + Python against nginx + uWSGI", "cpu-flask-3000/nolog", 0.95),
    Target(
        "http1-user",
        "HTTP/1.1 alone, a handler of 13 bytes: user time against net/http",
        "alone/default",
        ALONE,
        cpu((), (), HTTP1, NETHTTP, 0),
        0.45,
        True,
    ),
    Target("http1-rate", "the same: requests/s against fasthttp", "alone/default", ALONE, times(HTTP1, FASTHTTP), 0.9, False),
    Target("http1-mallocs", "the same: allocations for one request", "alone/default", ALONE, value("mallocs", own=HTTP1), 2, True),
    Target("go-hello", "Go's part of a hello at full load", "hello/default", (OWN,), spent(("Go",)), 14, True, "us"),
    _beside("hello", "hello without logs: requests/s against nginx + uWSGI", "hello/nolog", 1.4),
    _beside(
        "watched", "hello with the dashboard and 1 % of traces, no logs: requests/s against without", "hello/nolog", 0.97, OWN, "watched"
    ),
    _beside("flask", "Flask, JSON, without logs: requests/s against nginx + uWSGI", "flask/nolog", 1.1),
    _beside("clients-1000", "1,000 keep-alive clients: requests/s against nginx + uWSGI", "clients-1000/default", 1.1),
    _beside("close", "a new connection for each request: requests/s against nginx + uWSGI", "close/default", 1.1),
    _beside("static-1k", "a static file of 1 KB, no logs: requests/s against nginx", "static-1k/nolog", 0.9),
    _beside("static-304", "a static file that the client has (304), no logs: requests/s against nginx", "static-304/nolog", 0.9),
    _beside("static-many", "10,000 static files of 10 KB, no logs: requests/s against nginx", "static-many/nolog", 0.9),
    _beside("https", "a static file of 1 KB over HTTPS, no logs: requests/s against nginx", "https-static-1k/nolog", 0.9),
    _beside("https-hello", "hello over HTTPS, no logs: requests/s against nginx + uWSGI", "https-hello/nolog", 0.9),
    _beside("handshakes", "full TLS handshakes, no logs: requests/s against nginx", "https-handshake/nolog", 0.8),
    _beside("h2-hello", "hello over HTTP/2, no logs: requests/s against nginx + uWSGI", "h2-hello/nolog", 0),
    _beside("h2-static", "a static file of 1 KB over HTTP/2, no logs: requests/s against nginx", "h2-static-1k/nolog", 0),
    _beside("behind-http", "behind nginx, HTTP by a unix socket: requests/s against nginx + uWSGI", "hello/front", 0.9),
    _beside("behind-uwsgi", "behind nginx, the uwsgi protocol, no logs: requests/s against uWSGI", "hello/nolog", 0.8, own=BEHIND),
    Target(
        "idle-memory",
        "memory of 10,000 idle keep-alive connections (RSS less RSS at the start)",
        "idle-memory/default",
        (OWN, PEER),
        value("grown", factor=1.048576),
        60,
        True,
        "MB",
    ),
    _beside("proxy-hello", "a proxied hello, keep-alive, no logs: requests/s against nginx", "proxy-hello/nolog", 0.9, NGINX, PROXY),
    _beside("proxy-limit", "the same with a [[limit]], against without", "proxy-hello/nolog", 0.97, PROXY, "proxy-limit"),
    _beside(
        "proxy-access", "the same with [[access]] of 1,000,000 networks, against without", "proxy-hello/nolog", 0.97, PROXY, "proxy-access"
    ),
    Target(
        "proxy-slow",
        "p99 at 2,000/s with one of three upstreams 10 times slower, against nginx's best policy",
        "proxy-slow/nolog",
        (PROXY,) + POLICIES,
        best_tail(),
        1,
        True,
    ),
    Target(
        "proxy-readers",
        "connections to the upstream that 1,000 clients hold who read nothing of 10 MiB, after 5 s",
        "proxy-readers/nolog",
        (PROXY, NGINX),
        readers(),
        0,
        True,
    ),
    _beside(
        "cached",
        "a page of 1 KiB from the cache, no logs: requests/s against nginx's proxy_cache",
        "proxy-cached/nolog",
        1,
        "nginx-cache",
        "proxy-cache",
    ),
    Target(
        "cached-static",
        "the same: processor time against a static file of that size",
        "proxy-cached/nolog",
        ("proxy-cache", "proxy-static"),
        cpu((), (), "proxy-cache", "proxy-static"),
        1.2,
        True,
    ),
    _beside("proxy-php", "a hello of PHP by FastCGI, no logs: requests/s against nginx + PHP-FPM", "proxy-php/nolog", 0, NGINX, PROXY),
    Target("p99-half", "p99 at half of each server's capacity, against nginx + uWSGI", "latency-own/default", (OWN, PEER), tail(), 1, True),
    Target("p99-15k", "p99 at 15,000/s, against nginx + uWSGI", "latency-15k/default", (OWN, PEER), tail(), 1, True),
    _beside("start", "cold start of a hello to the first answer: how many times faster than nginx + uWSGI", "start/default", 0.8),
    Target(
        "compress",
        "a hello's p50 beside two clients of `--compress`, against alone",
        "compress/default",
        (OWN,),
        value("times", more=(("beside them", "p50", "ms"), ("alone", "p50_alone", "ms"))),
        2,
        True,
    ),
    Target(
        "beside-idle",
        "p99 of 32 busy connections beside 12,000 idle ones, against the same without them",
        "beside-idle/default",
        (OWN,),
        value("times", more=(("beside them", "p99", "ms"), ("alone", "p99_alone", "ms"))),
        1.2,
        True,
    ),
)


def chosen(patterns):
    """The targets whose rows patterns name; () for all."""
    for pattern in patterns:
        if not any(fnmatch.fnmatch(t.row, pattern) for t in TARGETS):
            raise SystemExit("bench: no row is called %s; there are: %s" % (pattern, " ".join(t.row for t in TARGETS)))
    return [t for t in TARGETS if not patterns or any(fnmatch.fnmatch(t.row, p) for p in patterns)]


def servers(key):
    """The servers that a case runs for the targets: all that any of them needs, because a case's entry is replaced whole."""
    return tuple(dict.fromkeys(name for t in TARGETS if t.key == key for name in t.servers))


def judge(tables):
    """[(target, figure or None, met or None)] of the targets for whose case there is a table."""
    by_key = {t.key: t for t in tables}
    return [(t, *t.judge(by_key)) for t in TARGETS if t.key in by_key]
