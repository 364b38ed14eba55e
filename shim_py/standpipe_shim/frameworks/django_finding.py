"""What runserver does for STATIC_URL, in a worker: only with DEBUG, and only for files that Go has not served."""


class Finding:
    """Answers for files beneath url by Django's finders. behind: the app is asked first, and the finders where it says 404: it
    is wrapped by something that may be a guard."""

    def __init__(self, app, url, behind):
        self.app = app
        self._url = url
        self._behind = behind
        self._handler = None

    def __call__(self, environ, start_response):
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD") or not path.startswith(self._url) or not self._found(path):
            return self.app(environ, start_response)
        if not self._behind:
            return self._serve(environ, start_response)
        asked = _Asked(start_response)
        body = self.app(environ, asked)
        rest = iter(body)
        first = [block for _, block in zip(range(1), rest)]  # start_response may be called as late as that
        if asked.status[:3] != "404":
            return _Rest(first, rest, body)
        if hasattr(body, "close"):
            body.close()
        return self._serve(environ, start_response)

    def _found(self, path):
        from urllib.request import url2pathname

        from django.contrib.staticfiles import finders
        from django.core.exceptions import SuspiciousFileOperation

        name = path[len(self._url) :].encode("latin-1").decode("utf-8", "replace")
        try:
            return bool(name) and bool(finders.find(url2pathname(name).lstrip("/")))
        except (SuspiciousFileOperation, ValueError):  # a path that leads out of the folder
            return False

    def _serve(self, environ, start_response):
        if self._handler is None:
            from django.contrib.staticfiles.handlers import StaticFilesHandler

            url = self._url

            class Handler(StaticFilesHandler):
                def get_base_url(self):
                    return url

                def _should_handle(self, path):
                    return True

            self._handler = Handler(self.app)
        return self._handler(environ, start_response)


class _Asked:
    """A start_response that keeps a 404 to itself."""

    def __init__(self, start_response):
        self._start = start_response
        self.status = ""

    def __call__(self, status, headers, exc_info=None):
        self.status = status
        if status[:3] == "404":
            return lambda block: None
        return self._start(status, headers, exc_info) if exc_info else self._start(status, headers)


class _Rest:
    """An answer of which the first block has been taken."""

    def __init__(self, first, rest, body):
        self._first = first
        self._rest = rest
        self._body = body

    def __iter__(self):
        return self

    def __next__(self):
        return self._first.pop() if self._first else next(self._rest)

    def close(self):
        if hasattr(self._body, "close"):
            self._body.close()
