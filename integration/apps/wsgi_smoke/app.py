"""One small app for every interpreter: page, form, stream, error, the version. Nothing newer than Python 3.8."""

import sys
from urllib.parse import parse_qs


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/version":
        body = ("%s %d.%d.%d" % ((sys.implementation.name,) + sys.version_info[:3])).encode()
    elif path == "/form":
        form = parse_qs(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode())
        body = ("hello " + form["name"][0]).encode()
    elif path == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (b"%d\n" % i for i in range(1000))
    elif path == "/error":
        raise ValueError("failed on purpose")
    elif path == "/broken":

        def broken():
            start_response("200 OK", [("Content-Type", "text/plain")])
            yield b"begun"
            raise ValueError("failed in the middle")

        return broken()
    else:
        body = "page p\u00e4ge".encode()
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
    return [body]
