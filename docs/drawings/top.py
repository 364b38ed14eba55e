"""Draws docs/pictures/top.svg and top-workers.svg from a real run: python3 docs/drawings/top.py BINARY (make picture-top). Takes three minutes.

It serves two apps of its own, asks for their pages in waves, kills a worker, and runs `standpipe top` in a terminal of tmux, whose
screen is drawn cell by cell: blocks and lines are shapes, so that they join in every font. Of what the terminal
shows, only the port is changed: to 8000."""

import contextlib
import http.client
import json
import math
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from html import escape

PICTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pictures")
COLUMNS, ROWS, SECONDS = 112, 34, 165
WIDE, HIGH, MARGIN = 8.43, 18, 16

APP = """import random
import time
from urllib.parse import parse_qs


def rows_of(seconds):
    time.sleep(seconds)  # SELECT ... GROUP BY month
    return []


def report(query):
    return rows_of(float(parse_qs(query)["s"][0]))


def price(deadline):
    while time.perf_counter() < deadline:
        sum(range(100))


def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/report":
        report(environ["QUERY_STRING"])
    elif path == "/checkout" and random.random() < 0.06:
        raise ValueError("no such product")
    elif path == "/basket":
        price(time.perf_counter() + random.expovariate(1 / 0.02))
    else:
        time.sleep(random.expovariate(1 / 0.012))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello " * 400]
"""

CONFIG = """bind = "127.0.0.1:%d"
[[app]]
name = "shop"
module = "shop:app"
workers = 6
[[app]]
name = "admin"
module = "shop:app"
mount = "/admin"
workers = 2
"""

PATHS = {"/products/42": 50, "/": 30, "/basket": 24, "/checkout": 8, "/search?q=tea": 16, "/admin/orders": 5}


