"""Status lines and fields: legal ones, and all sorts of wrong ones."""

from .common import query

TEXT = [("Content-Type", "text/plain")]


def _bodies(name):
    return {
        "list": lambda: [b"0123456789"],
        "generator": lambda: (b"x" * 5 for _ in range(2)),
        "long": lambda: (b"y" * 70000 for _ in range(3)),
        "empty": list,
    }[name]()


def any_status(environ, start_response):
    """The query's status, body kind and length."""
    q = query(environ)
    fields = [("X-Case", "any")]
    if "length" in q:
        fields.append(("Content-Length", q["length"]))
    start_response(q["status"], fields)
    return _bodies(q.get("body", "list"))


def field(environ, start_response):
    """One field of the query's name and value; latin-1 as PEP 3333 wants it, unless `wide` asks for more."""
    q = query(environ)
    name, value = q.get("name", "X-Field"), q.get("value", "")
    if "wide" not in q:
        name, value = name.encode().decode("latin-1"), value.encode().decode("latin-1")
    start_response("200 OK", [(name, value), ("Content-Type", "text/plain")])
    return [b"x"]


def status(environ, start_response):
    start_response(query(environ)["status"], TEXT)
    return [b"x"]


def cookies(environ, start_response):
    start_response(
        "200 OK",
        [
            ("Set-Cookie", "one=1; Path=/"),
            ("Content-Type", "text/plain"),
            ("Set-Cookie", "two=2"),
            ("x-lower-case", "l"),
            ("X-UPPER-CASE", "U"),
            ("x-MiXeD", "m"),
            ("ETag", '"e"'),
            ("WWW-Authenticate", "Basic"),
            ("WWW-Authenticate", "Digest"),
            ("Set-Cookie", "three=3"),
            ("X-Empty", ""),
            ("X-Latin", "caf\xe9"),
        ],
    )
    return [b"cookies"]


def bare(environ, start_response):
    start_response("200 OK", [])
    return [b"<html><body>no type given</body></html>"]


def own_date(environ, start_response):
    start_response("200 OK", [("Date", "Tue, 15 Nov 1994 08:12:31 GMT"), ("Server", "own/1.0")])
    return [b"x"]


def own_date_lower(environ, start_response):
    start_response(
        "200 OK",
        [("date", "Tue, 15 Nov 1994 08:12:31 GMT"), ("server", "own/1.0"), ("content-length", "1"), ("content-type", "text/plain")],
    )
    return [b"x"]


def hop(environ, start_response):
    start_response(
        "200 OK",
        [
            ("Connection", "close"),
            ("Keep-Alive", "timeout=5"),
            ("Transfer-Encoding", "chunked"),
            ("Upgrade", "h2c"),
            ("TE", "trailers"),
            ("Content-Type", "text/plain"),
            ("X-Stays", "yes"),
        ],
    )
    return [b"hop"]


def two_lengths(environ, start_response):
    start_response("200 OK", TEXT + [("Content-Length", "3"), ("Content-Length", "5")])
    return [b"abcde"]


def many(environ, start_response):
    count = int(query(environ)["count"])
    start_response("200 OK", [("X-Many-%d" % i, "v%d" % i) for i in range(count)])
    return [b"many"]


CASES = {
    "any": any_status,
    "field": field,
    "status": status,
    "cookies": cookies,
    "bare": bare,
    "own_date": own_date,
    "own_date_lower": own_date_lower,
    "hop": hop,
    "two_lengths": two_lengths,
    "many": many,
}
