"""Answers of one size each, made once."""

LINE = b"All the water that the standpipe holds weighs on the valve.\n"


def answer(size):
    body = (LINE * (size // len(LINE) + 1))[:size]

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(size))])
        return [body]

    return app


out100k = answer(100 * 1024)
out1m = answer(1024 * 1024)
