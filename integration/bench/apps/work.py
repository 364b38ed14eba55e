"""Views that compute a quarter of their time and wait for the rest, as for a database; and one byte in the file runs for each request that the app was run for."""

import os
import time

_runs = os.open(os.path.join(os.environ.get("HOME", "."), "runs"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def _work(loops, wait):
    def app(environ, start_response):
        os.write(_runs, b".")
        n = 0
        for i in range(loops):
            n += i
        time.sleep(wait)
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
        return [b"done"]

    return app


app = _work(50000, 0.003)  # 4 ms
slow = _work(250000, 0.015)  # 20 ms
