"""A server under way for one case: started, asked, stopped."""

import http.client
import os
import shutil
import ssl
import time
import urllib.request

import machine
import process
import server as servers

READY = 120  # seconds for the first answer


# What nginx 1.22 is set up with, so that both sides speak TLS 1.3.
TLS = "ssl_certificate %s; ssl_certificate_key %s; ssl_protocols TLSv1.2 TLSv1.3;"


class Failed(Exception):
    """The server did not start, ended, or answered wrongly; the text says which."""


class Entrant:
    def __init__(self, server, case, set_, tools, run_dir, apps, files="", certificate="", behind=None):
        self.server, self.case, self.set, self.tools = server, case, set_, tools
        self.dir = os.path.join(run_dir, server.name)
        self.apps, self.files, self.certificate, self.behind = apps, files, certificate, behind
        self.port = machine.free_port()
        self.processes = []
        self.rounds = []
        self.status, self.reason = "ok", ""
        self.capacity = 0.0

    @property
    def roots(self):
        return [p.pid for p in self.processes]

    def start(self, expected):
        """Starts it and waits for the right answer; returns how long that took, in seconds."""
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir, 0o755)
        began = time.perf_counter()
        for number, argv in enumerate(self._commands()):
            log = os.path.join(self.dir, "output-%d.log" % number)
            try:
                self.processes.append(process.Process(argv, self.dir if self.behind else self.apps, self._environment(), log))
            except OSError as e:
                raise Failed("it does not start: %s" % e)
        return self._first_answer(expected, began)

    def _commands(self):
        socket = os.path.join(self.dir, "app.sock")
        behind = self.set.front or self.server.front
        if behind and not self.server.unix:
            raise servers.Unoffered("cannot listen on a unix socket")
        if self.certificate and not behind and self.server.name != "standpipe":
            raise servers.Unoffered("not set up for HTTPS here")
        job = servers.Job(
            self.dir,
            self.apps,
            self.case.app,
            self.case.shape,
            self.set.logs,
            self.port,
            socket if behind else "",
            self.tools,
            self.files,
            self.behind,
            "" if behind else self.certificate,
        )
        commands = list(self.server.command(job))
        if behind:
            commands.append(self._nginx(socket))
        return commands

    def _nginx(self, socket):
        machine.fill("uwsgi_params", self.dir, {})
        passes = {
            "uwsgi": "include %s; uwsgi_pass app;" % os.path.join(self.dir, "uwsgi_params"),
            "": 'proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;\n'
            "            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;",
        }
        conf = machine.fill(
            "nginx.conf",
            self.dir,
            {
                "DIR": self.dir,
                "PORT": self.port,
                "HOW": "ssl http2" if self.certificate else "",
                "TLS": TLS % (self.certificate, self.certificate) if self.certificate else "",
                "CONNECTIONS": 4096 + self.case.shape.idle,
                "USER": "user root;" if os.getuid() == 0 else "",
                "ACCESS_LOG": "access_log off;" if self.set.logs == "off" else "access_log %s/access.log combined;" % self.dir,
                "UPSTREAM": "unix:" + socket,
                "PASS": passes[self.server.front],
                "FILES": "location /files/ { alias %s/; open_file_cache max=20000 inactive=60s; }" % self.files if self.files else "",
            },
        )
        return [self.tools.nginx(), "-p", self.dir, "-c", conf, "-e", os.path.join(self.dir, "nginx-error.log")]

    def _environment(self):
        """Little: nothing of the caller's sets up a server behind its command line."""
        path = os.path.dirname(self.tools.bin("python")) + ":/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
        return {"PATH": path, "HOME": self.dir, "TMPDIR": self.dir, "LANG": "C.UTF-8", "PYTHONPATH": self.apps}

    def _first_answer(self, expected, began):
        last = "nothing listens"
        while time.perf_counter() - began < READY:
            try:
                status, body = self._ask()
            except (OSError, http.client.HTTPException) as e:
                last = "%s: %s" % (type(e).__name__, e)
            else:
                took = time.perf_counter() - began
                if status not in (502, 503, 504):  # what a front says while nothing is behind it
                    self._compare(status, body, expected)
                    return took
                last = "status %d" % status
            for p in self.processes:
                if not p.alive():
                    raise Failed("it ended: " + p.tail())
            time.sleep(0.002)
        raise Failed("no answer within %d s: %s; %s" % (READY, last, self.processes[0].tail()))

    def check(self, expected):
        """One answer, byte for byte."""
        try:
            self._compare(*self._ask(), expected)
        except (OSError, http.client.HTTPException) as e:
            raise Failed("no answer: %s: %s" % (type(e).__name__, e))

    def _ask(self):
        c = self._client()
        try:
            c.request("POST" if self.case.body else "GET", self.case.path, b"x" * self.case.body or None, {"Connection": "close"})
            answer = c.getresponse()
            return answer.status, answer.read()
        finally:
            c.close()

    def _client(self):
        if self.certificate:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=ssl._create_unverified_context())
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def _compare(self, status, body, expected):
        if status != 200 or body != expected:
            raise Failed("wrong answer: status %d, %d bytes: %r" % (status, len(body), body[:60]))

    def etag(self):
        c = self._client()
        try:
            c.request("HEAD", self.case.path, headers={"Connection": "close"})
            return c.getresponse().getheader("ETag")
        finally:
            c.close()

    def mallocs(self):
        """How many objects the server says it has allocated."""
        with urllib.request.urlopen("http://127.0.0.1:%d/mallocs" % self.port, timeout=20) as answer:
            return int(answer.read())

    def drop_logs(self):
        """What the logs hold is thrown away between rounds: they are all open for appending."""
        for folder, _, names in os.walk(self.dir):
            for name in names:
                if name.endswith(".log"):
                    os.truncate(os.path.join(folder, name), 0)

    def stop(self):
        for p in reversed(self.processes):
            p.stop()
        self.processes = []
        shutil.rmtree(self.dir, ignore_errors=True)

    def fail(self, status, reason):
        self.status = status
        reason = reason.replace(self.dir, "DIR").replace(self.apps, "APPS").replace(machine.REPOSITORY, "REPOSITORY")
        self.reason = reason.replace(os.path.expanduser("~"), "HOME")

    def result(self):
        out = {"server": self.server.name, "status": self.status}
        if self.reason:
            out["reason"] = self.reason
        if self.capacity:
            out["capacity"] = round(self.capacity, 1)
        out["rounds"] = self.rounds
        return out
