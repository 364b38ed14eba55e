"""The page's first table: processor time at fixed rates, where a server sleeps between two requests as most servers do."""

import statistics

import chart
from targets import OWN, PEER

TITLE = "Processor time at fixed rates"
ABOUT = """The same requests for all, over 64 connections, no access logs: microseconds of processor time for one request, as the scheduler
counts it, with the least and the most of the rounds' ratios in brackets. Below 1, standpipe needs less."""
HEAD = (
    "| load | Go | nginx | ratio | Python | uWSGI | ratio | standpipe | nginx + uWSGI | ratio | p50, p99, ms | nginx + uWSGI |",
    "| --- |" + " ---: |" * 11,
)
NONE = "| %s |" + " |" * 10 + " %s |"


def section(tables):
    """Of all cases of the kind fixed; "" when there are none."""
    rows = [_row(t) for t in tables if t.case.kind == "fixed"]
    return "\n".join(("## " + TITLE, "", ABOUT, "") + HEAD + tuple(rows)) if rows else ""


def _row(table):
    own, peer = table.row(OWN), table.row(PEER)
    for row in own, peer:
        if not row or not row.ok:
            return NONE % (table.case.title, "no figure: " + (row.reason.replace("|", "\\|").replace("\n", " ") if row else "not run"))
    cells = []
    for ours, theirs in (("Go",), ("nginx",)), (("Python",), ("Python",)), ((), ()):
        a, b = own.spent(ours), peer.spent(theirs)
        ratios = [x / y for x, y in zip(a, b) if y > 0]
        if not ratios:
            return NONE % (table.case.title, "no figure: a part is missing")
        cells += ["%.1f" % statistics.median(a), "%.1f" % statistics.median(b)]
        cells.append("**%.2f** (%.2f..%.2f)" % (statistics.median(ratios), min(ratios), max(ratios)))
    cells += ["%s, %s" % tuple(chart.number(row.figure(key)) for key in ("p50", "p99")) for row in (own, peer)]
    return "| %s | %s |" % (table.case.title, " | ".join(cells))
