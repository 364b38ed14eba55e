"""What the app gives to start_response, as the msgpack of a Head frame; and that of EarlyHints."""

# Most answers of an app begin alike and have most of their fields in common, so bytes that were made once are kept.
# Bounded: a full table is emptied.
_starts = {}  # (status, number of fields) -> the bytes before the first field
_fields = {}  # (name, value) -> its bytes
_MOST = 1024  # entries
_SHORT = 256  # characters of an entry, at most
_FIELDS = 16 << 10  # of an answer, at most


def encode_head(status, headers):
    """Returns status and fields as the msgpack of a Head. Raises TypeError or ValueError that names the mistake."""
    if type(headers) is not list:
        if not isinstance(status, str):
            raise TypeError(_status(status))
        raise TypeError("start_response: the headers must be a list, not " + type(headers).__name__)
    try:
        parts = [_starts.get((status, len(headers)))]
        parts += map(_fields.get, headers)
    except TypeError:  # something in them that cannot be a key
        parts = [None] * (len(headers) + 1)
    if None in parts:
        if parts[0] is None:
            parts[0] = _start(status, len(headers))
        for at, pair in enumerate(headers, 1):
            if parts[at] is None:
                parts[at] = _field(pair)
    head = b"".join(parts)
    if len(head) > 1 << 20:
        raise ValueError("start_response: %d headers of %d bytes; at most %d and 1 MiB" % (len(headers), len(head), _FIELDS))
    return head


def _start(status, fields):
    if not isinstance(status, str):
        raise TypeError(_status(status))
    if fields > _FIELDS:
        raise ValueError("start_response: %d headers; at most %d and 1 MiB" % (fields, _FIELDS))
    count = fields * 2
    text = "\x92" + _long(status) + ("%c" % (0x90 | count) if count < 16 else "\xdc%c%c" % (count >> 8, count & 0xFF))
    start = _latin(text, "the status", status)
    if type(status) is str and len(status) < _SHORT:
        if len(_starts) >= _MOST:
            _starts.clear()
        _starts[status, fields] = start
    return start


def _field(pair):
    if type(pair) is tuple and len(pair) == 2:
        name, value = pair
        if type(name) is type(value) is str and len(name) + len(value) < _SHORT:
            try:
                field = ("\xc4%c%s\xc4%c%s" % (len(name), name, len(value), value)).encode("latin-1")
            except UnicodeEncodeError:
                return _any_field(pair)
            # A cookie belongs to one client: it would displace others, and be kept for no use.
            if name != "Set-Cookie" and name.lower() != "set-cookie":
                if len(_fields) >= _MOST:
                    _fields.clear()
                _fields[pair] = field
            return field
    return _any_field(pair)


def _any_field(pair):
    if not isinstance(pair, tuple) or len(pair) != 2 or not isinstance(pair[0], str) or not isinstance(pair[1], str):
        raise TypeError("start_response: a header must be a tuple of two str, not %s" % _shown(pair))
    name, value = pair
    return _latin(_long(name) + _long(value), "header " + ascii(name), name + value)


def encode_hints(headers):
    """Returns fields as the msgpack of an EarlyHints. headers: an iterable of pairs of str or bytes."""
    parts = []
    for pair in headers:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not all(isinstance(text, (str, bytes)) for text in pair):
            raise TypeError("wsgi.early_hints: a header must be a pair of str, not %s" % _shown(pair))
        parts += [_long(text.decode("latin-1") if isinstance(text, bytes) else text) for text in pair]
    try:
        hints = ("\xdc%c%c" % (len(parts) >> 8 & 0xFF, len(parts) & 0xFF) + "".join(parts)).encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError("wsgi.early_hints: a character outside latin-1 (PEP 3333): %s" % ascii("".join(parts))[:200]) from None
    if len(hints) > 64 << 10 or len(parts) > 256:
        raise ValueError("wsgi.early_hints: %d headers of %d bytes; at most 128 and 64 KiB" % (len(parts) // 2, len(hints)))
    return hints


def _long(text):
    if type(text) is not str:
        text = str.__str__(text)  # its characters, whatever a subclass would print
    size = len(text)
    if size < 0x100:
        return "\xc4%c%s" % (size, text)
    if size < 0x10000:
        return "\xc5%c%c%s" % (size >> 8, size & 0xFF, text)
    return "\xc6%c%c%c%c%s" % (size >> 24, size >> 16 & 0xFF, size >> 8 & 0xFF, size & 0xFF, text)


def _shown(value):
    try:
        return ascii(value)[:200]
    except Exception:
        return type(value).__name__


def _status(status):
    return "start_response: the status must be str, not " + type(status).__name__


def _latin(packed, what, text):
    try:
        return packed.encode("latin-1")
    except UnicodeEncodeError:
        pass
    raise ValueError("start_response: %s holds a character outside latin-1 (PEP 3333): %s" % (what, ascii(text)[:200]))
