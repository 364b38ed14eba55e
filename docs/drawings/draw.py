"""Draws the SVG files of this folder from the text files beside them: python3 docs/drawings/draw.py; --check compares only.

A text file has one item per line; columns and rows count from 0, halves are allowed:

    title TEXT
    size COLUMNS ROWS
    frame COLUMN ROW COLUMNS ROWS | LABEL          a dashed rectangle around boxes
    box NAME COLUMN ROW | LABEL | SECOND LINE      a box one column wide (the second line may be missing)
    state NAME COLUMN ROW | LABEL | SECOND LINE    the same with round ends
    arrow FROM TO | LABEL                          from the nearest edge to the nearest edge
"""

import os
import sys
from xml.sax.saxutils import escape

FOLDER = os.path.dirname(os.path.abspath(__file__))
WIDE, HIGH, GAP_X, GAP_Y, MARGIN = 150, 52, 56, 46, 24

HEAD = """<svg xmlns="http://www.w3.org/2000/svg" width="{w:g}" height="{h:g}" viewBox="0 0 {w:g} {h:g}" role="img" aria-label="{title}">
<!-- Made by docs/drawings/draw.py from {source}. Do not edit; a check compares. -->
<style>
svg {{ font: 13px system-ui, sans-serif; background: #fff }}
rect {{ fill: #f4f7fb; stroke: #4a6785; stroke-width: 1.2 }}
.frame {{ fill: none; stroke: #9aa8b5; stroke-dasharray: 5 4 }}
text {{ fill: #1c2b39; text-anchor: middle }}
.small {{ font-size: 11px; fill: #56697b }}
.label {{ text-anchor: start; font-size: 11px; fill: #56697b }}
path {{ stroke: #4a6785; stroke-width: 1.3; fill: none; marker-end: url(#tip) }}
#tip path {{ fill: #4a6785; stroke: none; marker-end: none }}
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>
"""


class Box:
    def __init__(self, column, row, labels, round_ends):
        self.x, self.y = left(column), top(row)
        self.labels = labels
        self.round_ends = round_ends

    def svg(self):
        middle = self.x + WIDE / 2
        out = ['<rect x="%g" y="%g" width="%d" height="%d" rx="%d"/>' % (self.x, self.y, WIDE, HIGH, HIGH / 2 if self.round_ends else 4)]
        if len(self.labels) == 1:
            out.append(text(middle, self.y + HIGH / 2 + 4, self.labels[0]))
        else:
            out.append(text(middle, self.y + HIGH / 2 - 4, self.labels[0]))
            out.append(text(middle, self.y + HIGH / 2 + 13, self.labels[1], "small"))
        return out


def left(column):
    return MARGIN + column * (WIDE + GAP_X)


def top(row):
    return MARGIN + 24 + row * (HIGH + GAP_Y)


def text(x, y, words, kind=None):
    return '<text x="%g" y="%g"%s>%s</text>' % (x, y, ' class="%s"' % kind if kind else "", escape(words))


def arrow(a, b, label):
    """Straight where the boxes share a row or a column; otherwise along a column first, then along a row."""
    ax, ay, bx, by = a.x + WIDE / 2, a.y + HIGH / 2, b.x + WIDE / 2, b.y + HIGH / 2
    if ay == by:
        x1, x2 = (a.x + WIDE, b.x) if bx > ax else (a.x, b.x + WIDE)
        line, at, kind = "M%g %gL%g %g" % (x1, ay, x2, by), ((x1 + x2) / 2, ay - 6), "small"
    elif abs(ax - bx) < WIDE / 2:
        y1, y2 = (a.y + HIGH, b.y) if by > ay else (a.y, b.y + HIGH)
        line, at, kind = "M%g %gL%g %g" % (ax, y1, bx, y2), (ax + 6, (y1 + y2) / 2 + 4), "label"
    else:
        y1, x2 = (a.y + HIGH if by > ay else a.y), (b.x if bx > ax else b.x + WIDE)
        line, at, kind = "M%g %gL%g %gL%g %g" % (ax, y1, ax, by, x2, by), (ax + 6, (y1 + by) / 2 + 4), "label"
    out = ['<path d="%s"/>' % line]
    if label:
        out.append(text(at[0], at[1], label, kind))
    return out


def draw(source):
    title, size, boxes, frames, arrows = "", (1, 1), {}, [], []
    with open(os.path.join(FOLDER, source)) as f:
        lines = f.read().splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        head, *labels = (part.strip() for part in line.split("|"))
        word, *rest = head.split()
        try:
            if word == "title":
                title = " ".join(rest)
            elif word == "size":
                size = (float(rest[0]), float(rest[1]))
            elif word == "frame":
                column, row, wide, high = map(float, rest)
                frames.append(
                    (left(column) - 14, top(row) - 22, wide * (WIDE + GAP_X) - GAP_X + 28, high * (HIGH + GAP_Y) - GAP_Y + 36, labels[0])
                )
            elif word in ("box", "state"):
                boxes[rest[0]] = Box(float(rest[1]), float(rest[2]), labels, word == "state")
            elif word == "arrow":
                arrows.append((boxes[rest[0]], boxes[rest[1]], labels[0] if labels else ""))
            else:
                raise ValueError("unknown word %r" % word)
        except (ValueError, IndexError, KeyError) as e:
            sys.exit("%s:%d: %s: %s" % (source, number, line, e))
    out = []
    for x, y, wide, high, label in frames:
        out.append('<rect class="frame" x="%g" y="%g" width="%g" height="%g" rx="8"/>' % (x, y, wide, high))
        out.append(text(x + 8, y + 14, label, "label"))
    for a, b, label in arrows:
        out += arrow(a, b, label)
    for box in boxes.values():
        out += box.svg()
    w, h = left(size[0]) - GAP_X + MARGIN, top(size[1]) - GAP_Y + MARGIN
    return HEAD.format(w=w, h=h, title=escape(title, {'"': "&quot;"}), source=source) + "\n".join(out) + "\n</svg>\n"


def main():
    stale = []
    for source in sorted(os.listdir(FOLDER)):
        if not source.endswith(".txt"):
            continue
        path, new = os.path.join(FOLDER, source[:-4] + ".svg"), draw(source)
        try:
            with open(path) as f:
                old = f.read()
        except FileNotFoundError:
            old = ""
        if old == new:
            continue
        stale.append(os.path.basename(path))
        if "--check" not in sys.argv:
            with open(path, "w") as f:
                f.write(new)
    if stale and "--check" in sys.argv:
        sys.exit("stale: %s; run python3 docs/drawings/draw.py" % ", ".join(stale))


if __name__ == "__main__":
    main()
