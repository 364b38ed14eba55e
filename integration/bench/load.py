"""Load: wrk for closed loops, h2load for those over HTTP/2, openssl's s_time for handshakes, pace (beside this file) for open loops.
All give a plain dict."""

import json
import os
import re
import signal
import subprocess
import time

import machine

SCRIPT = os.path.join(machine.HERE, "conf", "wrk.lua")
TIMEOUT = 10  # seconds, a request's
STIR = 0.3  # seconds


class LoadError(Exception):
    pass


def wrk(port, seconds, connections=32, body=0, headers=(), path="/", files=1, scheme="http"):
    """One thread of wrk, as many requests as the server takes: the rest of a small machine is the server's. Whole seconds."""
    out = _run(*_wrk(port, seconds, connections, body, headers, path, files, scheme), seconds + TIMEOUT + 20)
    for line in out.splitlines():
        if line.startswith("BENCH "):
            got = json.loads(line[6:])
            break
    else:
        raise LoadError("wrk: " + out.strip()[-200:])
    took = got.pop("microseconds") / 1e6
    got["rate"] = got["requests"] / took if took else 0.0
    return got


def stir(port, *request):
    """An unmeasured moment of wrk, before a round: a virtual machine's host takes from it what lies idle, and gives
    it back page by page, which costs a server the more the more memory it has. request: wrk's other arguments."""
    argv, env = _wrk(port, 1, *request)
    one = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(STIR)
    one.send_signal(signal.SIGINT)
    one.wait()


def _wrk(port, seconds, connections=32, body=0, headers=(), path="/", files=1, scheme="http"):
    """The command and its environment."""
    argv = ["wrk", "-t1", "-c%d" % connections, "-d%ds" % max(1, round(seconds)), "--timeout", "%ds" % TIMEOUT, "-s", SCRIPT]
    for header in headers:
        argv += ["-H", header]
    argv.append("%s://127.0.0.1:%d%s" % (scheme, port, path))
    return argv, dict(os.environ, BENCH_BODY=str(body), BENCH_FILES=str(files))


STREAMS = 10  # of one connection at a time


def h2load(port, seconds, connections, path):
    """One thread of h2load over TLS."""
    argv = ["h2load", "-t", "1", "-c", str(connections), "-m", str(STREAMS), "-D", str(max(1, round(seconds)))]
    out = _run(argv + ["https://127.0.0.1:%d%s" % (port, path)], None, seconds + TIMEOUT + 20)
    rate = re.search(r"finished in [^,]+, ([0-9.]+) req/s", out)
    counts = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", out)
    codes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", out)
    if not rate or not counts or not codes:
        raise LoadError("h2load: " + out.strip()[-200:])
    done, failed, broken, late = (int(n) for n in counts.groups())
    other = sum(int(n) for n in codes.groups()[1:])
    return {"requests": done, "rate": float(rate.group(1)), "errors": {"read": failed + broken, "timeout": late, "status": other}}


CLIENTS = 8  # that make handshakes


def handshakes(port, seconds, path):
    """Clients of openssl's that open a connection for each request, and resume no session: wrk and h2load would."""
    argv = ["openssl", "s_time", "-new", "-connect", "127.0.0.1:%d" % port, "-www", path, "-time", str(max(1, round(seconds)))]
    running = [subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(CLIENTS)]
    requests, rate, text = 0, 0.0, ""
    for one in running:
        try:
            text = one.communicate(timeout=seconds + TIMEOUT + 20)[0].decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            one.kill()
            continue
        found = re.search(r"(\d+) connections in (\d+) real seconds", text)
        if found and int(found.group(2)):
            requests += int(found.group(1))
            rate += int(found.group(1)) / int(found.group(2))
    if not requests:
        raise LoadError("openssl s_time: " + text.strip()[-200:])
    return {"requests": requests, "rate": rate}


def pace(binary, port, rate, seconds, connections=64, **more):
    """A fixed rate, whatever the server does; a request's latency counts from when it was due. more: its other flags."""
    argv = [binary, "-address", "127.0.0.1:%d" % port, "-rate", "%.1f" % rate, "-seconds", "%g" % seconds, "-connections", str(connections)]
    for name, value in more.items():
        argv += ["-" + name, value]
    out = _run(argv, None, seconds + 60)
    try:
        return json.loads(out)
    except ValueError:
        raise LoadError("pace: " + out.strip()[-200:])


def _run(argv, env, limit):
    try:
        done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=limit)
    except FileNotFoundError:
        raise LoadError("%s is not installed" % argv[0])
    except subprocess.TimeoutExpired:
        raise LoadError("%s did not end" % os.path.basename(argv[0]))
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        raise LoadError("%s: %s" % (os.path.basename(argv[0]), text.strip()[-200:]))
    return text
