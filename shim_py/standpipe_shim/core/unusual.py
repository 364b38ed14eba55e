"""Fields that are long, no plain str, or wrong. Imported when an app gives the first one."""

from .packing import bin_text


def field(pair):
    """Returns a field of a Head. Raises TypeError or ValueError that names the mistake."""
    if not isinstance(pair, tuple) or len(pair) != 2 or not isinstance(pair[0], str) or not isinstance(pair[1], str):
        raise TypeError("start_response: a header must be a tuple of two str, not %s" % shown(pair))
    name, value = pair
    try:
        return (bin_text(name) + bin_text(value)).encode("latin-1")
    except UnicodeEncodeError:
        refuse("header " + ascii(name), name + value)


def refuse(what, text):
    raise ValueError("start_response: %s holds a character outside latin-1 (PEP 3333): %s" % (what, ascii(text)[:200])) from None


def shown(value):
    try:
        return ascii(value)[:200]
    except Exception:
        return type(value).__name__
