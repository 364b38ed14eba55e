"""The frames of an exception for a page: where the app's own code is, the source around each, repeated calls as one, templates in the
place of the code that a framework has made of them."""

import os
from itertools import islice

from ..core.report import is_own, is_shim, shown

MOST = 100  # frames of one exception
_FIRST = 20  # of these at its beginning
_PERIOD = 8  # calls in a cycle of a recursion, at most
_LOCALS = 48  # names of one frame
_TEMPLATES = (".html", ".htm", ".jinja", ".jinja2", ".j2", ".djhtml", ".mako", ".txt", ".xml", ".svg", ".pt", ".tpl")


class Entry:
    """One frame. namespace: the locals; None: it has none (a template, a syntax error)."""

    def __init__(self, filename, line, function, kind="", namespace=None, modules=None, columns=(0, 0), masked=()):
        self.filename = filename
        self.line = line
        self.function = function
        self.kind = kind  # "template" or "syntax"; empty: Python code
        self.namespace = namespace
        self.modules = modules  # its globals
        self.columns = columns  # bytes of the line's part that raised, as UTF-8
        self.masked = masked  # names of locals that the app has called sensitive; None: all
        self.text = ""  # the line, where there is no file that has it
        self.skipped = 0  # frames behind it that are left out
        self.key = (filename, line, function)

    def packed(self, base, sources):
        """Returns the map of a frame without its locals."""
        first, lines, line = sources.around(self.filename, self.line, self.modules)
        if not lines and self.text:
            first, lines, line = self.line, [self.text[:400]], self.text
        start, end = _characters(line, *self.columns)
        return {
            "file": shown(self.filename, base)[:1024],
            "path": os.path.abspath(self.filename)[:4096] if os.path.isabs(self.filename) else "",
            "line": self.line,
            "function": self.function[:256],
            "kind": self.kind,
            "own": is_own(self.filename, base),
            "first": first,
            "source": lines,
            "from": start,
            "to": end,
            "skipped": self.skipped,
            "more": 0,
            "locals": [],
        }

    def locals(self):
        """Returns ([(name, value)], how many are left out)."""
        found = []
        module = self.function == "<module>"
        for name, value in (self.namespace or {}).items():
            name = str(name)
            if name.startswith("__") and name.endswith("__") or name.startswith("@py_"):
                continue
            if module and isinstance(value, (type, type(os), type(shown), type(len))):
                continue  # what it imports and defines
            found.append((name, value))
        return found[:_LOCALS], max(len(found) - _LOCALS, 0)


def entries(error):
    """Returns the frames of an exception, the oldest call first, without the shim's own, with repeated ones left out."""
    found = []
    tb = error.__traceback__
    while tb is not None:
        frame = tb.tb_frame
        code = frame.f_code
        if not is_shim(code.co_filename):
            found.append(_entry(tb, frame, code))
            place = _django_node(frame, code)
            if place:
                found.append(place)
        tb = tb.tb_next
    return found and shortened(found)


def _entry(tb, frame, code):
    kind = "template" if code.co_filename.endswith(_TEMPLATES) or code.co_filename in ("<template>", "<unknown>") else ""
    name = code.co_name if kind else getattr(code, "co_qualname", code.co_name)
    columns = (0, 0) if kind else _columns(tb, code)  # those of a template are of the code that was made of it
    sensitive = _sensitive(frame)
    return Entry(code.co_filename, tb.tb_lineno or 0, name, kind, dict(frame.f_locals), frame.f_globals, columns, sensitive)


