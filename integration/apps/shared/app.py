"""Bodies whose bytes say whose they are."""


def content(name, size):
    line = b"%s of all the water\n" % name.encode()
    return (line * (size // len(line) + 1))[:size]


def app(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "application/octet-stream")])
    if environ["REQUEST_METHOD"] == "POST":
        return [environ["wsgi.input"].read()]
    kind, name, size = environ["PATH_INFO"][1:].split("/")
    body = content(name, int(size))
    if kind == "list":
        return [body]
    if kind == "one":
        return iter([body])
    if kind == "write":
        write(body)
        return []
    step = 50000
    return (body[at : at + step] for at in range(0, len(body), step))
