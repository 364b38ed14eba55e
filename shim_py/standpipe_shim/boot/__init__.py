"""From the first descriptor of a worker to a loaded app. Nothing here is needed by a request."""

FACTORIES = ("create_app", "make_app")  # names of functions that make an app


class Failure(Exception):
    """The app did not come up. kind, message and fix as in the Failed frame; file and line of the app's own code, or empty and 0;
    error is what Python raised, or None; fix may be a function that makes it of the Boot."""

    def __init__(self, kind, message, file="", line=0, error=None, fix=""):
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.file = file
        self.line = line
        self.error = error
        self.fix = fix


class BadSpec(ValueError):
    """The text names nothing that could be loaded; str() of it says why."""
