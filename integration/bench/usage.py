"""The processor time and the memory of a server's whole process tree, from /proc, by the part a process plays."""

import os
import re

TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100

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
    if process.comm == "standpipe":
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
    """Seconds of processor time so far: {part: [user, system]}."""
    sums = {}
    for process in tree(roots):
        both = sums.setdefault(part(process), [0.0, 0.0])
        both[0] += process.user
        both[1] += process.system
    return sums


def between(before, after):
    """What was spent from one look to the next; a process that ended counts where its parent plays."""
    spent = {}
    for name, (user, system) in after.items():
        earlier = before.get(name, (0.0, 0.0))
        spent[name] = [max(0.0, user - earlier[0]), max(0.0, system - earlier[1])]
    return spent


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


def _text(pid, name):
    try:
        with open("/proc/%d/%s" % (pid, name), errors="replace") as f:
            return f.read()
    except OSError:
        return ""  # it has ended meanwhile


def _mib(text, name):
    found = re.search(r"^%s:\s+(\d+)" % name, text, re.M)
    return int(found.group(1)) / 1024 if found else 0.0