def client(port, number, end):
    """Asks for pages, in waves of a minute."""
    paths, weights = list(PATHS), list(PATHS.values())
    chance = random.Random(number)
    began = time.monotonic()
    while time.monotonic() < end:
        path = chance.choices(paths, weights)[0]
        if chance.random() < 0.006:
            path = "/report?s=%.1f" % chance.uniform(0.6, 5)
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", path)
            connection.getresponse().read()
            connection.close()
        wave = 1.2 + math.sin((time.monotonic() - began) / 9) + 0.4 * math.sin((time.monotonic() - began) / 3.1)
        time.sleep(chance.expovariate(4 + 9 * max(wave, 0.05)))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(binary):
    """The screens: of the apps, and of the workers with their lines of Python."""
    with tempfile.TemporaryDirectory(prefix="sp-") as folder:
        port, pane = free_port(), ["tmux", "-S", os.path.join(folder, "tmux"), "-u"]
        for name, text in (("shop.py", APP), ("standpipe.toml", CONFIG % port), ("conf", "set -g default-terminal tmux-256color\n")):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
                f.write(text)
        control = os.path.join(folder, "shop.sock")
        env = {k: v for k, v in os.environ.items() if not k.startswith("STANDPIPE_") and k != "NO_COLOR"}
        env.update(LANG="C.UTF-8", LC_ALL="C.UTF-8", TZ="UTC")
        serve = [binary, "serve", "-c", "standpipe.toml", "--control", control]
        server = subprocess.Popen(serve, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(lambda: subprocess.run([binary, "health", "--control", control], env=env, capture_output=True).returncode == 0)
            end = time.monotonic() + SECONDS
            for number in range(12):
                threading.Thread(target=client, args=(port, number, end + 30), daemon=True).start()
            time.sleep(SECONDS * 0.6)
            subprocess.run([binary, "restart", "admin", "--control", control], env=env, capture_output=True, check=True)
            status = json.loads(
                subprocess.run([binary, "status", "--json", "--control", control], env=env, capture_output=True, check=True).stdout
            )
            os.kill(status["apps"][0]["processes"][3]["pid"], signal.SIGKILL)
            top = "exec %s top --control %s" % (binary, control)
            size = ["-x", str(COLUMNS), "-y", str(ROWS)]
            subprocess.run(pane + ["-f", os.path.join(folder, "conf"), "new-session", "-d"] + size + [top], env=env, check=True)
            while time.monotonic() < end or b"runs" not in subprocess.run(pane + ["capture-pane", "-p"], capture_output=True).stdout:
                time.sleep(0.3)
            shots = [capture(pane)]
            subprocess.run(pane + ["resize-window", "-y", "18"], check=True)
            subprocess.run(pane + ["send-keys", "2", "D"], check=True)
            time.sleep(1)
            until(lambda: b"rows_of" in subprocess.run(pane + ["capture-pane", "-p"], capture_output=True).stdout)
            shots.append(capture(pane))
            return [shot.replace(str(port), "8000") for shot in shots]
        finally:
            subprocess.run(pane + ["kill-server"], capture_output=True)
            server.terminate()
            server.wait()


def until(condition):
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("top.py: a condition does not come about")
        time.sleep(0.1)


def capture(pane):
    return subprocess.run(pane + ["capture-pane", "-p", "-e", "-N"], stdout=subprocess.PIPE, check=True).stdout.decode()


COLOURS = ["#161b22", "#ff7b72", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#e6edf3"]
GROUNDS = ["#161b22", "#da3633", "#238636", "#e3b341", "#1f4b7a", "#8957e5", "#39b7c4", "#e6edf3"]


class Style:
    def __init__(self):
        self.fg = self.bg = None
        self.bold = self.faint = self.reverse = False

    def apply(self, codes):
        for code in [int(c) for c in codes.split(";") if c] or [0]:
            if code == 0:
                self.__init__()
            elif code == 1:
                self.bold = True
            elif code == 2:
                self.faint = True
            elif code == 7:
                self.reverse = True
            elif code == 22:
                self.bold = self.faint = False
            elif 30 <= code <= 37:
                self.fg = code - 30
            elif 40 <= code <= 47:
                self.bg = code - 40
            elif code in (39, 49):
                setattr(self, "fg" if code == 39 else "bg", None)

    def look(self):
        """Returns the colours of the text and behind it, and whether it is bold."""
        fg = COLOURS[self.fg] if self.fg is not None else "#d7dee6"
        if self.faint and self.fg is None:
            fg = "#848d97"
        if self.bold and self.fg is None and self.bg is None:
            fg = "#ffffff"
        bg = GROUNDS[self.bg] if self.bg is not None else None
        return (bg or "#161b22", fg, self.bold) if self.reverse else (fg, bg, self.bold)


def cells(line):
    """Yields (column, character, look)."""
    style, x = Style(), 0
    for part in re.split(r"(\x1b\[[0-9;]*m|\x0e|\x0f)", line):
        if part.startswith("\x1b["):
            style.apply(part[2:-1])
            continue
        for char in part.strip("\x0e\x0f"):
            yield x, char, style.look()
            x += 1


LOWER, LEFT = " ▁▂▃▄▅▆▇█", " ▏▎▍▌▋▊▉█"


def shape(x, y, char, colour):
    """Returns the shape of a block or a line; empty: it is a letter."""
    px, py, opacity, box = MARGIN + x * WIDE, MARGIN + y * HIGH, "", None
    if char in LOWER[1:]:
        part = LOWER.index(char) / 8
        box = (px, py + HIGH * (1 - part), WIDE, HIGH * part)
    elif char in LEFT[1:]:
        box = (px, py + 3, WIDE * LEFT.index(char) / 8, HIGH - 6)
    elif char in "░▒▓":
        opacity = ' opacity="%s"' % {"░": 0.3, "▒": 0.6, "▓": 0.8}[char]
        box = (px + 0.7, py + 4, WIDE - 1.4, HIGH - 8)
    elif char == "─":
        box = (px, py + HIGH / 2, WIDE, 1)
    if box is None:
        return ""
    return '<rect x="%.2f" y="%.2f" width="%.2f" height="%.2f" fill="%s"%s/>\n' % (box + (colour, opacity))


def draw(screen, title):
    lines = screen.rstrip("\n").split("\n")
    grounds, shapes, texts = [], [], []
    for y, line in enumerate(lines):
        run = None  # x, text, look
        for x, char, look in list(cells(line)) + [(COLUMNS, "", None)]:
            if look and look[1]:
                grounds.append((x, y, look[1]))
            drawn = look and shape(x, y, char, look[0])
            if drawn:
                shapes.append(drawn)
            if run and (drawn or char in ("", " ") and run[1].endswith(" ") or look != run[2]):
                text(texts, y, *run)
                run = None
            if not drawn and char.strip() and run is None:
                run = [x, "", look]
            if run:
                run[1] += char
    out = []
    for x, y, colour in grounds:
        if out and out[-1][1] == y and out[-1][3] == colour and out[-1][0] + out[-1][2] == x:
            out[-1][2] += 1
        else:
            out.append([x, y, 1, colour])
    ground = '<rect x="%.2f" y="%g" width="%.2f" height="%d" fill="%s"/>\n'
    behind = "".join(ground % (MARGIN + x * WIDE, MARGIN + y * HIGH, n * WIDE, HIGH, colour) for x, y, n, colour in out)
    w, h = COLUMNS * WIDE + 2 * MARGIN, len(lines) * HIGH + 2 * MARGIN
    head = """<svg xmlns="http://www.w3.org/2000/svg" width="%g" height="%g" viewBox="0 0 %g %g" role="img" aria-label="%s">
<!-- Made by docs/drawings/top.py from a real run. Do not edit. -->
<style>text { font: 14px "DejaVu Sans Mono", ui-monospace, Menlo, Consolas, monospace; white-space: pre } .b { font-weight: bold } rect { shape-rendering: crispEdges }</style>
<rect width="100%%" height="100%%" rx="10" fill="#161b22"/>
"""
    return head % (w, h, w, h, title) + behind + "".join(shapes) + "".join(texts) + "</svg>\n"


def text(texts, y, x, chars, look):
    chars = chars.rstrip()
    if chars:
        bold = ' class="b"' if look[2] else ""
        place = (MARGIN + x * WIDE, MARGIN + y * HIGH + 13.5, len(chars) * WIDE, look[0], bold, escape(chars, quote=False))
        texts.append('<text x="%.2f" y="%g" textLength="%.2f" fill="%s"%s xml:space="preserve">%s</text>\n' % place)


def main(argv):
    if len(argv) != 1:
        raise SystemExit("usage: top.py BINARY")
    shots = run(os.path.abspath(argv[0]))
    titles = "standpipe top: the apps", "standpipe top: the workers, with their lines of Python"
    for name, title, screen in zip(("top", "top-workers"), titles, shots):
        with open(os.path.join(PICTURES, name + ".svg"), "w", encoding="utf-8") as f:
            f.write(draw(screen, title))


if __name__ == "__main__":
    main(sys.argv[1:])
