"""summary.py JSON ERR: reads `go test -json`, prints the packages and the output of what failed; exit 1 if anything did."""

import json
import sys

output = {}  # (package, test): lines
failed = []
packages = {"pass": 0, "fail": 0, "skip": 0}
tests = 0
slow = []
with open(sys.argv[1], encoding="utf-8", errors="replace") as stream:
    for line in stream:
        try:
            e = json.loads(line)
        except ValueError:
            print(line, end="")
            continue
        key = (e.get("Package") or e.get("ImportPath", ""), e.get("Test", ""))
        action = e["Action"]
        if action in ("output", "build-output"):
            output.setdefault(key, []).append(e["Output"])
        elif action in ("pass", "fail", "skip"):
            if key[1]:
                tests += 1
                slow.append((e.get("Elapsed", 0), key[1]))
            else:
                packages[action] += 1
            if action == "fail":
                failed.append(key)
        elif action == "build-fail":
            failed.append(key)
for key in failed:
    print("--- FAIL %s %s" % key)
    print("".join(output.get(key, [])[-200:]), end="")
errors = open(sys.argv[2], encoding="utf-8", errors="replace").read()
if errors.strip():
    print(errors, end="")
print("%d tests, %d packages passed, %d failed, %d without tests" % (tests, packages["pass"], packages["fail"], packages["skip"]))
for seconds, name in sorted((s for s in slow if "/" not in s[1]), reverse=True)[:3]:
    print("  %5.1f s %s" % (seconds, name))
sys.exit(1 if failed or packages["pass"] == 0 else 0)
