"""The processor time and the memory of a server's whole process tree, from /proc, by the part a process plays.

Processor time is what the scheduler counts, in nanoseconds (task/*/schedstat). The ticks of /proc/PID/stat only say how much of it
was user and how much system time: bursts between two ticks are in neither."""

import os
import re

TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
TICK_SECONDS = 1 / TICK

# Parts, in the order of a table.
PARTS = ("nginx", "Go", "Apache", "router", "Python")


class _Process:
    def __init__(self, pid, stat):
        name, _, rest = stat.partition("(")[2].rpartition(")")
        fields = rest.split()  # from field 3 of proc(5), the state, on
        self.pid, self.comm = pid, name
        self.parent, self.session = int(fields[1]), int(fields[3])
        utime, stime, cutime, cstime = (int(f) / TICK for f in fields[11:15])
        self.user, self.system = utime + cutime, stime + cstime  # reaped children included
        self.reaped = cutime + cstime


def tree(roots):
    """The processes that descend from roots, and those of the sessions that roots lead: a worker whose parent has left is there."""
    everyone, roots = {}, set(roots)
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open("/proc/%s/stat" % entry, errors="replace") as f:
                    everyone[int(entry)] = _Process(int(entry), f.read())
            except OSError:
                pass  # it has ended meanwhile
    found = {pid for pid, p in everyone.items() if pid in roots or p.session in roots}
    grown = True
    while grown:
        more = {pid for pid, p in everyone.items() if p.parent in found and pid not in found}
        found |= more
        grown = bool(more)
    return [everyone[pid] for pid in sorted(found)]


def part(process):
    """Which part a process plays. Servers that are one Python process with everything inside are "Python"."""
    if process.comm == "nginx":
        return "nginx"
    if process.comm in ("standpipe", "http1") or _program(process.pid).startswith("standpipe"):  # http1: the program of http1/
        return "Go"
    command = _text(process.pid, "cmdline").replace("\0", " ")
    if process.comm == "caddysnake-cli" and " python-server " in command:
        return "Go"
    if process.comm in ("apache2", "httpd"):
        return "Python" if command.startswith("(wsgi") else "Apache"
    if command.startswith("uWSGI http"):
        return "router"
    return "Python"


def times(roots):
    """What was used so far: {part: [user, system by ticks, both by the scheduler]}, in seconds. For between()."""
    sums = {}
    for process in tree(roots):
        three = sums.setdefault(part(process), [0.0, 0.0, 0.0])
        three[0] += process.user
        three[1] += process.system
        three[2] += _scheduled(process.pid) + process.reaped
    return sums


def between(before, after):
    """What was spent from one look to the next: {part: [user, system]}, in seconds; a process that ended counts where its parent
    plays. The sum is the scheduler's; it is divided in the proportion of the ticks."""
    spent = {}
    for name, now in after.items():
        user, system, both = (max(0.0, a - b) for a, b in zip(now, before.get(name, (0.0, 0.0, 0.0))))
        if user + system - both > 10 * TICK_SECONDS:  # threads have ended: their time is in the ticks alone
            both = user + system
        share = user / (user + system) if user + system else 1.0
        spent[name] = [share * both, (1 - share) * both]
    return spent


def _scheduled(pid):
    """Seconds on a processor of all threads that are there."""
    total = 0
    try:
        threads = os.listdir("/proc/%d/task" % pid)
    except OSError:
        return 0.0  # it has ended meanwhile
    for thread in threads:
        total += int((_text(pid, "task/%s/schedstat" % thread) or "0").split()[0])
    return total / 1e9


def memory(roots):
    """MiB of the tree: {"rss": sum, "pss": sum, "processes": count}. PSS counts a shared page once, RSS in every process."""
    processes = tree(roots)
    return {
        "rss": round(sum(rss(p.pid) for p in processes), 1),
        "pss": round(sum(pss(p.pid) for p in processes), 1),
        "processes": len(processes),
    }


def rss(pid):
    return _mib(_text(pid, "status"), "VmRSS")


def pss(pid):
    return _mib(_text(pid, "smaps_rollup"), "Pss")


def children(pid):
    return [p.pid for p in tree([pid]) if p.parent == pid]


def _program(pid):
    """The file that a process runs, whatever it calls itself: --binary may have any name that begins so."""
    try:
        return os.path.basename(os.readlink("/proc/%d/exe" % pid))
    except OSError:
        return ""


def _text(pid, name):
    try:
        with open("/proc/%d/%s" % (pid, name), errors="replace") as f:
            return f.read()
    except OSError:
        return ""  # it has ended meanwhile


def _mib(text, name):
    found = re.search(r"^%s:\s+(\d+)" % name, text, re.M)
    return int(found.group(1)) / 1024 if found else 0.0
