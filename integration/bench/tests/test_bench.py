"""The benchmark's own arithmetic and housekeeping; that it works as a whole is `make bench-quick`'s to show."""

import argparse
import json
import os
import socket
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import cases
import crowd
import fixed
import load
import process
import proxies
import readers
import report
import results
import rounds
import scaling
import table
import targetpage
import targets
import usage
import verdicts
from case import Case
from server import Server

HELLO = next(c for c in cases.CASES if c.name == "hello")
DEFAULT, NOLOG = cases.SETS[:2]
OPTIONS = argparse.Namespace(rounds=2, seconds=1, warm=0.1, servers=(), say=lambda text: None)


def rated(server, *rates, cpu=None):
    each = [{"rate": r, "requests": r, "p99": 1.0, "cpu": cpu or {}} for r in rates]
    return {"server": server, "status": "ok", "rounds": each}


def entry(*rows):
    return {"commit": "c0ffee", "date": "2026-01-01", "environment": "e", "rounds": 2, "seconds": 1, "rows": list(rows)}


class Tables(unittest.TestCase):
    def test_ratio_is_the_median_of_the_rounds(self):
        t = table.Table(HELLO, DEFAULT, entry(rated("standpipe", 100, 300, 200), rated("waitress", 100, 100, 400)))
        self.assertEqual(t.row("waitress").ratio, 1.0)  # of 1, 3 and 0.5; the medians' would be 2

    def test_less_is_better_turns_the_ratio(self):
        start = next(c for c in cases.CASES if c.name == "start")
        rows = [{"server": n, "status": "ok", "rounds": [{"ms": ms}]} for n, ms in (("standpipe", 50), ("waitress", 100))]
        t = table.Table(start, DEFAULT, entry(*rows))
        self.assertEqual(t.row("waitress").ratio, 2.0)

    def test_servers_with_everything_inside_are_no_peers(self):
        t = table.Table(HELLO, DEFAULT, entry(rated("standpipe", 100), rated("bjoern", 900), rated("waitress", 50), rated("cheroot", 80)))
        self.assertEqual(t.best().name, "cheroot")

    def test_processor_time_by_part(self):
        cpu = {"Go": [0.002, 0.001], "Python": [0.001, 0.0]}
        t = table.Table(HELLO, DEFAULT, entry(rated("standpipe", 100, cpu=cpu)))
        self.assertEqual({k: round(v) for k, v in t.own.cpu().items()}, {"Go": 30, "Python": 10})
        self.assertEqual(round(t.own.cpu(1)["Go"]), 10)


class Targets(unittest.TestCase):
    def verdicts(self, *rows):
        found = verdicts.judge([table.Table(HELLO, DEFAULT, entry(*rows))])
        return {v.target: v for v in found}

    def test_met_and_not_met(self):
        cpu = {"Go": [0.2, 0.2], "Python": [0.08, 0.0]}
        got = self.verdicts(
            rated("standpipe", 10000, cpu=cpu), rated("nginx-uwsgi", 5000), rated("gunicorn-sync", 1000), rated("gunicorn-gevent", 4000)
        )
        self.assertIs(got["Hello: at least 1.2 x nginx + uWSGI"].met, True)
        self.assertIs(got["Hello: at least 3.0 x gunicorn's best class"].met, False)
        self.assertIn("2.50 x gunicorn gevent", got["Hello: at least 3.0 x gunicorn's best class"].figure)
        self.assertIs(got["processor time of Go and Python for one hello: at most 32 us"].met, False)
        self.assertIs(got["of it Python (the shim and the app): at most 9 us"].met, True)

    def test_goodput_is_a_target_of_its_own(self):
        case = next(c for c in cases.CASES if c.name == "overload")
        for share, met in (89.0, False), (91.0, True):
            rows = [{"server": n, "status": "ok", "rounds": [{"share": s}]} for n, s in (("standpipe", share), ("nginx-uwsgi", 99.0))]
            got = {v.target: v.met for v in verdicts.judge([table.Table(case, DEFAULT, entry(*rows))])}
            self.assertIs(got["Overload: twice the capacity is asked for: goodput at least 90 % of the capacity"], met)
            self.assertFalse([t for t in got if "best peer" in t], "the peer's share is no target")

    def test_without_the_peer_there_is_no_figure(self):
        got = self.verdicts(rated("standpipe", 10000), {"server": "nginx-uwsgi", "status": "failed", "reason": "no nginx", "rounds": []})
        self.assertIsNone(got["Hello: at least 1.2 x nginx + uWSGI"].met)


