"""An app that keeps to PEP 3333, with wsgiref.validate between it and the server: the validator checks both sides."""

from wsgiref.validate import validator


def strict(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/nothing":
        start_response("204 No Content", [])
        return []
    if path == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (piece for piece in [b"a", b"b", b"c"])
    if path == "/late":

        def late():
            start_response("200 OK", [("Content-Type", "text/plain")])
            yield b"late"

        return late()
    if path == "/write":
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        write(b"written ")
        return [b"and returned"]
    if path == "/lines":
        stream = environ["wsgi.input"]
        body = b"|".join([stream.readline(), stream.read(3)] + stream.readlines())
    elif path == "/iterate":
        body = b"|".join(environ["wsgi.input"])
    elif path == "/wrapper":
        import io

        start_response("200 OK", [("Content-Type", "text/plain")])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"wrapped"))
    else:
        environ["wsgi.errors"].write("validated " + path + "\n")
        body = environ["wsgi.input"].read(1000000)
    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(len(body)))])
    return [body]


application = validator(strict)
