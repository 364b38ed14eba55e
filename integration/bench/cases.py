"""The cases. One entry is one table (for each of its sets); a new one is an app in apps/ and a line in CASES."""

from behind import PAGE
from case import Case, Set, Shape
from servers import SERVERS

SETS = (
    Set("default", "every server as it is shipped"),
    Set("nolog", "no access log anywhere", logs="off"),
    Set("front", "nginx in front of every server", front=True),
)

GUNICORN = ("gunicorn-*",)
ALL = tuple(s.name for s in SERVERS if s.family not in ("standpipe", "alone", "proxy"))  # one standpipe is enough
PAIR = ("standpipe", "nginx-uwsgi")
CORE = ("standpipe", "nginx-uwsgi", "uwsgi-http", "gunicorn-gthread", "gunicorn-gevent", "mod_wsgi", "granian", "bjoern")
FEW = ("standpipe", "nginx-uwsgi", "gunicorn-gthread", "gunicorn-gevent", "granian", "bjoern")
FLASK = ("Flask",)
DJANGO = ("Django",)


def _scaling(workers):
    return Case(
        "workers-%d" % workers,
        "Flask with %d worker%s" % (workers, "s" if workers > 1 else ""),
        "flask_json:app",
        JSON,
        {"default": ("standpipe", "nginx-uwsgi", "gunicorn-gthread", "granian")},
        needs=FLASK,
        shape=Shape(workers=workers),
    )


def _memory(name, title, preload, servers, note):
    return Case(
        name, title, "django_page.wsgi:app", None, {"default": servers}, "memory", DJANGO, Shape(workers=8, preload=preload), note=note
    )


def _overload(name, title, app, note):
    return Case(
        name,
        title,
        app,
        b"done",
        {"default": ("standpipe", "nginx-uwsgi")},
        "overload",
        note=note + " Clients wait for 1 s, every tenth for 50 ms. Goodput: answers 200 in time.",
    )


def _fixed(name, title, app, expected, rate, needs=()):
    """Most sites have so many requests or fewer: their servers sleep between two of them."""
    return Case("cpu-%s-%d" % (name, rate), "%s at %d/s" % (title, rate), app, expected, {"nolog": PAIR}, "fixed", needs, at=rate)


def _secure(name, title, over, **more):
    """Over TLS 1.3, with one certificate (ECDSA, P-256) for both; no logs."""
    return Case(name, title, "hello:app", b"hello" if "file" not in more else None, {"nolog": PAIR}, over=over, **more)


def _static(name, title, size, **more):
    return Case("static-" + name, title, "hello:app", None, {"default": FILES, "nolog": FILES}, file=size, **more)


def _proxy(name, title, servers, **more):
    """A [[route]] beside nginx, in front of the same upstreams; no logs."""
    return Case("proxy-" + name, title, "", b"hello", {"nolog": ("proxy",) + servers}, own="proxy", **more)


FILES = ("standpipe", "nginx-uwsgi", "uwsgi-http")
JSON = b'{"id":7,"name":"Brass valve","price":"31.50","stock":[4,0,12]}\n'

