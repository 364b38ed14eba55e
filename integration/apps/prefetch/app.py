"""What a worker does while further requests stand behind the one that it runs. Each run of a request is one line in RAN."""

import ctypes
import os
import time

RAN = os.open(os.environ["RAN"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644) if "RAN" in os.environ else -1


def app(environ, start_response):
    path = environ["PATH_INFO"]
    query = environ["QUERY_STRING"]
    if RAN >= 0:
        os.write(RAN, (environ["REQUEST_METHOD"] + " " + query + "\n").encode())
    if path == "/sleep":  # until the file is there
        while not os.path.exists(query):
            time.sleep(0.05)
    elif path == "/loop":  # likewise, in Python alone
        number = 0
        while number % 100000 or not os.path.exists(query):
            number += 1
    elif path == "/hold":  # C code that does not let go of the interpreter until the other end of the FIFO is opened
        os.mkdir(query + ".held")
        os.close(ctypes.PyDLL(None).open(os.fsencode(query), os.O_RDONLY))
    elif path == "/brief":  # long enough for a Recall, too short for a slow app
        time.sleep(0.012)
    elif path == "/even":
        time.sleep(0.001)
        query = str(os.getpid())
    body = query.encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
