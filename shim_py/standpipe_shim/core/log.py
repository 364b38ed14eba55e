"""Log frames: what the shim itself has to say. What the app prints goes to its stderr, not here."""

from .frames import LOG, frame


class Log:
    def __init__(self, writer):
        self._writer = writer

    def put(self, level, event, message, stream=0, **fields):
        """Sends one record. level is debug, info, warn or error; fields are str. stream 0: it belongs to no request."""
        from .packing import pack

        record = {"level": level, "event": event, "message": message[:8192]}
        for key, value in fields.items():
            record[key] = str(value)[: 64 << 10]
        self._writer.put(frame(LOG, 0, stream, pack(record)))
