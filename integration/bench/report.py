"""The pages: benchmarks.md and the charts, from the results file alone. What is written by hand lies beside it in
benchmarks.notes.md: what stands before its line "<!-- results -->" comes first, the rest last."""

import os

import case as nouns
import chart
import fixed
import machine
import table
import usage
import verdicts
from servers import SERVERS

SPLIT = "<!-- results -->"

HOW = """Each server is started on loopback with the same app and, where it has workers, 2 of them; one answer is compared byte for byte before
the load and one after it. `wrk` with one thread and 32 connections (where the table says nothing else) runs on the same machine. Each server is warmed up and
stays up, idle, while the others have their rounds; rounds are interleaved (A B C A B C), each after 0.3 s
of the same load that are not measured: what the machine's host has taken of a process that lay idle is back then. Figures are medians of the rounds, with the least and
the most in brackets. **Ratios** say how many times better standpipe is: more than 1 is good for standpipe in every table. They are medians of
the rounds' ratios, so they may differ a little from the ratio of two medians. Absolute figures move with the machine; ratios within one table are what counts.

*Processor time* is what the scheduler counts for the server's whole process tree, reaped children included, for one request; it counts where it was spent
(nginx, the Go process, Apache, uWSGI's router; Python) when these are different processes. *Memory* is the tree's after the round: PSS counts
a shared page once, RSS in every process. Standard output, standard error and access logs of every server go to files on the same disk, which are
emptied between rounds. Where nginx stands in front it reaches the server by a unix socket, by HTTP with kept connections, and uWSGI by its own protocol.
Latency at a fixed rate is taken by an open loop over 64 connections: it counts from when a request was due, whether or not the server had answered the one before.

In dashes in the charts, and marked with \\* in the tables: servers that parse HTTP in C or Rust inside the Python process. They are shown, but the targets do not count them as peers:
nothing stands between the clients and that process, so that what stops it (a crash, C code that holds the interpreter) takes its clients' connections along."""


def write(store):
    """Writes everything; returns the paths."""
    pages = _pages(store)
    folder = _folder(store)
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):  # charts of cases that are no more
        if name.endswith(".svg") and os.path.join(folder, name) not in pages:
            os.remove(os.path.join(folder, name))
    for path, text in pages.items():
        with open(path, "w") as f:
            f.write(text)
    return [_page(store), folder]


def stale(store):
    """The names of the pages that are not what write() would write; nothing when there are no results yet."""
    if not store.cases:
        return []
    return [os.path.basename(path) for path, text in _pages(store).items() if machine.read(path) != text]


def _page(store):
    return os.path.splitext(store.path)[0] + ".md"


def _folder(store):
    return os.path.splitext(store.path)[0]


def _pages(store):
    tables = table.tables(store)
    before, _, after = machine.read(os.path.splitext(store.path)[0] + ".notes.md").partition(SPLIT)
    name = os.path.basename(store.path)
    out = [
        "# Benchmarks",
        "<!-- Made by integration/bench from %s and the notes beside it. Do not edit; `make bench` measures again. -->" % name,
        before.strip(),
        fixed.section(tables),
    ]
    out += [
        "## Targets",
        _targets(tables),
        "## How it is measured",
        HOW,
        environments(store, tables),
        "## The servers",
        _servers(store, tables),
    ]
    pages, commits = {}, {(t.entry["commit"], t.entry["environment"]) for t in tables}
    folder = os.path.basename(_folder(store))
    scaling = [t for t in tables if t.case.name.startswith("workers-")]
    for t in tables:
        if t.case.kind == "fixed":  # in the first table
            continue
        out.append("## " + t.title)
        out.append(about(t, len(commits) > 1))
        drawing = _chart(t)
        if drawing:
            file = t.key.replace("/", "-") + ".svg"
            pages[os.path.join(_folder(store), file)] = drawing
            out.append("![%s](%s/%s)" % (t.title, folder, file))
        out.append(rows(t))
        if t in scaling[-1:] and len(scaling) > 1:
            pages[os.path.join(_folder(store), "workers.svg")] = _scaling(scaling)
            out += ["## Flask by number of workers", "![Flask by number of workers](%s/workers.svg)" % folder]
    out.append(after.strip())
    pages[_page(store)] = "\n\n".join(part for part in out if part) + "\n"
    return pages


def _targets(tables):
    words = {True: "met", False: "**not met**", None: "no figure"}
    lines = ["| target | figure | |", "| --- | --- | --- |"]
    return "\n".join(lines + ["| %s | %s | %s |" % (v.target, v.figure, words[v.met]) for v in verdicts.judge(tables)])


