"""One case in one set as a reader wants it: medians, spreads, ratios."""

import statistics

import cases
import results
import usage
from case import METRICS
from servers import BY_NAME


class Row:
    def __init__(self, entry, kind):
        self.name = entry["server"]
        self.server = BY_NAME[self.name]
        self.label = self.server.label
        self.status, self.reason = entry["status"], entry.get("reason", "")
        self.rounds = entry["rounds"] if self.status == "ok" else []
        self.ok = bool(self.rounds)
        self.key, self.unit, self.more = METRICS[kind]
        self.values = [r[self.key] for r in self.rounds]
        self.median = statistics.median(self.values) if self.ok else 0.0
        self.low, self.high = (min(self.values), max(self.values)) if self.ok else (0.0, 0.0)
        self.ratio = None  # of the case's own server to it; more than 1: the own one is better

    def figure(self, *path):
        """The median over the rounds of what stands at path in each; None when it is in none."""
        found = []
        for value in self.rounds:
            for name in path:
                value = value.get(name) if isinstance(value, dict) else None
            if value is not None:
                found.append(value)
        return statistics.median(found) if found else None

    def cpu(self, half=None):
        """Microseconds of processor time for one request by part, in the order of usage.PARTS; half: 0 user, 1 system."""
        found = {}
        for part in usage.PARTS:
            each = []
            for r in self.rounds:
                both = r.get("cpu", {}).get(part)
                answered = r.get("requests", 0) - r.get("failed", 0)
                if both and answered > 0:
                    each.append(1e6 * (sum(both) if half is None else both[half]) / answered)
            if each:
                found[part] = statistics.median(each)
        return found

    def spent(self, parts=(), half=None):
        """Each round's microseconds of processor time for one request, of parts together; (): of all. half as above."""
        each = []
        for r in self.rounds:
            answered = r.get("requests", 0) - r.get("failed", 0)
            used = [both for part, both in r.get("cpu", {}).items() if not parts or part in parts]
            if answered > 0 and used:
                each.append(1e6 * sum(sum(both) if half is None else both[half] for both in used) / answered)
        return each


class Table:
    def __init__(self, case, set_, entry):
        self.case, self.set, self.entry = case, set_, entry
        self.rows = [Row(r, case.kind) for r in entry["rows"] if r["server"] in BY_NAME]
        self.own = self.row(case.own)
        for row in self.rows:
            if self.own and self.own.ok and row.ok and row is not self.own:
                row.ratio = self._ratio(row)
        first = [r for r in self.rows if r is self.own]
        self.rows = first + sorted((r for r in self.rows if r is not self.own), key=_order)

    def _ratio(self, row):
        """The median of the rounds' ratios: the two of one round were measured within the same seconds."""
        pairs = zip(self.own.values, row.values)
        each = [(a / b if row.more else b / a) for a, b in pairs if a > 0 and b > 0]
        return statistics.median(each) if each else None

    def row(self, name):
        return next((r for r in self.rows if r.name == name), None)

    @property
    def key(self):
        return results.key(self.case, self.set)

    @property
    def title(self):
        return self.case.title + ("" if self.set.name == "default" else ": " + self.set.title)

    def best(self, among=lambda row: True):
        """The counted peer that is hardest to beat; None when there is none."""
        peers = [r for r in self.rows if r.ratio is not None and not r.server.inside and r.server.family != "standpipe" and among(r)]
        return min(peers, key=lambda r: r.ratio) if peers else None


def _order(row):
    """Best first; what has no figure last."""
    return (not row.ok, -row.median if row.more else row.median)


def tables(store):
    """Of everything in the results file that is still a case, in the order of CASES."""
    found = []
    for case in cases.CASES:
        for set_ in cases.SETS:
            entry = store.cases.get(results.key(case, set_))
            if entry:
                found.append(Table(case, set_, entry))
    return found
