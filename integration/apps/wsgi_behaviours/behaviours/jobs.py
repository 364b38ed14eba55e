"""What the children of a view run: importable by name, as spawn and forkserver need it."""

import os


def square(n):
    return n * n


def links():
    """What the descriptors of this process are: {fd: "pipe:[4711]"}."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[int(name)] = os.readlink("/proc/self/fd/" + name)
        except OSError:
            pass  # the folder's own
    return found


def put_links(queue):
    queue.put(sorted(links().values()))


def put(queue, n):
    queue.put((os.getpid(), n * n))
