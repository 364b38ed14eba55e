"""Lines of source around a place, from files of any size and encoding, from loaders (zip files) and from linecache."""

import sys

_BEFORE = 7
_AFTER = 6
_WIDTH = 400  # characters of a line
_FILE = 4 << 20  # bytes of a file, at most


class Sources:
    """The sources of one page. Each file is read once."""

    def __init__(self):
        self._lines = {}

    def around(self, filename, number, namespace=None, before=_BEFORE, after=_AFTER):
        """Returns (number of the first line, lines, the line itself uncut) around a line; (0, [], "") when there is no source.
        namespace: the globals of the code, whose loader may know the source."""
        lines = self.lines(filename, namespace)
        if not 0 < number <= len(lines):
            return 0, [], ""
        first = max(number - before, 1)
        shown = [line[:_WIDTH] for line in lines[first - 1 : number + after]]
        while len(shown) > number - first + 1 and not shown[-1].strip():
            shown.pop()
        return first, shown, lines[number - 1]

    def lines(self, filename, namespace=None):
        if filename not in self._lines:
            self._lines[filename] = _read(filename, namespace)
        return self._lines[filename]


def _read(filename, namespace):
    data = b""
    if not filename.startswith("<"):
        try:
            with open(filename, "rb") as source:
                data = source.read(_FILE)
        except (OSError, ValueError):
            data = b""
    if data:
        return decoded(data).splitlines()
    return _loaded(filename, namespace)


def decoded(data):
    """Returns source as text by its encoding line (PEP 263); bytes that it does not allow become replacement characters, and
    an encoding that Python does not know is latin-1. Form feeds and other separators are no ends of lines to Python."""
    from io import BytesIO
    from tokenize import detect_encoding

    try:
        encoding = detect_encoding(BytesIO(data).readline)[0]
    except Exception:  # no such encoding, or not UTF-8
        encoding = "utf-8" if _is_utf8(data) else "latin-1"
    try:
        text = data.decode(encoding, "replace")
    except Exception:  # a codec that is none of text
        text = data.decode("latin-1")
    for char in "\v\f\x1c\x1d\x1e\x85\u2028\u2029":
        text = text.replace(char, " ")
    return text


def _is_utf8(data):
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _loaded(filename, namespace):
    """Returns what linecache keeps (of doctest, IPython, attrs), or what the loader of a module in a zip file says."""
    cached = getattr(sys.modules.get("linecache"), "cache", {}).get(filename)
    if isinstance(cached, tuple) and len(cached) > 2 and isinstance(cached[2], list):
        return [str(line).rstrip("\n") for line in cached[2]]
    try:
        source = namespace["__loader__"].get_source(namespace["__name__"])
        return source.splitlines() if isinstance(source, str) and len(source) < _FILE else []
    except Exception:  # no namespace, no loader, a loader without sources
        return []
