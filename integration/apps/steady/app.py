"""An app under load while its workers come and go. Each answer names its request, so that a mix-up shows."""

import os
import time

from version import VERSION

LEAKED = []


def note(name, line):
    """Appends a line to a file of the test's, in one write."""
    path = os.environ.get(name)
    if path:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(fd, (line + "\n").encode())
        os.close(fd)


def answer(start_response, text, status="200 OK"):
    body = text.encode()
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.005)


def chunks(request_id):
    for number in range(5):
        time.sleep(0.002)
        yield ("%s %d\n" % (request_id, number)).encode()


def app(environ, start_response):
    path = environ["PATH_INFO"]
    request_id = environ["QUERY_STRING"]
    if path == "/echo":
        if environ["REQUEST_METHOD"] == "POST":
            body = environ["wsgi.input"].read().decode()
            note("RAN", request_id)
            return answer(start_response, "%s %s" % (request_id, body))
        return answer(start_response, "%s %s" % (request_id, VERSION))
    if path == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return chunks(request_id)
    if path == "/gate":
        wait_for(request_id)
        return answer(start_response, VERSION)
    if path == "/version":
        return answer(start_response, VERSION)
    if path == "/pid":
        return answer(start_response, str(os.getpid()))
    if path == "/leak":
        LEAKED.append(bytearray(os.urandom(1024) * 1024))
        return answer(start_response, request_id)
    if path == "/exit":
        os._exit(3)
    if path == "/segv":
        import ctypes

        ctypes.string_at(0)
    if path == "/garbage":
        import fcntl

        for fd in range(10, 20):
            try:
                if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY:
                    os.write(fd, b"GET / HTTP/1.1\r\n\r\n")
            except OSError:
                pass
        return answer(start_response, request_id)
    return answer(start_response, "no such page", "404 Not Found")


time.sleep(float(os.environ.get("IMPORT_SECONDS", "0")))
note("IMPORTED", VERSION)
