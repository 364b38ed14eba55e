"""What stands behind a proxy for one case: upstreams that are no bottleneck, started once and the same for all that are raced. They
are no part of a server's process tree, so their processor time and memory do not count."""

import os
import socket
import time
import urllib.request

import machine
import process
from entrant import Failed

READY = 120  # seconds
FAST, SLOW = "2ms", "20ms"  # of the three upstreams of which one is slower
BIG = b"0123456789abcdef" * (10 << 16)  # 10 MiB
PAGE = b"0123456789abcdef" * 64  # 1 KiB


class Behind:
    """kind: of case.BEHIND."""

    def __init__(self, kind, folder, tools):
        self.kind, self._tools = kind, tools
        self.dir = os.path.join(folder, "behind-" + kind)
        self.addresses = []  # host:port; of php-fpm the path of its socket
        self._process = None

    def start(self):
        """Does nothing when it has been started."""
        if self._process:
            return
        os.makedirs(self.dir, 0o755, exist_ok=True)
        argv = {"hello": self._nginx, "big": self._nginx, "page": self._nginx, "delayed": self._delayed, "php": self._php}[self.kind]()
        self._process = process.Process(argv, self.dir, dict(os.environ, TMPDIR=self.dir), os.path.join(self.dir, "output.log"))
        end = time.monotonic() + READY
        for address in self.addresses:
            while not _accepts(address):
                if not self._process.alive() or time.monotonic() > end:
                    raise Failed("what stands behind does not start: " + self._process.tail())
                time.sleep(0.01)

    def stop(self):
        if self._process:
            self._process.stop()
            self._process = None

    def busy(self):
        """How many connections of nginx's have an answer under way; idle ones that a proxy keeps do not count."""
        with urllib.request.urlopen("http://%s/status" % self.addresses[0], timeout=20) as answer:
            words = answer.read().split()
        return int(words[words.index(b"Writing:") + 1]) - 1  # without this one

    def _port(self):
        self.addresses.append("127.0.0.1:%d" % machine.free_port())
        return self.addresses[-1]

    def _nginx(self):
        if not self._tools.nginx():
            raise Failed("nginx is not installed")
        port = self._port().rpartition(":")[2]
        with open(os.path.join(self.dir, "big"), "wb") as f:
            f.write(BIG)
        conf = machine.fill("back.conf", self.dir, {"DIR": self.dir, "PORT": port, "USER": user(), "PAGE": PAGE.decode()})
        return [self._tools.nginx(), "-p", self.dir, "-c", conf, "-e", os.path.join(self.dir, "back-error.log")]

    def _delayed(self):
        program = self._tools.delayed()
        if not program:
            raise Failed("the delayed upstreams cannot be built: no Go")
        return [program] + [self._port() + "=" + delay for delay in (FAST, FAST, SLOW)]

    def _php(self):
        if not self._tools.php_fpm():
            raise Failed("php-fpm is not installed")
        with open(os.path.join(self.dir, "hello.php"), "w") as f:
            f.write('<?php echo "hello";\n')
        self.addresses.append(os.path.join(self.dir, "php.sock"))
        conf = machine.fill("fpm.conf", self.dir, {"SOCKET": self.addresses[0], "USER": "user = root\ngroup = root" if root() else ""})
        return [self._tools.php_fpm(), "-n", "-F", "-y", conf] + (["-R"] if root() else [])


def root():
    return os.getuid() == 0


def user():
    """nginx's own line for a user who may read the benchmark's folders."""
    return "user root;" if root() else ""


def _accepts(address):
    try:
        if address.startswith("/"):
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(address)
        else:
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), 5).close()
    except OSError:
        return False
    return True
