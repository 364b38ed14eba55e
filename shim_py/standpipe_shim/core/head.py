"""What the app gives to start_response, as the msgpack of a Head frame."""

from .packing import bin_text

# Most answers of an app have most of their fields in common, so bytes that were made once are kept. A full table is emptied.
_starts = {}  # (status, number of fields) -> the bytes before the first field
_fields = {}  # (name, value) -> its bytes
heads = {}  # (status, fields) -> the whole msgpack, of those that had nothing new in them when they were made
_MOST = 1024  # entries
_SHORT = 256  # characters of an entry, at most
_WHOLES, _WHOLE = 256, 2048  # entries of heads, and bytes of one
_FIELDS = 16 << 10  # of an answer, at most


def encode_head(status, headers):
    """Returns status and fields as the msgpack of a Head. Raises TypeError or ValueError that names the mistake."""
    if type(headers) is not list:
        _check(status)
        raise TypeError("start_response: the headers must be a list, not " + type(headers).__name__)
    try:
        parts = [_starts.get((status, len(headers)))]
        parts += map(_fields.get, headers)
    except TypeError:  # something in them that cannot be a key
        parts = [None] * (len(headers) + 1)
    known = None not in parts
    if not known:
        if parts[0] is None:
            parts[0] = _start(status, len(headers))
        for at, pair in enumerate(headers, 1):
            if parts[at] is None:
                parts[at] = _field(pair)
    head = b"".join(parts)
    if len(head) > 1 << 20:
        raise ValueError("start_response: %d headers of %d bytes; at most %d and 1 MiB" % (len(headers), len(head), _FIELDS))
    if known and len(head) < _WHOLE:
        if len(heads) >= _WHOLES:
            heads.clear()
        heads[status, tuple(headers)] = head
    return head


def _start(status, fields):
    _check(status)
    if fields > _FIELDS:
        raise ValueError("start_response: %d headers; at most %d and 1 MiB" % (fields, _FIELDS))
    count = fields * 2
    text = "\x92" + bin_text(status) + ("%c" % (0x90 | count) if count < 16 else "\xdc%c%c" % (count >> 8, count & 0xFF))
    try:
        start = text.encode("latin-1")
    except UnicodeEncodeError:
        from .unusual import refuse

        refuse("the status", status)
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
                return _unusual(pair)
            # A cookie belongs to one client: it would displace others, and be kept for no use.
            if name != "Set-Cookie" and name.lower() != "set-cookie":
                if len(_fields) >= _MOST:
                    _fields.clear()
                _fields[pair] = field
            return field
    return _unusual(pair)


def _unusual(pair):
    from .unusual import field

    return field(pair)


def _check(status):
    if not isinstance(status, str):
        raise TypeError("start_response: the status must be str, not " + type(status).__name__)
