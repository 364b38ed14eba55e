"""What the app has put in the place of sys.stdout and sys.stderr. Imported when it has, or when flushing a stream fails."""

_told = []  # the first error of a stream


def settler(stream, own, flush):
    """Returns a function that flushes the app's stream, and the one that it has replaced: it often writes to that one."""

    def settle():
        error = flush(stream)
        if own is not None:
            flush(own)
        if error is not None:
            raise error

    return settle


def log_broken(log, error):
    if not _told:
        _told.append(error)
        try:
            text = str(error)
        except Exception:
            text = "<no text>"
        message = "sys.stdout cannot be flushed when a request ends: %s: %s (said once per worker)"
        log.put("warn", "stream_broken", message % (type(error).__name__, text))


def is_whole(stream):
    """Says whether a stream has what PEP 3333 asks of wsgi.errors."""
    try:
        return callable(stream.write) and callable(stream.flush) and callable(stream.writelines)
    except Exception:
        return False
