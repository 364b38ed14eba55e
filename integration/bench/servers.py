"""The servers. One entry is one row; a new one is a function of a Job and a line in SERVERS."""

import os
import sys

import machine
import proxies
from server import Server, Unoffered


def _no_gevent(job):
    if job.shape.gevent:
        raise Unoffered("no gevent workers")


def _no_preload(job, why="no preload"):
    if job.shape.preload:
        raise Unoffered(why)


def standpipe(job, protocol=""):
    argv = [
        job.tools.standpipe,
        "serve",
        job.app,
        "--python",
        job.bin("python"),
        "-w",
        str(job.shape.workers),
        "-b",
        ("https://" if job.certificate else protocol) + job.address,
    ]
    if job.certificate:
        argv += ["--tls-cert", job.certificate, "--tls-key", job.certificate]
    argv += ["--runtime-dir", os.path.join(job.dir, "runtime")]
    if job.shape.threads:
        argv += ["--threads", str(job.shape.threads)]
    if job.shape.gevent:
        argv += ["-k", "gevent"]
    if job.shape.preload:
        argv += ["--preload"]
    if job.shape.clients > 256:  # all ask at once: more would wait than its line holds
        argv += ["--queue", str(job.shape.clients)]
    if job.shape.idle:
        argv += ["--max-connections", "0"]
    if job.files:
        argv += ["--static", "/files=" + job.files]
    if job.logs == "off":
        argv += ["--access-log", "off"]
    return [argv + list(job.tools.more)]


def watched(job):
    """With the dashboard, and traces of 1 % of the requests to a collector."""
    port = machine.free_port()
    collector = [sys.executable, "-B", os.path.join(os.path.dirname(os.path.abspath(__file__)), "collector.py"), str(port)]
    more = ["--dashboard", "127.0.0.1:%d" % machine.free_port(), "--trace-to", "http://127.0.0.1:%d" % port, "--trace-sample", "0.01"]
    return [collector, standpipe(job)[0] + more]


def standpipe_uwsgi(job):
    """In uWSGI's place behind nginx, by the same protocol and the same configuration of nginx."""
    return standpipe(job, "uwsgi+")


def gunicorn(kind):
    def command(job):
        if job.shape.gevent != (kind == "gevent") and (job.shape.gevent or job.shape.threads):
            raise Unoffered("another worker class")
        if job.shape.threads and kind != "gthread":
            raise Unoffered("another worker class")
        argv = [job.bin("gunicorn"), job.app, "-w", str(job.shape.workers), "-k", kind, "-b", job.address]
        if kind == "gthread":
            argv += ["--threads", str(job.shape.threads or 4)]
        if job.shape.preload:
            argv += ["--preload"]
        return [argv]

    return command


def uwsgi(*addresses):
    """addresses: the flags that say where it listens, with @ for the address."""

    def command(job):
        address = job.socket or "127.0.0.1:%d" % job.port
        argv = list(job.tools.uwsgi()) + [flag.replace("@", address) for flag in addresses]
        if job.socket and addresses[0] != "--socket":  # behind nginx its own protocol is what it is for
            raise Unoffered("behind nginx it speaks uwsgi: see nginx + uWSGI")
        argv += ["--chmod-socket=666"] if job.socket else []
        argv += ["--master", "--processes", str(job.shape.workers), "--module", job.app, "--need-app", "--die-on-term", "--auto-procname"]
        argv += ["--listen", "1024"]  # the default's 100 makes nginx answer 502 to 1,000 clients
        if job.shape.threads:
            argv += ["--threads", str(job.shape.threads)]
        if job.shape.gevent:
            argv += ["--gevent", "1000", "--gevent-monkey-patch"]
        if job.files and not job.socket:
            argv += ["--static-map", "/files=" + job.files]
        if job.shape.preload is False:
            argv += ["--lazy-apps"]  # it preloads by default
        if job.logs == "off":
            argv += ["--disable-logging"]
        return [argv]

    return command


