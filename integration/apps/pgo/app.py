# What make pgo loads: a bare app, a framework, a body in, a body out.
from flask import Flask, jsonify

flask = Flask(__name__)


@flask.get("/flask")
def page():
    return jsonify(name="wrench", price="31.50", tags=["tools", "steel"])


OUT = b"x" * 100_000


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/flask":
        return flask(environ, start_response)
    body = b"hello"
    if path == "/out":
        body = OUT
    elif path == "/in":
        body = str(len(environ["wsgi.input"].read())).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
