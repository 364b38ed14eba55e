"""20 ms of waiting for something else, as a view that asks a database does. gevent's patching makes it a greenlet's."""

import time


def app(environ, start_response):
    time.sleep(0.02)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return [b"done"]
