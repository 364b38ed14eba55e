"""What the tests of --preload serve. At import it opens a connection, as to a database, and reopens it in each worker."""

import os
import socket
import threading
import time

import standpipe_shim

IMPORTED_BY = os.getpid()
CALLS = []


class Database:
    """A connection to the echo server at $DATABASE: says its own pid first, and gets it back with each question."""

    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", int(os.environ["DATABASE"])))
        self.socket.sendall(b"%d\n" % os.getpid())
        self.answers = self.socket.makefile("rb")

    def whose(self):
        self.socket.sendall(b"?\n")
        return self.answers.readline().decode().strip()


db = Database() if os.environ.get("DATABASE") else None


@standpipe_shim.on_fork
def connect():
    global db
    CALLS.append(os.getpid())
    if db is not None:
        db = Database()


def app(environ, start_response):
    path = environ["PATH_INFO"]
    query = environ["QUERY_STRING"]
    text = "no such path"
    if path == "/pid":
        text = str(os.getpid())
    elif path == "/who":
        text = "%d %d %d %d %s" % (os.getpid(), IMPORTED_BY, len(CALLS), threading.active_count(), os.environ.get("STANDPIPE_WORKER"))
    elif path == "/db":
        text = "%d %s" % (os.getpid(), db.whose())
    elif path == "/exit":
        os._exit(int(query))
    elif path == "/gate":
        print("at the gate", flush=True)
        while not os.path.exists(query):
            time.sleep(0.01)
        text = str(os.getpid())
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text.encode()]
