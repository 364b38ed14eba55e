"""What the behaviours share: the record file, the gates, small answers."""

import json
import os
import time
from urllib.parse import parse_qsl


def query(environ):
    return dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))


def record(line):
    """Appends one line to the file that the test reads. One write: lines of several processes do not mix."""
    fd = os.open(os.environ["RECORD_FILE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(fd, (line + "\n").encode())
    finally:
        os.close(fd)


def wait_gate(environ):
    """Waits for the file that the query's `gate` names; a minute at most, so that nothing outlives a failed test."""
    path = os.path.join(os.environ["GATE_DIR"], query(environ)["gate"])
    end = time.monotonic() + 60
    while not os.path.exists(path):
        if time.monotonic() > end:
            raise RuntimeError("the gate stayed shut")
        time.sleep(0.005)


def answer_json(start_response, value, status="200 OK"):
    body = json.dumps(value).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def answer_text(start_response, text, status="200 OK"):
    body = text.encode()
    start_response(status, [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
    return [body]
