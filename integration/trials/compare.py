"""Compares what two servers answered, step by step."""

# Fields of a step that are compared, in the order in which differences are told.
FIELDS = (
    "ok",
    "status",
    "reason",
    "type",
    "location",
    "cookies",
    "allow",
    "dav",
    "www-authenticate",
    "content-disposition",
    "content-range",
    "vary",
    "x-frame-options",
    "assets",
    "body",
)


def differences(ours, theirs):
    """Lines, each one difference between the steps of standpipe and those of nginx + gunicorn."""
    lines = []
    for number in range(max(len(ours), len(theirs))):
        if number >= len(ours) or number >= len(theirs):
            more = (ours if number < len(ours) else theirs)[number]
            lines.append("step %d (%s): only with %s" % (number + 1, more["label"], "standpipe" if number < len(ours) else "gunicorn"))
            continue
        a, b = ours[number], theirs[number]
        if a["label"] != b["label"]:
            lines.append("step %d: %s with standpipe, %s with gunicorn" % (number + 1, a["label"], b["label"]))
            continue
        for field in FIELDS:
            if a.get(field) == b.get(field):
                continue
            where = "step %d (%s): %s" % (number + 1, a["label"], field)
            if field == "assets":
                lines += ["%s: %s" % (where, line) for line in _lists(a[field], b[field])]
            elif field == "body" and "text" in a:
                lines.append("%s: %s" % (where, _first(a["text"], b["text"])))
            else:
                lines.append("%s: %r with standpipe, %r with gunicorn" % (where, a.get(field), b.get(field)))
    return lines


def _lists(a, b):
    return ["standpipe: " + x for x in a if x not in b] + ["gunicorn: " + x for x in b if x not in a]


def _first(a, b):
    """The first line in which two texts differ."""
    for x, y in zip(a.splitlines(), b.splitlines()):
        if x != y:
            at = next((i for i, (p, q) in enumerate(zip(x, y)) if p != q), min(len(x), len(y)))
            begin = max(at - 40, 0)
            return "%r with standpipe, %r with gunicorn" % (x[begin : at + 80], y[begin : at + 80])
    return "one is longer (%d and %d characters), or it is beyond what was kept" % (len(a), len(b))
