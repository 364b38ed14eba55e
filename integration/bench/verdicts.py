"""What the page of the benchmark compares beside targets.py: every case with its best peer, and a few bounds of their own."""

from dataclasses import dataclass

import targets


@dataclass
class Verdict:
    target: str
    figure: str
    met: object  # True, False, or None: there is no figure


def judge(tables):
    by_key = {t.key: t for t in tables}
    found = [_target(*judged) for judged in targets.judge(tables)]
    elsewhere = {t.key for t in targets.TARGETS}
    special = {  # these tables have targets of their own instead of "at least the best peer"
        "hello/default": ((1.2, "nginx-uwsgi", "nginx + uWSGI"), (3.0, "gunicorn", "gunicorn's best class")),
        "flask/default": ((1.1, "nginx-uwsgi", "nginx + uWSGI"), (1.8, "gunicorn", "gunicorn's best class")),
    }
    for key, wanted in special.items():
        for least, name, label in wanted:
            found.append(_beside(by_key.get(key), key, least, name, label))
    found.append(_ideal(by_key.get("wait-threads/default")))
    for key in "overload/default", "overload-slow/default":
        found.append(_goodput(by_key.get(key), key))
    found.extend(_cpu(by_key.get("hello/default")))
    for table in tables:
        if table.key not in special and table.key not in elsewhere and table.case.kind not in ("pace", "fixed", "overload"):
            found.append(_peers(table))
    return found


def _target(target, figure, met):
    return Verdict("%s: %s" % (target.what, target.wanted()), figure.text() if figure else "", met)


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
