"""The module standpipe, for `from standpipe import on_fork` in an app whose interpreter does not have the package of the wheel: it has
the same names. Imported when an app asks for it."""

import sys

from .. import ClientGone, PurgeError, RequestTimeout, after_response, on_fork, purge

OFFERED = (ClientGone, PurgeError, RequestTimeout, after_response, on_fork, purge)
_busy = []


def find(ours):
    """Returns the spec of standpipe: the one of another finder, else ours. A folder of that name without an __init__.py, which Python
    takes for a package, is the app's data."""
    if _busy:
        return None  # one of the others asks all finders
    _busy.append(ours)
    try:
        for finder in list(sys.meta_path):
            look = getattr(finder, "find_spec", None)
            spec = look("standpipe", None, None) if look is not None and finder is not ours else None
            if spec is not None and (spec.origin is not None or spec.submodule_search_locations is None):
                return spec
    finally:
        _busy.clear()
    return type(sys.__spec__)("standpipe", _Loader(), origin="standpipe serve")


class _Loader:
    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__doc__ = "What standpipe offers to the app that it serves."
        module.__all__ = [thing.__name__ for thing in OFFERED]
        module.__dict__.update((thing.__name__, thing) for thing in OFFERED)