def environments(store, tables):
    out = []
    for key in sorted({t.entry["environment"] for t in tables}):
        e = store.environments[key]
        m, v = e["machine"], e["versions"]
        out.append(
            "Machine: %s, %d cores, %s; %s, Linux %s. CPython %s for every server. standpipe %s; %s."
            % (
                m["processor"],
                m["cores"],
                m["memory"],
                m["system"],
                m["kernel"],
                v.get("CPython"),
                v.get("standpipe"),
                ", ".join("%s %s" % (n, v[n]) for n in v if n not in ("CPython", "standpipe")),
            )
        )
        of = [t for t in tables if t.entry["environment"] == key]
        commits = sorted(
            {"commit %s (%s), %d rounds of %g s" % (t.entry["commit"], t.entry["date"], t.entry["rounds"], t.entry["seconds"]) for t in of}
        )
        out.append("Measured: %s." % "; ".join(commits))
    return "\n\n".join(out)


def _servers(store, tables):
    lines = ["| server | release | its access log by default | |", "| --- | --- | --- | --- |"]
    seen = {r.name for t in tables for r in t.rows}
    for server in SERVERS:
        if server.name in seen:
            lines.append(
                "| %s%s | %s | %s | %s |"
                % (server.label, "\\*" if server.inside else "", _release(store, server), server.logs, server.note)
            )
    return "\n".join(lines)


def _release(store, server):
    found = set()
    for e in store.environments.values():
        names = [n for n in server.needs if n not in ("gevent", "packaging")] or ["standpipe"]
        names += [{"apache2": "apache"}.get(p, p) for p in server.programs]
        versions = [e["versions"].get(n.lower().replace("_", "-"), "none") for n in names]
        found.add(", ".join(versions if len(names) == 1 else ["%s %s" % both for both in zip(names, versions)]))
    return "; ".join(sorted(found))


def about(t, differ):
    said = [t.case.note] if t.case.note else []
    if t.case.kind == "rate" and t.case.connections != 32 and "clients" not in t.case.note + t.case.title:
        said.append("%d clients." % t.case.connections)
    if differ:
        said.append("Commit %s, %s, %d rounds of %g s." % (t.entry["commit"], t.entry["date"], t.entry["rounds"], t.entry["seconds"]))
    return " ".join(said)


def _spread(row, values=None):
    return "%s (%s..%s)" % tuple(chart.number(v) for v in values or (row.median, row.low, row.high))


def _mib(row):
    rss, pss = row.figure("memory", "rss"), row.figure("memory", "pss")
    return "" if rss is None else "%.0f / %.0f" % (pss, rss)


def _cpu(row):
    """The columns before Python, Python, all."""
    spent = row.cpu()
    front = " + ".join("%s %.1f" % (p, spent[p]) for p in usage.PARTS if p in spent and p != "Python")
    return [front, "%.1f" % spent["Python"] if "Python" in spent else "", "%.1f" % sum(spent.values()) if spent else ""]


def _troubles(row):
    """What a reader has to know about the rounds."""
    found = []
    timeouts = sum(r.get("errors", {}).get("timeout", 0) for r in row.rounds)
    refused = sum(
        r.get("errors", {}).get("connect", 0) + r.get("errors", {}).get("write", 0) + r.get("errors", {}).get("status", 0)
        for r in row.rounds
    )
    failed = sum(r.get("failed", 0) for r in row.rounds)
    if timeouts:
        found.append("%d requests waited for more than 10 s" % timeouts)
    if refused:
        found.append("%d failed" % refused)
    if failed and "share" not in row.rounds[0]:
        found.append("%d without an answer" % failed)
    other = sum(r.get("other", 0) for r in row.rounds)
    if other:
        found.append("%d connections were refused or broken" % other)
    late = row.figure("late")
    if late and row.key == "p99" and late > row.median / 2:
        found.append("the client itself was %.2f ms late (p99)" % late)
    mallocs = row.figure("mallocs")
    if mallocs is not None:
        found.append("%.1f allocations for one request" % mallocs)
    idle = max((r.get("idle", 0) for r in row.rounds), default=0)
    if idle > 0.03:
        found.append("takes %.0f %% of a processor while idle" % (idle * 100))
    return "; ".join(found)


