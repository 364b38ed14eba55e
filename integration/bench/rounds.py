"""The race: one case in one set, all its servers, round by round (A B C A B C).

For a loaded case every server is started once, warmed up, and stays up, idle, while the others have their turns: a restart
in each round would measure cold caches and fresh heaps. What a server spends while it is idle is measured too."""

import argparse
import fnmatch
import os
import shutil
import subprocess
import tempfile
import time

import behind
import case as nouns
import cliff
import crowd
import load
import machine
import overload
import process
import proxies
import readers
import usage
from entrant import Entrant, Failed
from server import Unoffered
from servers import SERVERS


def chosen(case, set_, only):
    """The servers of a case, in the order of SERVERS; only: patterns, or () for all."""
    wanted = case.servers[set_.name]
    return [
        s
        for s in SERVERS
        if any(fnmatch.fnmatch(s.name, w) for w in wanted) and (not only or any(fnmatch.fnmatch(s.name, o) for o in only))
    ]


def estimate(case, set_, servers, options):
    """Seconds that run() will take, about."""
    each = {
        "overload": 3 * options.seconds + 3,
        "memory": 6,
        "start": 2 * 0.5,
        "idle": 5,
        "beside": 2 * options.seconds + 5,
        "cliff": 3 * options.seconds + 6,
        "readers": readers.LOOK + proxies.SEND_TIMEOUT + 3,
    }.get(case.kind, options.seconds + 1)
    once = {"memory": 0, "start": 1, "idle": 0, "cliff": 0, "readers": 0}.get(case.kind, options.warm + 1)
    if case.kind == "pace" and not case.at:
        once += options.seconds
    return len(chosen(case, set_, servers)) * (once + options.rounds * each)


