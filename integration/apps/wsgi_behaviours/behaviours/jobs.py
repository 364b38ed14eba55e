"""What the children of a view run: importable by name, as spawn and forkserver need it."""
import os


def square(n):
    return n * n


def put(queue, n):
    queue.put((os.getpid(), n * n))
