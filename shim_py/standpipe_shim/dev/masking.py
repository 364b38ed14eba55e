"""Which names hold secrets, and texts without the values of such names."""

import re

MASK = "[masked]"

_WORDS = "secret|token|passw|passphrase|credential|authorization|cookie|private|signature|session_?id|apikey|auth_?key|dsn$"
# A word that ends in key, as in api_key, SECRET_KEY, apiKey, X-Key-Id; not monkey, keys or keyword.
_secret = re.compile(r"(?i:%s)|(?i:(?<=[_\-. ])keys?(?![a-z])|^keys?(?=[_\-.]))|[a-z]Keys?(?![a-z])" % _WORDS).search
_alone = re.compile(r"(?i)keys?|auth|pw|pwd|pin|otp|salt|jwt").fullmatch

# password='x', "token": "y", secret=z in the text of an object that prints its attributes.
_pair = re.compile(
    r"""(?ix) ( (?: secret|token|passw|passphrase|credential|authorization|cookie|[_\-]key|apikey|private|signature ) [\w\-.]{0,40}
    ['"]? \s{0,4} [=:] \s{0,4} ) ( '(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" | [^\s,;)}\]>]+ )"""
).sub
_address = re.compile(r"(://[^/@\s:'\"]*:)[^/@\s'\"]+(?=@)").sub
_scheme = re.compile(r"(?i)\b(bearer|basic|token|digest)(\s+)[\w\-.=+/~]{6,}").sub
_parameter = re.compile(r"([?&;]|^)([^=&;?]*)=([^&;#]*)").sub


def is_secret(name, value=None):
    """Says whether the value of name is not to be shown. A variable that is called key, salt and so on is shown where its value is
    no text, or a short one: for key, value in rows."""
    if _secret(name):
        return True
    return bool(_alone(name)) and isinstance(value, (str, bytes)) and len(value) >= 16


def text(shown):
    """Returns a text without what looks like secrets: passwords in URLs, name=value and name: value, bearer tokens."""
    return _scheme(r"\1\2" + MASK, _pair(r"\1" + MASK, _address(r"\1" + MASK, shown)))


def query(shown):
    """Returns a query string, or a URL with one, with the values of secret parameters masked."""

    def one(found):
        return found.group(1) + found.group(2) + "=" + (MASK if is_secret(found.group(2), found.group(3)) else found.group(3))

    return _parameter(one, shown)


def cookie_names(field):
    """Returns the names in a Cookie field."""
    return [name for name in (part.split("=", 1)[0].strip() for part in field.split(";")) if name]


def cookies(field):
    """Returns a Cookie field with its names only."""
    return "; ".join("%s=%s" % (name, MASK) for name in cookie_names(field))
