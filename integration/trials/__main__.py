"""Real applications under standpipe and under gunicorn behind nginx: both are used alike, and their answers are compared.

    python3 integration/trials --binary bin/standpipe            # all
    python3 integration/trials --binary bin/standpipe drf klaus  # some

Each trial gets a venv of its own in .cache/trials. The exit code is 1 when a trial failed or a difference is not explained.
"""

import argparse
import importlib
import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)

import apps  # noqa: E402
from browser import Browser  # noqa: E402
from compare import differences  # noqa: E402
from servers import Failed, Gunicorn, Standpipe  # noqa: E402
from trial import Project, Skip, Trial  # noqa: E402

CACHE = os.path.join(ROOT, ".cache", "trials")
GUNICORN = "gunicorn==27.0.1"


def trials():
    """All trials by name, in the order of their modules."""
    found = {}
    for info in sorted(pkgutil.iter_modules(apps.__path__), key=lambda m: m.name):
        module = importlib.import_module("apps." + info.name)
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, Trial)
                and value is not Trial
                and value.__module__ == module.__name__
                and value.name
            ):
                found[value.name] = value()
    return found


def venv(trial, python):
    """The trial's venv, made when its requirements or the interpreter have changed."""
    path = os.path.join(CACHE, trial.name, "venv")
    wanted = "\n".join([python, *trial.requirements, GUNICORN])
    stamp = os.path.join(path, "stamp")
    if os.path.exists(stamp) and open(stamp).read() == wanted:
        return path
    shutil.rmtree(path, ignore_errors=True)
    subprocess.run([python, "-m", "venv", path], check=True)
    pip = [os.path.join(path, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check"]
    # gunicorn comes second: some applications pin an older one, which is not the one to compare with.
    for argv in [*pip, *trial.requirements, "packaging"], [*pip, "--no-deps", GUNICORN]:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise Skip("pip cannot install it: " + done.stdout.strip()[-300:])
    with open(stamp, "w") as f:
        f.write(wanted)
    return path


def environment(trial, directory, path):
    env = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TZ") if name in os.environ}
    env["HOME"] = directory
    env["PYTHONHASHSEED"] = "0"  # the order of what is a set in Python
    env["PATH"] = os.path.join(path, "bin") + ":/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    env["TMPDIR"] = tempfile.gettempdir()
    for name, value in trial.env.items():
        env[name] = value.replace("{project}", directory)
    return env


def use(trial, kind, binary, path, logs):
    """Sets the trial up, starts it under one server, uses it. Returns (steps, log)."""
    directory = tempfile.mkdtemp(prefix="trial-%s-" % trial.name)
    try:
        # Both servers see the same path, as pages may show it.
        fixed = os.path.join(tempfile.gettempdir(), "standpipe-trial-" + trial.name)
        shutil.rmtree(fixed, ignore_errors=True)
        os.rename(directory, fixed)
        directory = fixed
        project = Project(directory, path, environment(trial, directory, path))
        trial.prepare(project)
        os.makedirs(logs, exist_ok=True)
        server = Standpipe(binary, trial, project, logs) if kind == "standpipe" else Gunicorn(trial, project, logs)
        browser = Browser("127.0.0.1", server.port)
        try:
            trial.visit(browser)
        except Exception:
            sys.stdout.write(server.log()[-3000:])
            raise
        finally:
            code = server.stop()
        if code:
            raise AssertionError("%s ended with %d:\n%s" % (kind, code, server.log()[-3000:]))
        return browser.steps, server.log()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def run(trial, binary, python):
    """One trial. Returns its row for the report."""
    began = time.monotonic()
    row = {"name": trial.name, "steps": 0, "differences": [], "explained": [], "error": ""}
    try:
        path = venv(trial, python)
        logs = os.path.join(CACHE, trial.name, "logs")
        shutil.rmtree(logs, ignore_errors=True)
        theirs, _ = use(trial, "gunicorn", binary, path, os.path.join(logs, "gunicorn"))
        ours, log = use(trial, "standpipe", binary, path, os.path.join(logs, "standpipe"))
        row["steps"] = len(ours)
        row["banner"] = "\n".join(re.findall(r"^(?:standpipe|  \S).*", log, re.M)[:12])
        for line in differences(ours, theirs):
            reason = next((why for part, why in trial.explained.items() if part in line), "")
            row["explained" if reason else "differences"].append(line + (": " + reason if reason else ""))
        wrong = [s["label"] for s in ours if s.get("ok") is False]
        if wrong:
            row["error"] = "not as it should be: " + ", ".join(wrong)
    except Skip as e:
        row["error"] = "skipped: %s" % e
    except (Failed, AssertionError, RuntimeError, OSError, ValueError, KeyError) as e:
        row["error"] = "".join(traceback.format_exception_only(type(e), e)).strip()[:6000]
    row["seconds"] = round(time.monotonic() - began)
    return row


def main():
    parser = argparse.ArgumentParser(prog="trials", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="the trials to run; none: all")
    parser.add_argument("--binary", required=True, help="the standpipe to try")
    parser.add_argument("--python", default=sys.executable, help="the interpreter for the applications' venvs")
    parser.add_argument("--list", action="store_true", help="list the trials")
    parser.add_argument("--json", metavar="FILE", help="write the rows to FILE")
    args = parser.parse_args()
    known = trials()
    if args.list:
        print("\n".join("%-16s %s" % (name, " ".join(t.requirements)) for name, t in known.items()))
        return 0
    unknown = [name for name in args.names if name not in known]
    if unknown:
        parser.error("no such trial: %s; these are: %s" % (", ".join(unknown), ", ".join(known)))
    rows = []
    for name in args.names or known:
        print("trial %s ..." % name, flush=True)
        row = run(known[name], os.path.abspath(args.binary), args.python)
        rows.append(row)
        print(
            "  %s: %d steps, %d differences, %d of them explained, %d s"
            % (
                row["error"].splitlines()[0] if row["error"] else "ok" if not row["differences"] else "DIFFERS",
                row["steps"],
                len(row["differences"]) + len(row["explained"]),
                len(row["explained"]),
                row["seconds"],
            ),
            flush=True,
        )
        for line in row["error"].splitlines()[1:] + row["differences"] + ["explained: " + x for x in row["explained"]]:
            print("    " + line, flush=True)
    if args.json:
        with open(args.json, "w") as f:
            json.dump(rows, f, indent=1)
    bad = [r["name"] for r in rows if r["differences"] or r["error"] and not r["error"].startswith("skipped")]
    skipped = [r["name"] for r in rows if r["error"].startswith("skipped")]
    print("%d passed, %d failed, %d skipped" % (len(rows) - len(bad) - len(skipped), len(bad), len(skipped)))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