CASES = (
    tuple(_fixed("hello", "Hello", "hello:app", b"hello", rate) for rate in (1000, 4000, 8000))
    + tuple(_fixed("flask", "Flask, JSON", "flask_json:app", JSON, rate, FLASK) for rate in (1000, 3000))
    + (
        Case(
            "hello",
            "Hello",
            "hello:app",
            b"hello",
            {
                "default": ALL + ("nginx-standpipe",),
                "nolog": CORE + ("uwsgi-socket", "gunicorn-sync", "nginx-standpipe", "watched"),
                "front": FEW + ("gunicorn-sync", "waitress", "cheroot"),
            },
            note="The smallest app; what is left is the server.",
        ),
        Case("flask", "Flask, JSON", "flask_json:app", JSON, {"default": ALL, "nolog": FEW, "front": FEW}, needs=FLASK),
        Case(
            "django",
            "Django, a page with a template",
            "django_page.wsgi:app",
            None,
            {"default": CORE},
            needs=DJANGO,
            note="Thirty rows by a template, the usual middleware, no database.",
        ),
        Case("out-100k", "100 KB out", "bodies:out100k", None, {"default": CORE}),
        Case("out-1m", "1 MB out", "bodies:out1m", None, {"default": CORE}),
        Case(
            "in-64k",
            "64 KB in",
            "uploads:app",
            b"65536",
            {"default": CORE},
            body=65536,
            note="The app reads the whole body and answers its length.",
        ),
        Case(
            "in-10m",
            "10 MB in",
            "uploads:app",
            b"10485760",
            {"default": CORE},
            body=10 << 20,
            connections=8,
            note="The app reads the whole body and answers its length; 8 clients.",
        ),
        Case(
            "clients-1000",
            "1,000 keep-alive clients",
            "hello:app",
            b"hello",
            {"default": CORE + ("waitress",)},
            shape=Shape(clients=1000),
            connections=1000,
            note="All ask at once. Limits that would refuse some are raised: standpipe's queue (288), waitress's connections (100), uWSGI's backlog (100).",
        ),
        Case(
            "close",
            "A new connection for each request",
            "hello:app",
            b"hello",
            {"default": CORE + ("uwsgi-socket", "gunicorn-sync")},
            headers=("Connection: close",),
        ),
        Case(
            "beside-idle",
            "p99 of 32 clients beside 12,000 idle connections",
            "hello:app",
            b"hello",
            {"default": PAIR},
            "beside",
            shape=Shape(idle=12000),
            note="In each round the same load without the idle connections, then with them. Limits of connections are raised.",
        ),
        Case(
            "idle-memory",
            "Memory of 10,000 idle keep-alive connections",
            "hello:app",
            b"hello",
            {"default": PAIR},
            "idle",
            shape=Shape(idle=10000),
            note="RSS of what stands before Python, minus what it was before they came; each had one answer. Limits of connections are raised.",
        ),
        Case(
            "compress",
            "A hello beside two clients of --compress",
            "hello:app",
            b"hello",
            {"default": ("standpipe",)},
            "cliff",
            note="p50 of a hello on 2 connections alone, and beside two clients that fetch a page of 1.5 MB by gzip without pause.",
        ),
        Case(
            "alone",
            "HTTP/1.1 alone: a Go handler of 13 bytes",
            "",
            b"Hello, World!",
            {"default": ("alone-*",)},
            own="alone-http1",
            mallocs=True,
            note="bridge/http1 beside net/http and fasthttp, one handler, no app.",
        ),
        Case(
            "wait-threads",
            "20 ms of waiting, 2 workers x 64 threads",
            "wait:app",
            b"done",
            {"default": ("standpipe", "nginx-uwsgi", "uwsgi-http", "gunicorn-gthread", "mod_wsgi", "waitress", "cheroot", "granian")},
            shape=Shape(threads=64, clients=256),
            connections=256,
            ideal=6400,
            note="2 x 64 requests at a time, 50 a second each: 6,400 at best. 256 clients.",
        ),
        Case(
            "wait-gevent",
            "20 ms of waiting, 2 gevent workers",
            "wait:app",
            b"done",
            {"default": ("standpipe", "nginx-uwsgi", "gunicorn-gevent")},
            needs=("gevent",),
            shape=Shape(gevent=True, clients=256),
            connections=256,
            ideal=12800,
            note="256 clients: 12,800 at best.",
        ),
        Case(
            "latency-own",
            "Latency at half of what each server can do",
            "hello:app",
            b"hello",
            {"default": CORE + ("gunicorn-sync",)},
            "pace",
            note="Each at 50 % of its own capacity, measured just before.",
        ),
        Case(
            "latency-15k",
            "Latency at 15,000 requests/s",
            "hello:app",
            b"hello",
            {"default": CORE + ("gunicorn-sync",)},
            "pace",
            at=15000,
            note="One rate for all.",
        ),
        _overload(
            "overload",
            "Overload: twice the capacity is asked for",
            "work:app",
            "Views of some 4 ms; a full line of standpipe's is shorter than a client's patience.",
        ),
        _overload(
            "overload-slow",
            "Overload, slow views",
            "work:slow",
            "Views of some 20 ms: a full line lasts longer than a client's patience, and who is first in it is about to leave.",
        ),
    )
    + tuple(_scaling(n) for n in (1, 2, 4, 8))
    + (
        _memory(
            "memory",
            "Memory of 8 Django workers",
            False,
            ("standpipe", "nginx-uwsgi", "gunicorn-sync", "mod_wsgi", "granian"),
            "Each worker imports the app by itself.",
        ),
        _memory(
            "memory-preload",
            "Memory of 8 Django workers, preloaded",
            True,
            ("standpipe", "nginx-uwsgi", "gunicorn-sync"),
            "One process imports the app and forks the workers.",
        ),
        _static(
            "1k", "A static file of 1 KB", 1 << 10, least=0.9, note="nginx serves it by open_file_cache and sendfile, uWSGI by static-map."
        ),
        _static(
            "304", "A static file that the client has", 1 << 10, again=True, least=0.9, note="If-None-Match with the server's own ETag."
        ),
        _static("100k", "A static file of 100 KB", 100 << 10),
        _static("50m", "A static file of 50 MB", 50 << 20, connections=4, least=0.95, note="4 clients."),
        _secure("https-hello", "Hello over HTTPS, keep-alive", "https"),
        _secure(
            "https-static-1k", "A static file of 1 KB over HTTPS, keep-alive", "https", file=1 << 10, least=0.9, note="nginx alone answers."
        ),
        _secure(
            "https-handshake",
            "A connection and a full TLS handshake for each request",
            "handshake",
            file=1 << 10,
            connections=8,
            least=0.8,
            note="A static file of 1 KB, which nginx answers alone. 8 clients of openssl s_time, which resume no session.",
        ),
        _secure("h2-hello", "Hello over HTTP/2", "h2", shape=Shape(clients=320), note="h2load over TLS, 10 streams on each connection."),
        _secure(
            "h2-static-1k",
            "A static file of 1 KB over HTTP/2",
            "h2",
            file=1 << 10,
            note="nginx alone answers. h2load over TLS, 10 streams on each connection.",
        ),
        _static("many", "10,000 static files of 10 KB", 10 << 10, files=10000, least=0.9, note="Each request for another one."),
        _proxy(
            "hello",
            "A proxied hello",
            ("proxy-limit", "proxy-access", "nginx"),
            behind="hello",
            note="The upstream is an nginx that returns 5 bytes. The [[limit]] is by client and refuses nothing; the [[access]] has a file of "
            "1,000,000 networks, none of them a client's.",
        ),
        _proxy(
            "slow",
            "One of three upstreams is 10 times slower",
            ("nginx", "nginx-least", "nginx-two"),
            kind="pace",
            behind="delayed",
            at=2000,
            note="Two answer after 2 ms, the third after 20 ms; 2,000 requests/s. standpipe has its default policy, p2c.",
        ),
        _proxy(
            "readers",
            "1,000 clients that read nothing of an answer of 10 MiB",
            ("nginx",),
            kind="readers",
            behind="big",
            shape=Shape(idle=1000),
            note="Connections to the upstream with an answer under way, 5 s after the last request; memory of the proxy at that time, less "
            "that at the start. The send timeout of both is 10 s. standpipe's "
            "answer_total is raised, because all clients have one address. Up to 10 GB are written to the folder of temporary files.",
        ),
        Case(
            "proxy-cached",
            "A page of 1 KiB from the cache",
            "",
            PAGE,
            {"nolog": ("proxy-cache", "proxy-static", "nginx-cache")},
            own="proxy-cache",
            behind="page",
            note="The upstream answers with max-age=3600. standpipe has the page in memory, nginx in a file.",
        ),
        _proxy("php", "FastCGI: a hello of PHP", ("nginx",), behind="php", note="The same PHP-FPM, 4 processes, at a unix socket."),
        Case(
            "start",
            "Cold start, hello",
            "hello:app",
            b"hello",
            {"default": ALL},
            "start",
            note="From the start of the process to the first answer.",
        ),
        Case(
            "start-flask",
            "Cold start, Flask",
            "flask_json:app",
            JSON,
            {"default": CORE},
            "start",
            needs=FLASK,
            note="From the start of the process to the first answer.",
        ),
    )
)
