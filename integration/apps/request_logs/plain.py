import os
from urllib.parse import parse_qsl

import said


def app(environ, start_response):
    query = dict(parse_qsl(environ["QUERY_STRING"]))
    if environ["PATH_INFO"] == "/child":
        said.child(query["gate"])
    elif environ["PATH_INFO"] == "/flood":
        said.flood(int(query["lines"]))
    elif environ["PATH_INFO"] == "/hints":
        environ["wsgi.early_hints"]([("Link", "</a.css>; rel=preload; as=style")])
        said.wait(query["gate"])
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Pid", str(os.getpid()))])
    return [b"ok"]
