"""Mode: stands around the app in the development mode, and makes the Detail of what it raises.

A framework that answers 500 for an exception, and raises nothing, tells about it here (frameworks.observers): the answer is then given
up for the exception, so that the developer sees it and not the page for clients."""

import sys

from ..core import output
from ..core.packing import pack
from .detail import body_of, detail


class Swallowed(Exception):
    """The app has answered 500 for an exception that its framework has observed."""


class Mode:
    """The development mode of one worker."""

    def __init__(self, base):
        self._base = base

    def around(self, app):
        """Returns app with what is needed to know of its exceptions."""
        from ..frameworks import observers

        for name, logs, observe in observers():
            observe(lambda error, name=name, logs=logs: self.observe(error, name, logs))

        def call(environ, start_response):
            exchange = output.current.get()
            exchange.environ = dict(environ)
            seen = []

            def start(status, headers, exc_info=None):
                seen[:] = [status]
                return start_response(status, headers, exc_info)

            result = app(environ, start)
            observed = exchange.observed
            if observed is None or exchange.head_out or not (seen and str(seen[0])[:1] == "5"):
                return result
            exchange.close(result)
            raise Swallowed from observed[0]

        return call

    def observe(self, error, framework, logs):
        """A framework will answer for an exception itself. Its detail is made now, while the objects of the request can be used."""
        exchange = output.current.get()
        if exchange is None or exchange.over:
            return
        exchange.observed = error, self.of(error, exchange, framework, logs)

    def of(self, error, exchange=None, handled="", logged=False):
        """Returns the bytes of a Detail; empty: none can be made."""
        try:
            environ = None if exchange is None else exchange.environ
            body = None if environ is None else body_of(environ)
            return detail(error, self._base, environ, handled, logged, body, _settings())
        except Exception as second:  # what an exception or its objects do is foreign code
            output.say("standpipe: no error page could be made: %s: %s\n" % (type(second).__name__, str(second)[:500]))
            return b""

    def failed(self, fields, error, exchange):
        """Returns the map of an Error frame with its detail."""
        if isinstance(error, Swallowed) and exchange.observed is not None:
            from ..core.report import fields as again

            error, made = exchange.observed
            fields = again(error, self._base)
        else:
            made = self.of(error, exchange)
        exchange.observed = None
        if made:
            fields["detail"] = made
            if len(pack(fields)) > 1 << 20:
                del fields["detail"]
        return fields


def _settings():
    """Returns sections about the configuration of frameworks that were imported."""
    from ..frameworks import framework

    if "django.conf" not in sys.modules:
        return []
    try:
        from .masking import MASK, is_secret
        from .reprs import Reprs

        reprs, pairs = Reprs(), framework("django").settings()
        pairs = [(name, MASK if is_secret(name, value) else reprs.of(value, name)) for name, value in pairs]
        return [("Django settings", pairs)] if pairs else []
    except Exception:  # settings that cannot be read are what has failed
        return []
