"""A round of an overload: what the server can do, then twice as much asked of it by clients that lose their patience.

Every tenth client is hasty, so that some always leave while they wait. Goodput are answers 200 that came in time. It lasts
twice as long as other rounds: the line has to fill first."""

import os
import re
import time

import load

FACTOR = 2
CONNECTIONS = 4000
PATIENCE = {"patience": "1s", "haste": "50ms", "hasty": "10"}


def round(entrant, pace, seconds):
    capacity = load.wrk(entrant.port, seconds, entrant.case.connections)["rate"]
    runs = _settled(entrant)
    entrant.drop_logs()
    got = load.pace(pace, entrant.port, FACTOR * capacity, 2 * seconds, CONNECTIONS, **PATIENCE)
    runs = _settled(entrant) - runs
    good = got["requests"] - got["failed"]
    left = got.get("left", 0)
    refused = sum(got.get("refused", {}).values())
    got.update(
        {
            "capacity": capacity,
            "good": got["achieved"],
            "share": 100 * got["achieved"] / capacity if capacity else 0.0,
            "refused_share": 100 * refused / got["requests"],
            "left_share": 100 * left / got["requests"],
            "other": got["failed"] - refused - left,  # connections that were refused or broken
            "wasted_share": 100 * max(0, runs - good) / runs if runs else 0.0,  # the app has run, and the client had gone
            "dropped": max(0, left - max(0, runs - good)),  # they left, and the app was not run for them
        }
    )
    if entrant.server.name == "standpipe":
        got["log"] = _log(entrant)
    return got


def _settled(entrant):
    """How often the app has run, once it does not run any more."""
    last, since, end = -1, time.monotonic(), time.monotonic() + 15
    while time.monotonic() < end:
        now = _size(entrant)
        if now != last:
            last, since = now, time.monotonic()
        if time.monotonic() - since > 0.4:
            break
        time.sleep(0.02)
    return last


def _size(entrant):
    try:
        return os.stat(os.path.join(entrant.dir, "runs")).st_size
    except OSError:
        return 0


def _log(entrant):
    """Lines of standpipe's access log: status, and whether a worker had the request."""
    counts = {}
    with open(entrant.processes[0].log, errors="replace") as f:
        for line in f:
            found = re.search(r'" (\d{3}) .*worker=(\S+)$', line)
            if found:
                key = found.group(1) + (" waiting" if found.group(2) == "-" else " at a worker")
                counts[key] = counts.get(key, 0) + 1
    return counts
