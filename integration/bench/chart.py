"""Charts as SVG, written by hand: bars with their spread, and lines. They are legible on light and on dark pages."""

import math
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT, ROW, TOP = 760, 170, 150, 26, 44

# Colours with enough contrast on white and on near-black; the ground is the page's.
STYLE = """<style>
text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #6e7781 }
.title { font-weight: 600; font-size: 15px }
.own { fill: #1f6feb } .peer { fill: #8c959f } .inside { fill: #8c959f; fill-opacity: .35; stroke: #8c959f; stroke-dasharray: 4 3 }
.spread { stroke: #6e7781; stroke-width: 1.5 } .grid { stroke: #8c959f; stroke-opacity: .35 }
.line { fill: none; stroke-width: 2.5 }
@media (prefers-color-scheme: dark) { text { fill: #9da7b3 } .spread { stroke: #c9d1d9 } .own { fill: #4493f8 } }
</style>"""
LINES = ("#1f6feb", "#bf8700", "#8c959f", "#2da44e", "#cf222e", "#8250df")


def number(value):
    """With as many digits as a reader needs."""
    if value is None:
        return ""
    if value >= 1000:
        return "{:,.0f}".format(value)
    return "%.0f" % value if value >= 100 else "%.1f" % value if value >= 10 else "%.2f" % value


def bars(title, unit, rows, more):
    """rows: (label, kind, median, low, high), kind one of own, peer, inside. A scale that spans a hundredfold is logarithmic."""
    height = TOP + ROW * len(rows) + 12
    top = max((r[4] for r in rows), default=1) or 1
    least = min((r[2] for r in rows if r[2] > 0), default=top)
    steep = top / least > 100 and not more
    room = WIDTH - LEFT - RIGHT

    def x(value):
        if not steep:
            return LEFT + room * value / top
        floor = least / 2
        return LEFT + room * max(0.0, math.log(max(value, floor) / floor) / math.log(top / floor))

    what = "%s, %s is better%s" % (unit, "more" if more else "less", "; logarithmic" if steep else "")
    out = [
        _open(height, title),
        '<text class="title" x="8" y="22">%s</text>' % escape(title),
        '<text x="%d" y="22" text-anchor="end">%s</text>' % (WIDTH - 8, what),
    ]
    for i, (label, kind, median, low, high) in enumerate(rows):
        y = TOP + ROW * i
        middle = y + (ROW - 6) / 2
        out.append('<text x="%d" y="%d" text-anchor="end">%s</text>' % (LEFT - 8, y + 15, escape(label)))
        out.append(
            '<rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>' % (kind, LEFT, y, max(1.0, x(median) - LEFT), ROW - 6)
        )
        if high > low:
            out.append(
                '<path class="spread" d="M%.1f %.1fH%.1fM%.1f %.1fv8M%.1f %.1fv8"/>'
                % (x(low), middle, x(high), x(low), middle - 4, x(high), middle - 4)
            )
        out.append('<text x="%.1f" y="%d">%s</text>' % (x(max(median, high)) + 8, y + 15, number(median)))
    return "\n".join(out + ["</svg>"]) + "\n"


def lines(title, unit, ticks, series):
    """series: (label, [value for each tick, or None]); the first is ours."""
    height, bottom, right = 320, 280, WIDTH - 190
    top = max((v for _, values in series for v in values if v), default=1)
    step = 10 ** math.floor(math.log10(top))
    step = next(s for s in (step / 5, step / 2, step, step * 2, step * 5) if top / s <= 6)

    def place(i, value):
        return LEFT - 90 + (right - LEFT + 90) * i / max(1, len(ticks) - 1), bottom - (bottom - TOP) * value / top

    out = [
        _open(height, title),
        '<text class="title" x="8" y="22">%s</text>' % escape(title),
        '<text x="%d" y="22" text-anchor="end">%s</text>' % (WIDTH - 8, unit),
    ]
    for n in range(int(top / step) + 1):
        y = place(0, n * step)[1]
        out.append(
            '<path class="grid" d="M%d %.1fH%d"/><text x="%d" y="%.1f" text-anchor="end">%s</text>'
            % (LEFT - 90, y, right, LEFT - 98, y + 4, number(n * step) if n else "0")
        )
    for i, tick in enumerate(ticks):
        out.append('<text x="%.1f" y="%d" text-anchor="middle">%s</text>' % (place(i, 0)[0], bottom + 20, escape(tick)))
    names = []
    for (label, values), colour in zip(series, LINES * 3):
        points = [place(i, v) for i, v in enumerate(values) if v]
        if not points:
            continue
        out.append('<path class="line" stroke="%s" d="M%s"/>' % (colour, "L".join("%.1f %.1f" % p for p in points)))
        out.extend('<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>' % (x, y, colour) for x, y in points)
        names.append([points[-1][1], label, colour])
    names.sort()
    for above, name in zip(names, names[1:]):  # names of lines that end close together stand below each other
        name[0] = max(name[0], above[0] + 18)
    for y, label, colour in names:
        out.append(
            '<circle cx="%d" cy="%.1f" r="4" fill="%s"/><text x="%d" y="%.1f">%s</text>'
            % (right + 18, y, colour, right + 28, y + 4, escape(label))
        )
    return "\n".join(out + ["</svg>"]) + "\n"


def _open(height, title):
    return '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">\n%s' % (
        WIDTH,
        height,
        WIDTH,
        height,
        escape(title, {'"': "&quot;"}),
        STYLE,
    )
