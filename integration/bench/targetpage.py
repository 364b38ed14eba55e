"""The page of the targets, docs/measurements/targets.md, from targets.json and, around the table, targets.notes.md."""

import os

import machine
import report
import table
import targets

PATH = os.path.join(machine.REPOSITORY, "docs", "measurements", "targets.json")
WORDS = {True: "met", False: "**not met**", None: "no figure"}
ABOUT = "What standpipe has to reach in speed and memory, and what it has reached, beside its peers on the same machine."
HOW = """Each row comes from one run in which standpipe and its peers had the same rounds in turn (A B A B), each after a moment of the same load that is not
measured. The figure is the median of the rounds' ratios, with the least and the most of them in brackets; absolute figures beside it are medians. `wrk` with one thread and 32
connections where the row names no rate or number, 2 workers everywhere. Processor time is the scheduler's, in nanoseconds (`/proc/PID/task/*/schedstat`). [benchmarks.md](benchmarks.md) says more
on how it is measured."""


def text(store):
    tables = table.tables(store)
    before, _, after = machine.read(_beside(store, ".notes.md")).partition(report.SPLIT)
    parts = [
        "# Targets",
        "<!-- Made by integration/bench from %s and the notes beside it. Do not edit; `make bench-targets` measures again. -->"
        % os.path.basename(store.path),
        before.strip() or ABOUT,
        _table(tables),
        "## How it is measured",
        HOW,
        report.environments(store, tables),
        after.strip(),
        "## The figures",
    ]
    for t in tables:
        parts += ["### " + t.title, report.about(t, True), report.rows(t)]
    return "\n\n".join(part for part in parts if part) + "\n"


def summary(store, rows=()):
    """The table alone, of the rows that patterns name."""
    return _table(table.tables(store), rows)


def write(store):
    with open(_beside(store, ".md"), "w") as f:
        f.write(text(store))
    return _beside(store, ".md")


def stale(store):
    """Whether the page is not what write() would write; False when there are no results yet."""
    return bool(store.cases) and machine.read(_beside(store, ".md")) != text(store)


def _table(tables, rows=()):
    lines = ["| what | measured | | target | |", "| --- | ---: | --- | --- | --- |"]
    by_key = {t.key: t for t in tables}
    for target in targets.chosen(rows):
        figure, met = target.judge(by_key)
        cells = (
            target.what,
            figure.text() if figure else "",
            figure.detail if figure else "",
            target.wanted(),
            WORDS[met] if target.bound or not figure else "",
        )
        lines.append("| %s |" % " | ".join(cells))
    return "\n".join(lines)


def _beside(store, ending):
    return os.path.splitext(store.path)[0] + ending
