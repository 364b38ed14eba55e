"""What a server in front or behind is tried with: plain WSGI, so that any server can run it."""

import hashlib
import json
import os
import time


def text(start_response, body, status="200 OK", *fields):
    body = body.encode("utf-8", "surrogateescape") if isinstance(body, str) else body
    start_response(status, [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body))), *fields])
    return [body]


def path(environ, start_response):
    seen = {k: environ.get(k, "") for k in ("SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "REQUEST_URI")}
    return text(start_response, json.dumps(seen))


def env(environ, start_response):
    seen = {k: v if isinstance(v, str) else v.decode("latin-1") for k, v in environ.items() if isinstance(v, (str, bytes))}
    return text(start_response, json.dumps(seen, sort_keys=True))


def sum_(environ, start_response):
    digest, size = hashlib.sha256(), 0
    while True:
        block = environ["wsgi.input"].read(65536)
        if not block:
            break
        digest.update(block)
        size += len(block)
    return text(start_response, "%d %s %s" % (size, digest.hexdigest(), environ.get("CONTENT_LENGTH")))


def bulk(environ, start_response):
    count = int(environ["QUERY_STRING"] or 100) * 16
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return (b"0123456789abcdef" * 4096 for _ in range(count))


def raises(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])

    def body():
        yield b"the first chunk\n"
        raise RuntimeError("after the first chunk")

    return body()


def boom(environ, start_response):
    raise RuntimeError("boom in the app")


def short(environ, start_response):
    start_response("200 OK", [("Content-Length", "1000")])
    return [b"not a thousand octets"]


def fresh(environ, start_response):
    if environ.get("HTTP_IF_NONE_MATCH") == '"e1"':
        start_response("304 Not Modified", [("ETag", '"e1"')])
        return []
    return text(start_response, "fresh", "200 OK", ("ETag", '"e1"'))


def old(environ, start_response):
    scheme, host = environ["wsgi.url_scheme"], environ["HTTP_HOST"]
    return text(start_response, "", "302 Found", ("Location", "%s://%s/path" % (scheme, host)))


def cookies(environ, start_response):
    return text(start_response, environ.get("HTTP_COOKIE", "-"), "200 OK", ("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; Path=/"))


def nothing(environ, start_response):
    start_response("204 No Content", [])
    return []


def status(environ, start_response):
    return text(start_response, "as asked", environ["QUERY_STRING"].replace("+", " "))


def fields(environ, start_response):
    return text(
        start_response,
        "fields",
        "200 OK",
        ("X-Twice", "1"),
        ("X-Twice", "2"),
        ("x-lower", "l"),
        ("X-Latin", "caf\xe9"),
        ("Vary", "Cookie"),
        ("Cache-Control", "no-cache"),
    )


def lines(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return (b"line %d\n" % n for n in range(200))


def written(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    write(b"written ")
    return [b"and ", b"", b"returned"]


def gate(environ, start_response):
    """Says that it has begun, and waits for the gate to open; QUERY_STRING names both files."""
    with open(environ["QUERY_STRING"] + ".begun", "a"):
        pass
    for _ in range(2000):
        if os.path.exists(environ["QUERY_STRING"]):
            break
        time.sleep(0.01)
    return text(start_response, "through the gate")


def method(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return text(start_response, "%s %d" % (environ["REQUEST_METHOD"], len(body)))


def pid(environ, start_response):
    return text(start_response, str(os.getpid()))


pages = {
    "/env": env,
    "/sum": sum_,
    "/bulk": bulk,
    "/raise": raises,
    "/boom": boom,
    "/short": short,
    "/fresh": fresh,
    "/old": old,
    "/cookies": cookies,
    "/nothing": nothing,
    "/status": status,
    "/fields": fields,
    "/lines": lines,
    "/written": written,
    "/gate": gate,
    "/method": method,
    "/pid": pid,
}


def app(environ, start_response):
    return pages.get(environ["PATH_INFO"], path)(environ, start_response)


application = app
