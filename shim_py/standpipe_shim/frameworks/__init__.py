"""What is known of web frameworks: one file for each answers every question about it (its app in a module, the folders of static
files that it declares, its routes, results that may be closed at once). questions asks those that the app has imported."""

import sys

# The packages whose presence means that there is something to ask.
_ROOTS = "flask django pyramid bottle falcon web.webapi cherrypy dash webob werkzeug pecan hug engineio gevent eventlet"


def known():
    """Says whether the app has imported anything that questions knows."""
    return any(root in sys.modules for root in _ROOTS.split())


# Those that answer 500 for an exception, and whether they write it to the log.
_ANSWER = {"flask": ("Flask", True), "django": ("Django", False), "bottle": ("Bottle", True), "falcon": ("Falcon", True)}
_ANSWER["pyramid"] = ("Pyramid", False)


def observers():
    """Returns [(name, whether it logs, function)] of the frameworks that the app has imported and that answer for exceptions
    themselves. The function takes a callback, which is called with each exception while it is handled."""
    return [(*_ANSWER[root], framework(root).observe) for root in _ANSWER if root in sys.modules]


def framework(name):
    """Returns the file about a framework."""
    full = __name__ + "." + name
    __import__(full)
    return sys.modules[full]
