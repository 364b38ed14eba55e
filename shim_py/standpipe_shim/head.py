"""What the app says to start_response, as the msgpack of a Head frame."""


def encode_head(status, headers):
    """Returns status and fields as the msgpack of a Head. Raises TypeError or ValueError that names what is wrong.

    Built as one str in which a character stands for an octet, and encoded once."""
    if not isinstance(status, str):
        raise TypeError("start_response: the status must be str, not " + type(status).__name__)
    if type(headers) is not list:
        raise TypeError("start_response: the headers must be a list, not " + type(headers).__name__)
    count = len(headers) * 2
    size = len(status)
    parts = ["\x92\xc4%c%s" % (size, status) if size < 256 else "\x92" + _long(status)]
    parts.append("%c" % (0x90 | count) if count < 16 else "\xdc%c%c" % (count >> 8 & 0xFF, count & 0xFF))
    for pair in headers:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError("start_response: a header must be a tuple of two str, not %s" % _shown(pair))
        name, value = pair
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError("start_response: a header must be a tuple of two str, not %s" % _shown(pair))
        n = len(name)
        m = len(value)
        if n < 256 and m < 256:
            parts.append("\xc4%c%s\xc4%c%s" % (n, name, m, value))
        else:
            parts.append(_long(name) + _long(value))
    try:
        head = "".join(parts).encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError(_not_latin(status, headers)) from None
    if len(head) > 1 << 20 or count > 0xFFFF:
        raise ValueError("start_response: %d headers of %d octets; at most 32767 and 1 MiB" % (count // 2, len(head)))
    return head


def encode_hints(headers):
    """Returns fields as the msgpack of an EarlyHints. headers: pairs of str or bytes, in anything that can be iterated over."""
    parts = []
    for pair in headers:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise TypeError("wsgi.early_hints: a header must be a pair of str, not %s" % _shown(pair))
        for text in pair:
            if isinstance(text, bytes):
                text = text.decode("latin-1")
            elif not isinstance(text, str):
                raise TypeError("wsgi.early_hints: a header must be a pair of str, not %s" % _shown(pair))
            parts.append(_long(text))
    try:
        hints = ("\xdc%c%c" % (len(parts) >> 8 & 0xFF, len(parts) & 0xFF) + "".join(parts)).encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError("wsgi.early_hints: a character outside latin-1 (PEP 3333): %s" % ascii("".join(parts))[:200]) from None
    if len(hints) > 64 << 10 or len(parts) > 256:
        raise ValueError("wsgi.early_hints: %d headers of %d octets; at most 128 and 64 KiB" % (len(parts) // 2, len(hints)))
    return hints


def _long(text):
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


def _not_latin(status, headers):
    for what, text in [("the status", status)] + [("header " + ascii(name), name + value) for name, value in headers]:
        try:
            text.encode("latin-1")
        except UnicodeEncodeError:
            return "start_response: %s holds a character outside latin-1 (PEP 3333): %s" % (what, ascii(text)[:200])
    return "start_response: a header holds a character outside latin-1"
