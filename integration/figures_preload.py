"""The memory and the boots of eight Django workers, for figures.py."""

import os
import re
import signal
import socket
import subprocess
import tempfile
import time

from machine import free_port
from usage import children, pss

SITE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps", "django_site")


def section(command, spread):
    """Prints both, with and without --preload."""
    sums = []
    for flags in [], ["--preload"]:
        port = free_port()
        size, took = measure(command("standpipe", "mysite.wsgi", port, 8) + flags, port)
        print("%-34s PSS of 8 workers %.0f MiB, a worker's boot %s ms" % (" ".join(["Django"] + flags), size, spread(took)))
        sums.append(size)
    print("%-34s %.0f %% less memory" % ("", 100 - 100 * sums[1] / sums[0]))


def measure(argv, port):
    """Returns the MiB of PSS of all workers together (a template is one of them), and the milliseconds of their boots."""
    with tempfile.TemporaryFile("w+") as log:
        argv = argv + ["--log-format", "json", "--log-level", "debug"]
        server = subprocess.Popen(argv, cwd=SITE, stdout=subprocess.DEVNULL, stderr=log)
        try:
            for _ in range(3000):
                time.sleep(0.01)
                log.seek(0)
                took = boots(log)
                if len(took) == 8:
                    break
            else:
                raise SystemExit("the Django site does not start")
            for _ in range(40):  # what is written to at each request is no more shared
                with socket.create_connection(("127.0.0.1", port), 5) as s:
                    s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    while s.recv(65536):
                        pass
            # Two boot at a time; the first two of a template's wait for its import.
            return sum(pss(pid) for pid in children(server.pid)), took[2:]
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(40)


def boots(lines):
    return [float(re.search(r'"took":([\d.]+)', line).group(1)) * 1000 for line in lines if '"worker_ready"' in line]
