"""Reads the whole body, answers its length."""


def app(environ, start_response):
    source, count = environ["wsgi.input"], 0
    while True:
        block = source.read(65536)
        if not block:
            break
        count += len(block)
    text = b"%d" % count
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text]