def _columns(tb, code):
    """Returns where in its line the code is that raised, in bytes (Python 3.11); (0, 0): it is not known."""
    if not hasattr(code, "co_positions") or tb.tb_lasti < 0:
        return 0, 0
    line, last, start, end = next(islice(code.co_positions(), tb.tb_lasti // 2, None), (None,) * 4)
    if line != tb.tb_lineno or start is None or end is None:
        return 0, 0
    return start, end if last == line else 1 << 20  # it goes on in the next line


def _characters(line, start, end):
    """Returns bytes of a line as characters; (0, 0) where that is nothing, or all of it."""
    raw = line.encode("utf-8", "replace")
    start, end = len(raw[:start].decode("utf-8", "replace")), len(raw[:end].decode("utf-8", "replace"))
    if start >= end or line[:start].strip() == "" and line[end:].strip() == "":
        return 0, 0
    return start, end


def shortened(found):
    """Returns frames with the middle of a recursion, and of too many, left out."""
    kept, at = [], 0
    while at < len(found):
        period, times = _cycle(found, at)
        kept += found[at : at + period]
        if times > 2:
            kept[-1].skipped = (times - 2) * period
            kept += found[at + (times - 1) * period : at + times * period]
        elif times == 2:
            kept += found[at + period : at + 2 * period]
        at += period * times
    if len(kept) > MOST:
        left = kept[_FIRST : _FIRST - MOST]
        kept[_FIRST - 1].skipped += len(left) + sum(entry.skipped for entry in left)
        kept[_FIRST:] = kept[_FIRST - MOST :]
    return kept


def _cycle(found, at):
    """Returns (length, how often) of the calls that repeat from at on; (1, 1): they do not."""
    for period in range(1, _PERIOD + 1):
        end = at + period
        while end < len(found) and found[end].key == found[end - period].key:
            end += 1
        times = (end - at) // period
        if times > 2:
            return period, times
    return 1, 1


def syntax(error, filename=""):
    """Returns the place in the text of a SyntaxError, or of what a template engine raises like one; None: it names none."""
    filename = getattr(error, "filename", None) or filename
    line = getattr(error, "lineno", None)
    if not isinstance(filename, str) or not isinstance(line, int) or line < 1:
        return None
    columns = 0, 0
    if isinstance(error, SyntaxError) and isinstance(error.offset, int) and error.offset > 0:
        start, end = error.offset - 1, (getattr(error, "end_offset", None) or 0) - 1
        if getattr(error, "end_lineno", line) not in (line, None):
            end = 1 << 20
        text = (error.text or "").split("\n")[0]
        columns = len(text[:start].encode("utf-8", "replace")), len(text[: max(end, start + 1)].encode("utf-8", "replace"))
        if start >= len(text):
            columns = start, start + 1
    found = Entry(filename, line, "", "syntax", columns=columns)
    if isinstance(error, SyntaxError) and isinstance(error.text, str):
        found.text = error.text.split("\n")[0]
    return found


def _django_node(frame, code):
    """Returns the line of a Django template whose node is rendered in this frame; None: none is."""
    if code.co_name != "render_annotated" or not code.co_filename.endswith(os.path.join("template", "base.py")):
        return None
    node = frame.f_locals.get("self")
    token, origin = getattr(node, "token", None), getattr(node, "origin", None)
    line, name = getattr(token, "lineno", None), getattr(origin, "name", None)
    if not isinstance(line, int) or not isinstance(name, str):
        return None
    text = str(getattr(token, "contents", ""))[:80]
    return Entry(name, line, "{%% %s %%}" % text if type(node).__name__ != "VariableNode" else "{{ %s }}" % text, "template")


def django_syntax(error):
    """Returns the place of Django's TemplateSyntaxError; None: it is none, or its place is not known."""
    token = getattr(error, "token", None)
    tb, name = error.__traceback__, None
    while tb is not None and token is not None:
        origin = getattr(tb.tb_frame.f_locals.get("self"), "origin", None)
        name = getattr(origin, "name", None) or name
        tb = tb.tb_next
    line = getattr(token, "lineno", None)
    return Entry(name, line, "", "syntax") if isinstance(name, str) and isinstance(line, int) else None


def _sensitive(frame):
    """Returns the names that Django's sensitive_variables gives for the function of a frame; None: all."""
    back = frame.f_back
    if back is None or back.f_code.co_name != "sensitive_variables_wrapper":
        return ()
    names = getattr(back.f_locals.get("sensitive_variables_wrapper"), "sensitive_variables", ())
    return None if names == "__ALL__" else tuple(names or ())
