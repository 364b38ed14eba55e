"""Draws terminal.svg from a real run: python3 docs/drawings/terminal.py BINARY VENV (make picture). With --check it runs and compares only.

It serves a copy of the sample shop in a terminal, as `standpipe serve` without settings, asks for three pages and kills a worker. What the picture
does not show as it was: the temporary folder is ~, the port is 8000, and warnings about this machine (root, a container) are left out.
Times, sizes, pids and ids differ from run to run, so --check does not compare numbers and ids. VENV has the shop's requirements."""

import http.client
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from html import escape, unescape

FOLDER = os.path.dirname(os.path.abspath(__file__))
PICTURE = os.path.join(FOLDER, "terminal.svg")
SHOP = os.path.join(FOLDER, "..", "..", "integration", "apps", "flask_shop")
COLUMNS, WIDE, HIGH, MARGIN, PATIENCE = 124, 7.25, 17, 16, 60
COLOURS = {"1": "bold", "91": "red", "93": "yellow", "94": "blue"}

HEAD = """<svg xmlns="http://www.w3.org/2000/svg" width="{w:g}" height="{h:g}" viewBox="0 0 {w:g} {h:g}" role="img" aria-label="A terminal in which standpipe serves the sample shop">
<!-- Made by docs/drawings/terminal.py from a real run. Do not edit. -->
<style>
text {{ font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #d7dee6; white-space: pre }}
.bold {{ font-weight: bold; fill: #fff }} .red {{ fill: #ff7b72 }} .yellow {{ fill: #e3b341 }} .blue {{ fill: #79c0ff }} .typed {{ fill: #7ee787 }}
</style>
<rect width="100%" height="100%" rx="8" fill="#161b22"/>
"""


class Terminal:
    """A program in a terminal of its own."""

    def __init__(self, argv, env, folder):
        self.text = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execve(argv[0], ["standpipe"] + argv[1:], env)

    def read(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # the other side is closed
            return False
        self.text += data.decode("utf-8", "replace")
        return bool(data)

    def until(self, pattern):
        """Reads until a line has pattern."""
        end = time.monotonic() + PATIENCE
        while not re.search(pattern + r".*\r\n", self.text):
            if time.monotonic() > end or not self.read(0.2):
                raise SystemExit("terminal.py: no %s in:\n%s" % (pattern, self.text))

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
        while self.read(PATIENCE):
            pass
        os.waitpid(self.pid, 0)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(binary, venv):
    """The lines of the terminal."""
    with tempfile.TemporaryDirectory() as home:
        shop, port = os.path.join(home, "shop"), free_port()
        shutil.copytree(SHOP, shop, ignore=shutil.ignore_patterns("__pycache__"))
        os.symlink(os.path.abspath(venv), os.path.join(shop, ".venv"))
        env = {k: v for k, v in os.environ.items() if not k.startswith("STANDPIPE_") and k not in ("VIRTUAL_ENV", "NO_COLOR")}
        env.update(
            TERM="xterm-256color",
            STANDPIPE_BIND="127.0.0.1:%d" % port,
            STANDPIPE_RUNTIME_DIR=os.path.join(home, "run"),
            STANDPIPE_WORKERS="2",
        )
        if os.geteuid() == 0:
            env["STANDPIPE_USER"] = "root"  # no warning
        os.mkdir(os.path.join(home, "run"), 0o700)
        terminal = Terminal([os.path.abspath(binary), "serve"], env, shop)
        try:
            terminal.until("livez")
            for path in ("/", "/static/shop.css", "/api/products"):
                client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
                client.request("GET", path, headers={"User-Agent": "browser"})
                client.getresponse().read()
                client.close()
                terminal.until("GET " + path + " ")
            status = subprocess.run(
                [os.path.abspath(binary), "status", "--json"], env=env, cwd=shop, stdout=subprocess.PIPE, check=True, timeout=PATIENCE
            ).stdout
            os.kill(json.loads(status)["apps"][0]["processes"][0]["pid"], signal.SIGKILL)
            terminal.until("worker_exit")
        finally:
            terminal.stop()
        text = terminal.text.replace(home, "~").replace(str(port), "8000")
        killed = [n for n, line in enumerate(text.split("\r\n")) if "worker_exit" in line][0]
        lines = text.split("\r\n")[: killed + 1]
        return ["\x1b[typed$ standpipe serve\x1b[0m"] + [line for line in lines if "only this container can connect" not in line]


def pieces(line):
    """Pairs of a class and a text."""
    style = ""
    for part in re.split(r"(\x1b\[(?:[0-9;]*m|typed))", line):
        if part.startswith("\x1b["):
            style = "typed" if part.endswith("typed") else COLOURS.get(part[2:-1], "")
        elif part:
            yield style, part


def rows(lines):
    """Rows of pairs: a line that is too long goes on in the next row, as in a terminal."""
    for line in lines:
        row, left = [], COLUMNS
        for style, text in pieces(line):
            while text:
                row.append((style, text[:left]))
                left, text = left - len(text[:left]), text[left:]
                if left == 0:
                    yield row
                    row, left = [], COLUMNS
        if row:
            yield row


def draw(lines):
    out, y = [], MARGIN + 8
    for row in rows(lines):
        spans = "".join(
            '<tspan class="%s">%s</tspan>' % (style, escape(text, quote=False)) if style else escape(text, quote=False)
            for style, text in row
        )
        out.append('<text x="%d" y="%d" xml:space="preserve">%s</text>\n' % (MARGIN, y, spans))
        y += HIGH
    return HEAD.format(w=COLUMNS * WIDE + 2 * MARGIN, h=y) + "".join(out) + "</svg>\n"


def shape(svg):
    """What is the same in every run: the texts without numbers and ids."""
    text = unescape(re.sub(r"<[^>]*>", "", "".join(re.findall(r"<text[^>]*>(.*)</text>", svg))))
    text = re.sub(r" rss=\S+", "", text)  # known when the worker lived for long enough
    return re.sub(r"[\d.]+\s?[a-zµ]*", "#", re.sub(r"id=\w{26}|\d{4}-\d\d-\d\dT[\d:.]+Z|\[\d\d/\w+/[^\]]*\]", "#", text))


def main(argv):
    check = "--check" in argv
    arguments = [a for a in argv if a != "--check"]
    if len(arguments) != 2:
        raise SystemExit("usage: terminal.py [--check] BINARY VENV")
    svg = draw(run(*arguments))
    if not check:
        with open(PICTURE, "w", encoding="utf-8") as f:
            f.write(svg)
        return 0
    with open(PICTURE, encoding="utf-8") as f:
        if shape(f.read()) == shape(svg):
            return 0
    print("docs/drawings/terminal.svg is stale; run: make picture", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
