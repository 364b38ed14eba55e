"""Some ms of computing, and one octet in the file runs for each request that the app was run for, whoever waits for it."""

import os

_runs = os.open(os.path.join(os.environ.get("HOME", "."), "runs"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def _work(loops):
    def app(environ, start_response):
        os.write(_runs, b".")
        n = 0
        for i in range(loops):
            n += i
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
        return [b"done"]

    return app


app = _work(50000)
slow = _work(500000)
