"""Several small answers in one write, while more requests are at hand than the one that runs (prefetch). Imported by workers
with one thread.

An answer that waits must not wait long, nor be lost where that matters. So it waits for further answers only while the app
is quick; never while the worker waits for anything; and never while a request runs that may change something: what was
answered before a POST is with Go before the POST begins, and the POST's own answer is at once (Go takes what is unanswered
for what may not have happened). A slow request that comes behind is seen by nobody here: then Go sends Recall, and the
control thread calls Writer.hurry."""

from time import monotonic

from .frames import REQUEST

_WAIT = 0.0003  # seconds that the first answer waits, at most, before the next request is begun
_QUICK = 0.0002  # seconds that requests take of late, at most, where answers wait
_MOST = 64 << 10  # octets that wait


class Gather:
    def __init__(self, reader, writer, ready, read):
        self._reader = reader
        self._writer = writer
        self._ready = ready  # the list of Requests that were read and do not run
        self._take = read  # as os.read
        self._since = 0.0  # when the last answer was ready, if the next request was at hand then; 0: it was not
        self._usual = 0.0  # seconds that a request takes, smoothed
        self._first = 0.0  # when the first that waits was ready
        self._size = 0  # octets that wait
        reader.read_by(self._read)

    def _read(self, fd, size):
        self._writer.flush()
        return self._take(fd, size)

    def answer(self, octets):
        """Takes a whole answer, in one frame."""
        more = self._ready or self._reader.held and self._reader.holds_frame(REQUEST)
        if more or self._since:
            now = monotonic()
            if self._since:
                self._usual += (now - self._since - self._usual) / 8
            self._since = now if more else 0.0
            if more and self._usual < _QUICK:
                if not self._writer.waits():
                    self._first = now
                    self._size = 0
                self._size += len(octets)
                if now - self._first <= _WAIT and self._size <= _MOST:
                    self._writer.keep(octets)
                    return
        self._writer.put(octets)