# kind: the table's head, and a row's cells between the server and the ratio's successor.
COLUMNS = {
    "rate": (
        ["req/s", "ratio", "p99, ms", "front, us", "Python, us", "all, us", "PSS / RSS, MiB"],
        lambda r: [_spread(r), _ratio(r), chart.number(r.figure("p99"))] + _cpu(r) + [_mib(r)],
    ),
    "pace": (
        ["p99, ms", "ratio", "p50, ms", "p99.9, ms", "asked, req/s", "answered, req/s", "front, us", "Python, us", "all, us"],
        lambda r: [_spread(r), _ratio(r)] + [chart.number(r.figure(k)) for k in ("p50", "p999", "rate", "achieved")] + _cpu(r),
    ),
    "overload": (
        [
            "goodput, % of capacity",
            "ratio",
            "capacity, req/s",
            "goodput, req/s",
            "refused, %",
            "left, %",
            "run for nobody, %",
            "left and not run",
        ],
        lambda r: (
            [_spread(r), _ratio(r)]
            + [chart.number(r.figure(k)) for k in ("capacity", "good", "refused_share", "left_share", "wasted_share", "dropped")]
        ),
    ),
    "fixed": (
        ["us", "ratio", "front, us", "Python, us", "p50, ms", "p99, ms"],
        lambda r: [_spread(r), _ratio(r)] + _cpu(r)[:2] + [chart.number(r.figure(k)) for k in ("p50", "p99")],
    ),
    "idle": (["MiB", "ratio", "at the start, MiB"], lambda r: [_spread(r), _ratio(r), chart.number(r.figure("at_start"))]),
    "beside": (
        ["p99, times", "ratio", "p99, ms", "p99 alone, ms", "req/s", "req/s alone"],
        lambda r: [_spread(r), _ratio(r)] + [chart.number(r.figure(k)) for k in ("p99", "p99_alone", "rate", "rate_alone")],
    ),
    "cliff": (
        ["p50, times", "ratio", "p50, ms", "p50 alone, ms", "p99, ms", "hellos/s", "alone", "pages/s"],
        lambda r: [_spread(r), _ratio(r)] + [chart.number(r.figure(k)) for k in ("p50", "p50_alone", "p99", "rate", "rate_alone", "pages")],
    ),
    "memory": (
        ["PSS, MiB", "ratio", "RSS, MiB", "processes", "start, ms"],
        lambda r: [_spread(r), _ratio(r)] + [chart.number(r.figure("rss")), "%d" % r.figure("processes"), chart.number(r.figure("ms"))],
    ),
    "readers": (
        ["connections to the upstream", "ratio", "MiB", "never ended", "s until the last is ended"],
        lambda r: [_spread(r), _ratio(r)] + [chart.number(r.figure(k)) for k in ("grown", "left", "ended")],
    ),
    "start": (["ms", "ratio"], lambda r: [_spread(r), _ratio(r)]),
}


def _ratio(row):
    return "" if row.ratio is None else "%.2f" % row.ratio


def rows(t):
    heads, cells = COLUMNS[t.case.kind]
    lines = ["| server | " + " | ".join(heads) + " | |", "| --- |" + " ---: |" * len(heads) + " --- |"]
    for row in t.rows:
        label = row.label + ("\\*" if row.server.inside else "")
        if row is t.own:
            label = "**%s**" % label
        if row.ok:
            lines.append("| %s | %s | %s |" % (label, " | ".join(cells(row)), _troubles(row)))
        else:
            reason = row.reason.replace("|", "\\|").replace("\n", " ")[-300:]
            what = "does not offer it: " if row.status == "unoffered" else "no figure: "
            lines.append("| %s |%s %s |" % (label, " |" * len(heads), what + reason))
    return "\n".join(lines)


def _chart(t):
    rows = [(r.label, "own" if r is t.own else "inside" if r.server.inside else "peer", r.median, r.low, r.high) for r in t.rows if r.ok]
    if len(rows) < 2:
        return ""
    own, rest = rows[:1], rows[1:]
    if t.own and t.own.ok:  # among the others by its figure
        more = nouns.METRICS[t.case.kind][2]
        rows = sorted(own + rest, key=lambda r: -r[2] if more else r[2])
    key, unit, more = nouns.METRICS[t.case.kind]
    title = t.title + {"p99": ", p99", "pss": ", PSS"}.get(key, "")
    return chart.bars(title, unit, rows, more)


def _scaling(tables):
    names = [r.name for r in tables[0].rows]
    series = [(tables[0].row(n).label, [getattr(t.row(n), "median", 0) or None for t in tables]) for n in names]
    return chart.lines(
        "Flask by number of workers",
        "req/s, more is better",
        [str(t.case.shape.workers) + (" workers" if i else " worker") for i, t in enumerate(tables)],
        series,
    )
