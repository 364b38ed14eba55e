"""The targets, each with its figure. A target is one function call in judge()."""

import statistics
from dataclasses import dataclass


@dataclass
class Verdict:
    target: str
    figure: str
    met: object  # True, False, or None: there is no figure


def judge(tables):
    by_key = {t.key: t for t in tables}
    found = []
    special = {  # these tables have targets of their own instead of "at least the best peer"
        "hello/default": ((1.2, "nginx-uwsgi", "nginx + uWSGI"), (3.0, "gunicorn", "gunicorn's best class")),
        "flask/default": ((1.1, "nginx-uwsgi", "nginx + uWSGI"), (1.8, "gunicorn", "gunicorn's best class")),
    }
    for key, wanted in special.items():
        for least, name, label in wanted:
            found.append(_beside(by_key.get(key), key, least, name, label))
    found.append(_behind(by_key.get("hello/nolog")))
    for key in "latency-own/default", "latency-same/default":
        found.append(_tail(by_key.get(key), key))
    found.append(_ideal(by_key.get("wait-threads/default")))
    for key in "overload/default", "overload-slow/default":
        found.append(_goodput(by_key.get(key), key))
    found.extend(_cpu(by_key.get("hello/default")))
    for table in tables:
        if table.key not in special and table.case.kind not in ("pace", "overload"):
            found.append(_peers(table))
    return found


def _beside(table, key, least, name, label):
    target = "%s: at least %.1f x %s" % (table.title if table else key, least, label)
    best = table.best(lambda r: name in (r.name, r.server.family)) if table else None
    if not best:
        return Verdict(target, "", None)
    return Verdict(target, "%.2f x%s" % (best.ratio, "" if best.label == label else " " + best.label), best.ratio >= least)


def _peers(table):
    target = (
        "%s: at least %.4g x the best peer" % (table.title, table.case.least)
        if table.case.least != 1
        else "%s: at least 1.0 x the best peer" % table.title
    )
    best = table.best()
    if not best:
        return Verdict(target, "", None)
    return Verdict(target, "%.2f x %s" % (best.ratio, best.label), best.ratio >= table.case.least)


def _behind(table):
    target = "behind nginx, by the uwsgi protocol: at least 1.0 x uWSGI"
    ours, theirs = (table.row("nginx-standpipe"), table.row("nginx-uwsgi")) if table else (None, None)
    if not ours or not theirs or not ours.ok or not theirs.ok:
        return Verdict(target, "", None)
    each = [a / b for a, b in zip(ours.values, theirs.values) if b > 0]
    ratio = statistics.median(each) if each else 0
    return Verdict(target, "%.2f x" % ratio, ratio >= 1)


def _tail(table, key):
    target = "%s: p99 at most that of nginx + uWSGI" % (table.title if table else key)
    peer = table.row("nginx-uwsgi") if table else None
    if not peer or not peer.ok or not table.own or not table.own.ok:
        return Verdict(target, "", None)
    return Verdict(target, "%.2f ms, nginx + uWSGI %.2f ms" % (table.own.median, peer.median), table.own.median <= peer.median)


def _ideal(table):
    target = "20 ms views with 2 x 64 threads: at least 95 % of the ideal 6,400 req/s"
    if not table or not table.own or not table.own.ok:
        return Verdict(target, "", None)
    share = 100 * table.own.median / table.case.ideal
    return Verdict(target, "%.0f req/s, %.1f %%" % (table.own.median, share), share >= 95)


def _goodput(table, key):
    target = "%s: goodput at least 90 %% of the capacity" % (table.title if table else key)
    if not table or not table.own or not table.own.ok:
        return Verdict(target, "", None)
    return Verdict(target, "%.0f %%" % table.own.median, table.own.median >= 90)


def _cpu(table):
    both, shim = "processor time of Go and Python for one hello: at most 32 us", "of it Python (the shim and the app): at most 9 us"
    spent = table.own.cpu() if table and table.own else {}
    if "Go" not in spent or "Python" not in spent:
        return [Verdict(both, "", None), Verdict(shim, "", None)]
    user, system = table.own.cpu(0), table.own.cpu(1)
    parts = {p: "%.1f us (user %.1f, system %.1f)" % (spent[p], user[p], system[p]) for p in spent}
    whole = sum(spent.values())
    return [
        Verdict(both, "%.1f us: Go %s" % (whole, parts["Go"]), whole <= 32),
        Verdict(shim, parts["Python"], spent["Python"] <= 9),
    ]
