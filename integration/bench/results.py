"""The results file: one entry for each case and set, with the commit and the machine it was measured on."""

import hashlib
import json
import os
import time

import machine

FORMAT = 1


class Results:
    """A case that is run again takes the place of its old entry, whole: ratios count within one run only."""

    def __init__(self, path):
        self.path = path
        self.cases, self.environments = {}, {}
        if os.path.exists(path):
            with open(path) as f:
                data = json.load(f)
            if data.get("format") != FORMAT:
                raise SystemExit("bench: %s is of another format" % path)
            self.cases, self.environments = data["cases"], data["environments"]

    def environment(self, tools):
        """Stores what machine and which releases this run has; returns the key."""
        what = {"machine": machine.describe(), "versions": tools.versions()}
        key = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:8]
        self.environments[key] = what
        return key

    def put(self, case, set_, environment, options, rows):
        self.cases[key(case, set_)] = {
            "commit": machine.commit(),
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "environment": environment,
            "rounds": options.rounds,
            "seconds": options.seconds,
            "rows": rows,
        }
        self._save()

    def _save(self):
        used = {c["environment"] for c in self.cases.values()}
        self.environments = {k: e for k, e in self.environments.items() if k in used}
        os.makedirs(os.path.dirname(self.path) or ".", exist_ok=True)
        with open(self.path + ".new", "w") as f:
            f.write(text({"format": FORMAT, "environments": self.environments, "cases": self.cases}))
        os.replace(self.path + ".new", self.path)


def key(case, set_):
    return case.name + "/" + set_.name


def text(data):
    """JSON with one round to a line: a diff shows which cases were measured again."""
    out = json.dumps(data, indent=1, sort_keys=True)
    return _join(out.split("\n")) + "\n"


def _join(lines):
    done, i = [], 0
    while i < len(lines):
        line = lines[i]
        if line.strip() == "{" and len(line) - len(line.lstrip()) >= 6:  # an element of rounds
            end = next(j for j in range(i, len(lines)) if lines[j].rstrip(",") == line[: len(line) - 1] + "}")
            line = line + " ".join(part.strip() for part in lines[i + 1 : end]) + lines[end].strip()
            i = end
        done.append(line)
        i += 1
    return "\n".join(done)
