"""Prices as JSON, at /api: plain WSGI, for an older Python that stays until its time comes."""

import json
import sys

PRICES = {"valve": 9.5, "wrench": 31.5}


def application(environ, start_response):
    name = environ["PATH_INFO"].strip("/")
    if name not in PRICES:
        status, answer = "404 Not Found", {"error": "no such product"}
    else:
        status, answer = "200 OK", {"price": PRICES[name], "mount": environ["SCRIPT_NAME"], "python": "%d.%d" % sys.version_info[:2]}
    body = json.dumps(answer).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
