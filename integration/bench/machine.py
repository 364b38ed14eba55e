"""What this machine is and what it lends: ports, open files, the names and versions that a report needs."""

import os
import platform
import random
import re
import resource
import socket
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(HERE))


_given = set()


def free_port():
    """Of those below the ports that the system gives to sockets that name none, and each once: nothing else gets it until it is bound."""
    for port in random.sample(range(15000, 30000), 1000):
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given:
            _given.add(port)
            return port
    raise SystemExit("bench: no port is free")


def raise_open_files():
    """1,000 clients need more than the usual 1,024 here, in wrk, and in every server: all inherit it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def output(argv, cwd=None):
    """What a command prints on both streams, "" when it cannot be run."""
    try:
        done = subprocess.run(argv, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace").strip()


def commit():
    """The commit that is measured; "+" behind it: with changes that are in no commit. The benchmark's own pages do not count."""
    name = output(["git", "rev-parse", "--short=12", "HEAD"], REPOSITORY)
    if not re.fullmatch("[0-9a-f]+", name):
        return "unknown"
    changed = output(["git", "status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/measurements"], REPOSITORY)
    return name + ("+" if changed else "")


def describe():
    model = re.search(r"^model name\s*:\s*(.+)$", read("/proc/cpuinfo"), re.M)
    memory = re.search(r"^MemTotal:\s+(\d+)", read("/proc/meminfo"), re.M)
    system = re.search(r'^PRETTY_NAME="?([^"\n]+)', read("/etc/os-release"), re.M)
    return {
        "processor": model.group(1) if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory": "%.0f GiB" % (int(memory.group(1)) / 1048576) if memory else "unknown",
        "system": system.group(1) if system else platform.system(),
        "kernel": platform.release(),
    }


def read(path):
    try:
        with open(path) as f:
            return f.read()
    except OSError:
        return ""


def fill(name, dir, values):
    """Writes conf/name into dir with each @KEY@ replaced."""
    with open(os.path.join(HERE, "conf", name)) as f:
        text = f.read()
    text = re.sub(r"@([A-Z_]+)@", lambda m: str(values[m.group(1)]), text)
    path = os.path.join(dir, name)
    with open(path, "w") as f:
        f.write(text)
    return path