def granian(job):
    _no_gevent(job)
    _no_preload(job)
    argv = [job.bin("granian"), "--interface", "wsgi", "--workers", str(job.shape.workers), "--no-ws"]
    if job.socket:
        argv += ["--uds", job.socket, "--uds-permissions", "666"]
    else:
        argv += ["--host", "127.0.0.1", "--port", str(job.port)]
    if job.shape.threads:
        argv += ["--blocking-threads", str(job.shape.threads)]
    return [argv + [job.app]]


QUIET = "import logging, sys; logging.getLogger('waitress.queue').setLevel(logging.ERROR); from waitress.runner import run; run(sys.argv)"


def waitress(job):
    """One process by nature: its threads are the workers' together. It logs a line when requests wait, which logs=off ends."""
    _no_gevent(job)
    _no_preload(job)
    if job.shape.workers > 2:
        raise Unoffered("one process by nature")
    argv = [job.bin("python"), "-c", QUIET] if job.logs == "off" else [job.bin("waitress-serve")]
    argv += ["--unix-socket=" + job.socket, "--unix-socket-perms=666"] if job.socket else ["--listen", job.address]
    if job.shape.threads:
        argv += ["--threads=%d" % (job.shape.threads * job.shape.workers)]
    if job.shape.clients > 100:  # its limit
        argv += ["--connection-limit=%d" % (job.shape.clients * 2)]
    return [argv + [job.app]]


def cheroot(job):
    _no_gevent(job)
    _no_preload(job)
    if job.shape.workers > 2:
        raise Unoffered("one process by nature")
    argv = [job.bin("cheroot"), "--bind", job.socket or job.address, "--request-queue-size", "1024"]  # the backlog; the default is 5
    if job.shape.threads:
        argv += ["--threads", str(job.shape.threads * job.shape.workers)]
    return [argv + [job.app]]


def bjoern(job):
    _no_gevent(job)
    _no_preload(job)
    if job.shape.threads:
        raise Unoffered("no threads")
    return [[job.bin("python"), os.path.join(job.apps, "serve_bjoern.py"), job.app, job.address, str(job.shape.workers)]]


def mod_wsgi(job):
    _no_gevent(job)
    _no_preload(job)
    if job.socket:
        raise Unoffered("Apache is a front itself")
    module, name = job.app.split(":")
    with open(os.path.join(job.dir, "site.wsgi"), "w") as f:
        f.write("from %s import %s as application\n" % (module, name))
    access = "off" if job.logs == "off" else 'CustomLog "%s/access.log" combined' % job.dir
    machine.fill(
        "apache.conf",
        job.dir,
        {
            "DIR": job.dir,
            "PORT": job.port,
            "MODULES": job.tools.apache_modules(),
            "WSGI": job.tools.mod_wsgi(),
            "VENV": job.tools.venv,
            "APPS": job.apps,
            "USER": "User nobody\nGroup nogroup" if os.getuid() == 0 else "",
            "ACCESS_LOG": "" if access == "off" else access,
            "WORKERS": job.shape.workers,
            "THREADS": "threads=%d" % job.shape.threads if job.shape.threads else "",
        },
    )
    return [[job.tools.apache(), "-f", os.path.join(job.dir, "apache.conf"), "-DFOREGROUND"]]


def caddysnake(job):
    _no_gevent(job)
    _no_preload(job)
    if job.socket:
        raise Unoffered("Caddy is a front itself")
    if job.shape.threads:
        raise Unoffered("no threads of a worker's")
    return [
        [
            job.bin("caddysnake"),
            "--server-type",
            "wsgi",
            "--app",
            job.app,
            "--listen",
            "127.0.0.1:%d" % job.port,
            "--workers",
            str(job.shape.workers),
            "--workers-runtime",
            "process",
        ]
    ]


def alone(kind):
    """A Go server with one handler of 13 bytes, no app, no log: http1/."""

    def command(job):
        return [[job.tools.http1, "-kind", kind, "-address", job.address]]

    return command