class Race:
    """options: rounds, seconds, warm, say (prints progress)."""

    def __init__(self, tools, options):
        self._tools, self._options = tools, options
        self._dir = tempfile.mkdtemp(prefix="bench-")
        os.chmod(self._dir, 0o755)  # Apache drops privileges
        self._apps = os.path.join(self._dir, "apps")
        shutil.copytree(os.path.join(machine.HERE, "apps"), self._apps, ignore=shutil.ignore_patterns("__pycache__"))
        self._expected = {}
        self._folders = {}

    def close(self):
        process.stop_all()
        shutil.rmtree(self._dir, ignore_errors=True)

    def run(self, case, set_, servers=()):
        """Returns the rows; servers: patterns, () for all of the case."""
        entrants = []
        files = self._files(case)
        back = behind.Behind(case.behind, self._dir, self._tools) if case.behind else None
        certificate = self._certificate() if case.over else ""
        for server in chosen(case, set_, servers):
            entrants.append(Entrant(server, case, set_, self._tools, self._dir, self._apps, files, certificate, back))
        expected = self._answer(case)
        try:
            for e in entrants if back else ():
                self._attempt(e, back.start)
            if case.kind in ("memory", "start", "idle", "cliff", "readers"):
                self._restarted(case, entrants, expected)
            else:
                self._loaded(case, entrants, expected)
        finally:
            for e in entrants:
                e.stop()
            if back:
                back.stop()
        return [e.result() for e in entrants]

    def _files(self, case):
        """The folder of the case's static files, made once; "" when it has none."""
        if not case.file:
            return ""
        key = case.file, case.files
        if key not in self._folders:
            folder = os.path.join(self._dir, "files-%d-%d" % key)
            os.mkdir(folder, 0o755)
            for number in range(case.files):
                with open(os.path.join(folder, "%d.bin" % number), "wb") as f:
                    f.write(os.urandom(case.file))
            self._folders[key] = folder
        return self._folders[key]

    def _certificate(self):
        """One for all servers, of the kind that CAs issue by default."""
        path = os.path.join(self._dir, "certificate.pem")
        if not os.path.exists(path):
            argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"]
            argv += [
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1",
                "-keyout",
                path,
                "-out",
                path + ".new",
            ]
            if subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
                raise SystemExit("bench: openssl makes no certificate")
            with open(path, "a") as f:
                f.write(machine.read(path + ".new"))
        return path

    def _answer(self, case):
        """The right body: the table's, the file, or what the app says without a server."""
        if case.file:
            with open(os.path.join(self._files(case), "0.bin"), "rb") as f:
                return f.read()
        if case.behind == "big":
            return behind.BIG
        if case.expected is not None:
            return case.expected
        key = case.app, case.body
        if key not in self._expected:
            argv = [self._tools.bin("python"), "call_app.py", case.app, str(case.body)]
            done = subprocess.run(argv, cwd=self._apps, stdout=subprocess.PIPE)
            if done.returncode:
                raise SystemExit("bench: %s does not run without a server" % case.app)
            self._expected[key] = done.stdout
        return self._expected[key]

    def _attempt(self, entrant, action):
        """Runs action(); a server that cannot do it drops out, with the reason."""
        if entrant.status != "ok":
            return
        try:
            action()
            return
        except Unoffered as e:
            entrant.fail("unoffered", str(e))
        except (Failed, load.LoadError) as e:
            entrant.fail("failed", str(e))
        self._options.say("  %-18s %s: %s" % (entrant.server.name, entrant.status, entrant.reason[:200]))
        entrant.stop()

    def _begin(self, entrant, expected):
        missing = self._tools.missing(entrant.server, entrant.case)
        if missing:
            raise Failed(missing)
        return entrant.start(expected)

    # Loaded cases.

    def _loaded(self, case, entrants, expected):
        for e in entrants:
            self._attempt(e, lambda: self._warm(e, expected))
        for number in range(self._options.rounds):
            for e in entrants:
                self._attempt(e, lambda: self._round(e, case.at or e.capacity / 2))
                if e.status == "ok":
                    self._options.say("  %-18s round %d: %s" % (e.server.name, number + 1, _short(e)))
        for e in entrants:
            self._attempt(e, lambda: e.check(expected))

    def _warm(self, entrant, expected):
        self._begin(entrant, expected)
        self._wrk(entrant, self._options.warm)
        if entrant.case.kind == "pace" and not entrant.case.at:
            entrant.capacity = self._wrk(entrant, self._options.seconds)["rate"]
        entrant.drop_logs()
        entrant.spent = usage.times(entrant.roots), time.perf_counter()

    def _wrk(self, entrant, seconds):
        if entrant.case.over == "h2":
            return load.h2load(entrant.port, seconds, entrant.case.connections, entrant.case.path)
        if entrant.case.over == "handshake":
            return load.handshakes(entrant.port, seconds, entrant.case.path)
        return load.wrk(entrant.port, seconds, *self._request(entrant))

    def _request(self, entrant):
        """What wrk asks for: its arguments from connections on."""
        case = entrant.case
        headers = case.headers
        if case.again:
            tag = entrant.etag()
            if not tag:
                raise Unoffered("no ETag")
            headers += ("If-None-Match: " + tag,)
        return case.connections, case.body, headers, case.path, case.files, "https" if case.over else "http"

    def _round(self, entrant, rate):
        waited = time.perf_counter() - entrant.spent[1]
        idle = sum(sum(both) for both in usage.between(entrant.spent[0], usage.times(entrant.roots)).values()) / waited
        kind, seconds = entrant.case.kind, self._options.seconds
        if kind in ("pace", "fixed"):
            load.pace(self._tools.pace, entrant.port, rate, load.STIR)
        elif entrant.case.over in ("h2", "handshake"):
            self._wrk(entrant, 1)
        else:
            load.stir(entrant.port, *self._request(entrant))
        objects = entrant.mallocs() if entrant.case.mallocs else 0
        before = usage.times(entrant.roots)
        if kind in ("pace", "fixed"):
            got = load.pace(self._tools.pace, entrant.port, rate, seconds)
        elif kind == "overload":
            got = overload.round(entrant, self._tools.pace, seconds)
        elif kind == "beside":
            got = crowd.beside(entrant, seconds)
        else:
            got = self._wrk(entrant, seconds)
        got["cpu"] = usage.between(before, usage.times(entrant.roots))
        if kind == "fixed":
            got["us"] = 1e6 * sum(sum(both) for both in got["cpu"].values()) / max(1, got["requests"] - got["failed"])
        if entrant.case.mallocs:
            got["mallocs"] = (entrant.mallocs() - objects) / max(1, got["requests"])
        if waited > 2:  # less says only how the last requests ended
            got["idle"] = idle
        got["memory"] = usage.memory(entrant.roots)
        entrant.drop_logs()
        entrant.spent = usage.times(entrant.roots), time.perf_counter()
        for p in entrant.processes:
            if not p.alive():
                raise Failed("it ended under load: " + p.tail())
        if got.get("requests", 0) == 0:
            raise Failed("it answered nothing within the round")
        if got.get("errors", {}).get("status", 0) > got["requests"] / 1000:
            raise Failed("%d of %d answers were not 2xx" % (got["errors"]["status"], got["requests"]))
        entrant.rounds.append(rounded(got))

    # Cases for which the server is started in each round.

    def _restarted(self, case, entrants, expected):
        first, last = 0, self._options.rounds
        if case.kind == "start":  # short, so twice as many; the first of all only warms the disk's cache
            first, last = -1, 2 * last
        for number in range(first, last):
            for e in entrants:
                self._attempt(e, lambda: self._start_round(e, expected, number < 0))
                if e.status == "ok" and number >= 0:
                    self._options.say("  %-18s round %d: %s" % (e.server.name, number + 1, _short(e)))

    def _cliff(self):
        options = argparse.Namespace(python=self._tools.bin("python"), page=cliff.page(), seconds=self._options.seconds, connections=2)
        try:
            found = cliff.measure(options, self._tools.standpipe, "gzip")
        except SystemExit as e:
            raise Failed(str(e))
        alone, beside = found[0], found[2]
        got = {key: beside[key] for key in ("p50", "p99", "rate", "pages")}
        got.update({"times": beside["p50"] / alone["p50"], "p50_alone": alone["p50"], "rate_alone": alone["rate"]})
        return got

    def _start_round(self, entrant, expected, discard):
        if entrant.case.kind == "cliff":
            entrant.rounds.append(rounded(self._cliff()))
            return
        took = self._begin(entrant, expected)
        got = {"ms": took * 1000}
        if entrant.case.kind == "memory":
            self._wrk(entrant, 2)  # all workers have worked
            got.update(usage.memory(entrant.roots))
        if entrant.case.kind == "idle":
            got.update(crowd.memory(entrant))
        if entrant.case.kind == "readers":
            got.update(readers.round(entrant))
        entrant.stop()
        entrant.port = machine.free_port()
        if not discard:
            entrant.rounds.append(rounded(got))


def rounded(value):
    """Figures to four decimals: a results file that is read by people and kept in git."""
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(v) for v in value]
    return round(value, 4) if isinstance(value, float) else value


def _short(entrant):
    key, unit, _ = nouns.METRICS[entrant.case.kind]
    return "%s %.*f %s" % (key, 0 if unit == "req/s" else 2, entrant.rounds[-1][key], unit)