class Pages(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.path = os.path.join(self.dir.name, "benchmarks.json")
        self.store = results.Results(self.path)
        machine = {"processor": "P", "cores": 2, "memory": "1 GiB", "system": "S", "kernel": "K"}
        self.store.environments["e"] = {"machine": machine, "versions": {"CPython": "3.11", "standpipe": "0.1"}}
        gone = {"server": "cheroot", "status": "failed", "reason": "a | b\nc", "rounds": []}
        self.store.put(HELLO, DEFAULT, "e", OPTIONS, [rated("standpipe", 100, 110), rated("waitress", 50, 60), gone])

    def page(self):
        with open(os.path.join(self.dir.name, "benchmarks.md")) as f:
            return f.read()

    def test_what_has_no_figure_is_a_row_with_the_reason(self):
        report.write(self.store)
        self.assertRegex(self.page(), r"\| cheroot \|.*no figure: a \\\| b c \|")
        self.assertIn("| **standpipe** | 105 (100..110) |", self.page())

    def test_notes_survive(self):
        with open(os.path.join(self.dir.name, "benchmarks.notes.md"), "w") as f:
            f.write("Before.\n%s\n## After\n" % report.SPLIT)
        report.write(self.store)
        page = self.page()
        self.assertLess(page.index("Before."), page.index("## Targets"))
        self.assertGreater(page.index("## After"), page.index("## Hello"))

    def test_stale_pages_are_named(self):
        report.write(self.store)
        self.assertEqual(report.stale(self.store), [])
        chart = os.path.join(self.dir.name, "benchmarks", "hello-default.svg")
        with open(chart, "a") as f:
            f.write("x")
        self.assertEqual(report.stale(results.Results(self.path)), ["hello-default.svg"])

    def test_a_case_run_again_replaces_its_entry_alone(self):
        again = results.Results(self.path)
        nolog = cases.SETS[1]
        again.put(HELLO, nolog, "e", OPTIONS, [rated("standpipe", 1)])
        again.put(HELLO, DEFAULT, "e", OPTIONS, [rated("standpipe", 7)])
        with open(self.path) as f:
            text = f.read()
        kept = json.loads(text)["cases"]
        self.assertEqual(sorted(kept), ["hello/default", "hello/nolog"])
        self.assertEqual([r["server"] for r in kept["hello/default"]["rows"]], ["standpipe"])
        self.assertEqual(sum('"rate"' in line for line in text.splitlines()), 2)  # a round is a line


class Scaling(unittest.TestCase):
    load = {"rate": 20000.0, "go": 25.0, "python": 10.0, "generator": 5.0, "used": 0.8}
    figures = {
        "machine": {"processor": "P", "cores": 2, "kernel": "K"},
        "python": "3.11",
        "commit": "c0ffee",
        "date": "2026-01-01",
        "one": load,
        "two": dict(load, rate=60000.0, used=1.6),
        "close": dict(load, go=65.0),
        "view": dict(load, python=2000.0),
        "connections": {"kib": 20.0},
        "waiting": {"kib": 22.0},
        "worker": {"go": 17.0, "kib": 80.0, "fds": 8.0, "pss": 4.0, "rss": 10.0, "worker_threads": 2},
        "many": {"apps": 200, "start": 3.0, "idle": 0.004, "go": 40.0, "threads": 9, "fds": 1612, "stop": 0.5},
    }

    def test_scaling_leaves_the_load_generator_out(self):
        text = scaling.table(self.figures)
        self.assertIn("| 3.00 |", text)  # 25,000 for a second of one core, 37,500 for a second of each of two
        self.assertIn("on top | 40 us |", text)
        self.assertIn("| 0.40 % of a core |", text)

    def test_the_page_keeps_what_is_not_between_the_marks(self):
        with tempfile.TemporaryDirectory() as dir:
            page, scaling.PAGE = scaling.PAGE, os.path.join(dir, "scaling.md")
            try:
                with open(scaling.PAGE, "w") as f:
                    f.write("before\n%s\nold\n%s\nafter\n" % scaling.MARKS)
                scaling.write("new \\1")
                with open(scaling.PAGE) as f:
                    self.assertEqual(f.read(), "before\n%s\nnew \\1\n%s\nafter\n" % scaling.MARKS)
            finally:
                scaling.PAGE = page

    def test_the_page_has_the_marks(self):
        with open(scaling.PAGE) as f:
            self.assertEqual([f.read().count(mark) for mark in scaling.MARKS[:1]], [1])


class Bounds(unittest.TestCase):
    """The table of targets.py."""

    def table(self, name, set_name, *rows):
        case = next(c for c in cases.CASES if c.name == name)
        return table.Table(case, next(s for s in cases.SETS if s.name == set_name), entry(*rows))

    def judged(self, *tables):
        return {t.row: (figure, met) for t, figure, met in targets.judge(tables)}

    def test_parts_are_compared_round_by_round(self):
        def row(server, *parts):
            rounds_ = [{"us": 1, "requests": 100, "cpu": cpu, "p50": 1, "p99": 2, "rate": 4000} for cpu in parts]
            return {"server": server, "status": "ok", "rounds": rounds_}

        own = row("standpipe", {"Go": [1, 1], "Python": [1, 1]}, {"Go": [2, 2], "Python": [1, 0]}, {"Go": [3, 1], "Python": [1, 1]})
        peer = row("nginx-uwsgi", *[{"nginx": [2, 2], "Python": [1, 1]}] * 3)
        t = self.table("cpu-hello-4000", "nolog", own, peer)
        got = self.judged(t)
        self.assertEqual(got["hello-4000-go"][0].values, [0.5, 1.0, 1.0])
        self.assertEqual(got["hello-4000-python"][0].values, [1.0, 0.5, 1.0])
        self.assertEqual([got[row][1] for row in ("hello-4000", "hello-4000-go", "hello-4000-python")], [True, False, True])
        self.assertIn("| Hello at 4000/s | 40000.0 | 40000.0 | **1.00** (0.50..1.00) |", fixed.section([t]))

    def test_user_time_is_a_part_of_it(self):
        rows = [rated(name, 100, cpu={"Go": cpu}) for name, cpu in (("alone-http1", [1, 9]), ("alone-nethttp", [4, 2]))]
        got = self.judged(self.table("alone", "default", *rows, rated("alone-fasthttp", 100)))
        self.assertEqual(got["http1-user"][0].values, [0.25])
        self.assertEqual(got["http1-rate"][0].values, [1.0])
        self.assertEqual(got["http1-mallocs"], (None, None), "nothing was counted")

    def test_what_is_less_is_better(self):
        rows = [{"server": n, "status": "ok", "rounds": [{"ms": ms}]} for n, ms in (("standpipe", 50), ("nginx-uwsgi", 40))]
        figure, met = self.judged(self.table("start", "default", *rows))["start"]
        self.assertEqual((figure.values, met), ([0.8], True))

    def test_a_peer_without_a_figure_is_no_figure(self):
        gone = {"server": "nginx-uwsgi", "status": "failed", "reason": "no nginx", "rounds": []}
        self.assertEqual(self.judged(self.table("start", "default", gone))["start"], (None, None))

    def test_each_has_its_case_and_its_servers(self):
        pairs = {results.key(c, s): (c, s) for c in cases.CASES for s in cases.SETS if s.name in c.servers}
        self.assertEqual(len({t.row for t in targets.TARGETS}), len(targets.TARGETS))
        for t in targets.TARGETS:
            self.assertIn(t.key, pairs, t.row)
            found = [s.name for s in rounds.chosen(*pairs[t.key], targets.servers(t.key))]
            for pattern in t.servers:
                self.assertTrue(any(rounds.fnmatch.fnmatch(name, pattern) for name in found), (t.row, pattern))

    def test_the_page(self):
        with tempfile.TemporaryDirectory() as dir:
            store = results.Results(os.path.join(dir, "targets.json"))
            self.assertFalse(targetpage.stale(store))
            machine = {"processor": "P", "cores": 2, "memory": "1 GiB", "system": "S", "kernel": "K"}
            store.environments["e"] = {"machine": machine, "versions": {"CPython": "3.11", "standpipe": "0.1"}}
            store.put(HELLO, cases.SETS[1], "e", OPTIONS, [rated("standpipe", 150, 160), rated("nginx-uwsgi", 100, 100)])
            self.assertTrue(targetpage.stale(store))
            with open(targetpage.write(store)) as f:
                page = f.read()
            self.assertRegex(page, r"hello without logs.*\| 1.55 \(1.50..1.60\) \|.* at least 1.4 \| met \|")
            self.assertRegex(page, r"behind nginx, the uwsgi protocol.*\| no figure \|")
            self.assertFalse(targetpage.stale(store))


class Crowds(unittest.TestCase):
    def test_connections_that_the_server_closed_are_noticed(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            kept = []

            def serve():
                for _ in range(3):
                    c = listener.accept()[0]
                    c.recv(1000)
                    c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    kept.append(c)

            thread = threading.Thread(target=serve)
            thread.start()
            with crowd.Crowd(listener.getsockname()[1], 3) as group:
                thread.join()
                group.whole()
                kept.pop().close()
                self.assertRaisesRegex(load.LoadError, "1 of 3", self.closed, group)
            for c in kept:
                c.close()

    def closed(self, group):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            group.whole()
            time.sleep(0.01)


class Proxies(unittest.TestCase):
    def test_the_tail_is_compared_with_the_best_policy(self):
        slow = next(c for c in cases.CASES if c.name == "proxy-slow")
        each = {"proxy": (4, 6), "nginx": (20, 20), "nginx-least": (8, 3), "nginx-two": (9, 9)}  # the best by its median, not in a round
        rows = [{"server": n, "status": "ok", "rounds": [{"p99": v, "rate": 2000} for v in vs]} for n, vs in each.items()]
        figure, met = next(t for t in targets.TARGETS if t.row == "proxy-slow").judge(
            {slow.name + "/nolog": table.Table(slow, NOLOG, entry(*rows))}
        )
        self.assertEqual((figure.values, met), ([0.5, 2.0], False))
        rows.pop()
        figure, met = next(t for t in targets.TARGETS if t.row == "proxy-slow").judge(
            {slow.name + "/nolog": table.Table(slow, NOLOG, entry(*rows))}
        )
        self.assertIsNone(figure, "a policy has no figure")

    def test_connections_that_a_server_has_closed_are_none(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            with socket.create_connection(("127.0.0.1", port)):
                accepted = server.accept()[0]
                self.assertEqual(readers.connections(port), 1)
                accepted.close()
                self.assertEqual(readers.connections(port), 0)

    def test_all_networks_are_there_once(self):
        before, proxies.NETWORKS = proxies.NETWORKS, 5000
        try:
            with tempfile.TemporaryDirectory() as folder:
                proxies.access(argparse.Namespace(dir=folder))
                with open(os.path.join(folder, "networks.txt")) as f:
                    lines = f.read().split()
        finally:
            proxies.NETWORKS = before
        self.assertEqual((len(lines), len(set(lines)), lines[-1]), (5000, 5000, "11.1.56.112"))


class Processor(unittest.TestCase):
    def test_the_sum_is_the_schedulers_in_the_proportion_of_the_ticks(self):
        got = usage.between({"Go": [1.0, 1.0, 2.005]}, {"Go": [1.03, 1.01, 2.055], "Python": [0.0, 0.0, 0.004]})
        self.assertEqual({k: [round(v, 4) for v in both] for k, both in got.items()}, {"Go": [0.0375, 0.0125], "Python": [0.004, 0.0]})

    def test_threads_that_ended_are_in_the_ticks(self):
        self.assertEqual(usage.between({"Go": [0.0, 0.0, 5.0]}, {"Go": [3.0, 1.0, 1.0]}), {"Go": [3.0, 1.0]})


class Registry(unittest.TestCase):
    def test_every_pattern_finds_a_server_and_every_set_exists(self):
        for case in cases.CASES:
            for name in case.servers:
                set_ = next(s for s in cases.SETS if s.name == name)
                found = [s.name for s in rounds.chosen(case, set_, ())]
                self.assertIn(case.own, found, case.name)
                for pattern in case.servers[name]:
                    self.assertTrue(pattern == "*" or any(rounds.fnmatch.fnmatch(n, pattern) for n in found), pattern)


class Housekeeping(unittest.TestCase):
    def start(self, code):
        log = tempfile.NamedTemporaryFile(delete=False)
        self.addCleanup(os.unlink, log.name)
        p = process.Process([sys.executable, "-c", code], None, None, log.name)
        self.addCleanup(p.stop)
        end = time.monotonic() + 60
        while "ready" not in p.tail():
            self.assertLess(time.monotonic(), end, p.tail())
            time.sleep(0.01)
        return p

    def test_reaped_children_and_live_ones_count(self):
        burn = "import time\\nwhile time.process_time() < 0.3: pass"
        p = self.start(
            "import subprocess, sys, time; subprocess.run([sys.executable, '-c', '%s']); print('ready', flush=True); time.sleep(100)" % burn
        )
        self.assertGreater(sum(usage.between({}, usage.times([p.pid]))["Python"]), 0.28)
        self.assertGreater(usage.memory([p.pid])["rss"], 1)

    def test_stop_ends_what_ignores_sigterm_and_what_has_lost_its_parent(self):
        child = "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(\\'ready\\', flush=True); time.sleep(100)"
        p = self.start("import subprocess, sys; subprocess.Popen([sys.executable, '-c', '%s'])" % child)
        everyone = [q.pid for q in usage.tree([p.pid])]
        self.assertTrue([pid for pid in everyone if pid != p.pid], "no child")
        p.stop(patience=1)
        self.assertEqual(usage.tree([p.pid]), [])

    def test_a_wrong_answer_and_a_missing_program_are_rows(self):
        wrong = "from wsgiref.simple_server import make_server; make_server('127.0.0.1', %d, lambda e, s: (s('200 OK', []), [b'hullo'])[1]).serve_forever()"

        class Tools:
            def missing(self, server, case):
                return "no such thing" if server.name == "absent" else ""

            def bin(self, name):
                return sys.executable

        entries = (
            Server("wrong", "wrong", lambda job: [[sys.executable, "-c", wrong % job.port]]),
            Server("absent", "absent", lambda job: self.fail("started")),
            Server("dead", "dead", lambda job: [[sys.executable, "-c", "raise SystemExit('no licence')"]]),
        )
        before, rounds.SERVERS = rounds.SERVERS, entries
        race = rounds.Race(Tools(), OPTIONS)
        try:
            rows = {r["server"]: r for r in race.run(Case("x", "X", "hello:app", b"hello", {"default": ("*",)}), DEFAULT)}
        finally:
            race.close()
            rounds.SERVERS = before
        self.assertRegex(rows["wrong"]["reason"], "wrong answer: status 200, 5 bytes: b'hullo'")
        self.assertEqual(rows["absent"]["reason"], "no such thing")
        self.assertRegex(rows["dead"]["reason"], "it ended: no licence")


if __name__ == "__main__":
    unittest.main()