SERVERS = (
    Server("standpipe", "standpipe", standpipe, logs="standpipe's, on standard output"),
    Server(
        "watched", "standpipe with dashboard and traces", watched, family="standpipe", unix=False, note="1 % of the requests are traced"
    ),
    Server(
        "nginx-uwsgi",
        "nginx + uWSGI",
        uwsgi("--socket", "@"),
        ("uWSGI",),
        ("nginx",),
        front="uwsgi",
        logs="nginx's and uWSGI's",
        note="uWSGI on a unix socket; that protocol has no keep-alive, the clients have it",
    ),
    Server(
        "nginx-standpipe",
        "nginx + standpipe",
        standpipe_uwsgi,
        (),
        ("nginx",),
        front="uwsgi",
        family="standpipe",
        logs="nginx's and standpipe's",
        note="standpipe in uWSGI's place: the uwsgi protocol on a unix socket",
    ),
    Server(
        "uwsgi-http",
        "uWSGI --http",
        uwsgi("--http", "@", "--http-keepalive=75", "--http-auto-chunked"),
        ("uWSGI",),
        family="uwsgi",
        logs="uWSGI's",
        note="its HTTP router, with keep-alive: what its manual puts before clients",
    ),
    Server(
        "uwsgi-socket",
        "uWSGI --http-socket",
        uwsgi("--http-socket", "@"),
        ("uWSGI",),
        family="uwsgi",
        inside=True,
        logs="uWSGI's",
        note="each worker parses HTTP itself and closes after each answer; --http11-socket would keep a worker to one idle client",
    ),
    Server("gunicorn-sync", "gunicorn sync", gunicorn("sync"), ("gunicorn",), family="gunicorn", note="no keep-alive by nature"),
    Server(
        "gunicorn-gthread",
        "gunicorn gthread",
        gunicorn("gthread"),
        ("gunicorn",),
        family="gunicorn",
        note="4 threads a worker: with its default of 1 it is slower than sync",
    ),
    Server("gunicorn-gevent", "gunicorn gevent", gunicorn("gevent"), ("gunicorn", "gevent", "packaging"), family="gunicorn"),
    Server("granian", "granian", granian, ("granian",), inside=True),
    Server("bjoern", "bjoern", bjoern, ("bjoern",), inside=True),
    Server("waitress", "waitress", waitress, ("waitress",), logs="a line when requests wait", note="one process, 4 threads by default"),
    Server("cheroot", "cheroot", cheroot, ("cheroot",), note="one process, 10 threads by default"),
    Server(
        "mod_wsgi",
        "Apache mod_wsgi",
        mod_wsgi,
        ("mod_wsgi",),
        ("apache2",),
        logs="Apache's",
        note="daemon mode, 15 threads a process by default",
    ),
    Server("caddysnake", "caddysnake", caddysnake, ("caddysnake",), note="Caddy with Python worker processes"),
    Server("proxy", "standpipe", proxies.standpipe(), family="proxy", logs="standpipe's, on standard output"),
    Server(
        "proxy-limit", "standpipe with a [[limit]]", proxies.standpipe(proxies.limit), family="proxy", note="by client; it refuses nothing"
    ),
    Server(
        "proxy-access",
        "standpipe with an [[access]]",
        proxies.standpipe(proxies.access),
        family="proxy",
        note="a file of 1,000,000 networks, none of them a client's",
    ),
    Server("proxy-cache", "standpipe with cache", proxies.standpipe(of_route=('cache = "on"',)), family="proxy"),
    Server("proxy-static", "standpipe, the same as a static file", proxies.standpipe(proxies.files), family="proxy"),
    Server(
        "nginx-cache", "nginx with proxy_cache", proxies.nginx(cache=True), programs=("nginx",), family="proxy", note="with open_file_cache"
    ),
    Server("nginx", "nginx", proxies.nginx(), programs=("nginx",), family="proxy", logs="nginx's", note="round robin"),
    Server("nginx-least", "nginx, least_conn", proxies.nginx("least_conn;"), programs=("nginx",), family="proxy"),
    Server("nginx-two", "nginx, random two least_conn", proxies.nginx("random two least_conn;"), programs=("nginx",), family="proxy"),
    Server("alone-http1", "bridge/http1", alone("http1"), family="alone", programs=("go",), logs="none"),
    Server("alone-nethttp", "net/http", alone("net/http"), family="alone", programs=("go",), logs="none"),
    Server("alone-fasthttp", "fasthttp", alone("fasthttp"), family="alone", programs=("go",), logs="none"),
)
BY_NAME = {s.name: s for s in SERVERS}
