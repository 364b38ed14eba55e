"""skips.py LOGDIR ALLOWED: counts the skipped tests of a run by cause and prints them as one line.

A Go test skips with "SKIP[cause]: detail", a Python test with the same text as its reason; a skip without a cause
counts as "unnamed". With CI=true in the environment a cause that ALLOWED does not list (lines: cause, blanks, reason)
is an error: exit 1.
"""

import collections
import glob
import json
import os
import re
import sys

CAUSE = re.compile(r"SKIP\[([a-z0-9-]+)\]")
counts = collections.Counter()


def cause(text):
    m = CAUSE.search(text)
    counts[m.group(1) if m else "unnamed"] += 1


directory, allowed_path = sys.argv[1:3]
for path in glob.glob(os.path.join(directory, "*.json")):
    output = {}
    with open(path, encoding="utf-8", errors="replace") as stream:
        for line in stream:
            try:
                e = json.loads(line)
            except ValueError:
                continue
            key = (e.get("Package"), e.get("Test"))
            if e["Action"] == "output":
                output[key] = output.get(key, "") + e["Output"]
            elif e["Action"] == "skip" and e.get("Test"):
                cause(output.get(key, ""))
for path in glob.glob(os.path.join(directory, "py-*.log")):
    with open(path, encoding="utf-8", errors="replace") as stream:
        for line in stream:
            if re.search(r"\.\.\. skipped ", line):
                cause(line)
try:
    with open(os.path.join(directory, "skips.log")) as stream:
        for line in stream:
            cause(line)
except FileNotFoundError:
    pass

allowed = set()
with open(allowed_path) as stream:
    for number, line in enumerate(stream, 1):
        words = line.split("#")[0].split(None, 1)
        if len(words) == 1:
            sys.exit("%s:%d: no reason given for %s" % (allowed_path, number, words[0]))
        if words:
            allowed.add(words[0])
print("SKIPS: " + (" ".join("%s=%d" % item for item in sorted(counts.items())) or "none"))
strangers = sorted(set(counts) - allowed)
if strangers and os.environ.get("CI") == "true":
    print("skips that %s does not allow: %s" % (allowed_path, " ".join(strangers)))
    sys.exit(1)
