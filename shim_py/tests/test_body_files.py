"""wsgi.input of a body that lies in a file ("Bodies in files" of PROTOCOL.md), through the real worker."""

import hashlib
import os
import unittest

import test_wsgi
from peer import BODY, END, LAST, LOG, Answer, WorkerTest, environ, frames, request_frame, unpack


class BodyFiles(WorkerTest):
    app = test_wsgi.WSGI.app
    ECHO = test_wsgi.WSGI.ECHO

    def filed(self, worker, body, stream=1, path=None, size=None, **values):
        """Sends a Request whose body lies in a file, and returns the file's path."""
        if path is None:
            path = os.path.join(self.dir, "body-%d" % stream)
            with open(path, "wb") as out:
                out.write(body)
        more = {"standpipe.body_file": path, "standpipe.body_size": str(len(body) if size is None else size)}
        values.update(more)
        worker.send(request_frame(stream, environ(REQUEST_METHOD="POST", **values), b"", last=False))
        return path

    def test_input_from_a_file(self):
        for threads in (1, 2):
            worker = self.app(self.ECHO, threads=threads)
            lines = b"".join(b"line %d\n" % n for n in range(30000))
            stream = 0
            for body in (b"x", lines, os.urandom(300000)):
                want = str(len(body)).encode() + b" " + hashlib.sha256(body).hexdigest().encode()
                for how in ("read", "sizes", "readline", "readlines", "hint", "iter", "into"):
                    stream += 1
                    with self.subTest(how=how, size=len(body), threads=threads):
                        self.filed(worker, body, stream, QUERY_STRING=how)
                        answer = worker.answer(stream)
                        self.assertIsNone(answer.error)
                        self.assertEqual(answer.body, want)

    def test_a_file_is_a_real_one_and_is_closed_afterwards(self):
        worker = self.app(
            """
source = environ["wsgi.input"]
start_response(OK, TEXT)
before = getattr(app, "source", None)
app.source = source
keys = sorted(key for key in environ if key.startswith("standpipe.body"))
source.seek(1)
return [repr((os.fstat(source.fileno()).st_size, source.read(2), source.seekable(), keys, before and before.closed)).encode()]
"""
        )
        self.filed(worker, b"abcd", 1)
        self.assertEqual(worker.answer(1).body, b"(4, b'bc', True, [], None)")
        self.filed(worker, b"abcd", 2)
        self.assertEqual(worker.answer(2).body, b"(4, b'bc', True, [], True)")

    def test_an_input_file_that_the_app_has_closed_or_detached(self):
        worker = self.app(
            """
source = environ["wsgi.input"]
source.detach() if environ["PATH_INFO"] == "/" else source.close()
start_response(OK, TEXT)
return [b"ok"]
"""
        )
        for stream, path in ((1, "/"), (2, "/close"), (3, "/")):
            self.filed(worker, b"abcd", stream, PATH_INFO=path)
            self.assertEqual(worker.answer(stream).body, b"ok")

    def test_an_input_file_that_cannot_be_opened(self):
        for threads in (1, 2):
            worker = self.app(self.ECHO, threads=threads)
            body = os.urandom(100000)
            want = str(len(body)).encode() + b" " + hashlib.sha256(body).hexdigest().encode()
            other = self.file("other", "short")
            logs = []
            for stream, path in enumerate((os.path.join(self.dir, "absent"), other, self.dir, "a\0b"), 1):
                with self.subTest(path=path, threads=threads):
                    self.filed(worker, body, stream, path, QUERY_STRING="read")
                    self.assertEqual(worker.frame(), (frames.BODY_WANTED, 0, stream, b""))
                    worker.send(frames.frame(BODY, 0, stream, body[:60000]))
                    worker.send(frames.frame(BODY, LAST, stream, body[60000:]))
                    answer = Answer()
                    while True:
                        kind, flags, number, payload = worker.frame()
                        if kind == LOG:
                            logs.append(unpack(payload))
                        elif kind != frames.WINDOW and worker.take(answer, kind, flags, payload):
                            break
                    self.assertEqual((answer.error, answer.body), (None, want))
            self.assertEqual([log["event"] for log in logs], ["body_file_unreadable"])

    def test_cancel_while_a_wanted_body_does_not_come(self):
        worker = self.app("environ['wsgi.input'].read()")
        self.filed(worker, b"x" * 100, 1, os.path.join(self.dir, "absent"))
        self.assertEqual(worker.frame()[0], frames.BODY_WANTED)
        worker.order(frames.CANCEL, 1)
        while True:
            kind, flags, stream, _ = worker.frame()
            if kind != LOG:
                break
        self.assertEqual((kind, flags, stream), (END, 0, 1))

    def test_a_body_on_demand(self):
        for threads in (1, 2):
            worker = self.app(
                """
start_response(OK, TEXT)
left = [key for key in environ if key.startswith("standpipe.body")]
return [repr((environ["wsgi.input"].read() if environ["PATH_INFO"] == "/read" else None, left)).encode()]
""",
                threads=threads,
            )
            for stream, path in enumerate(("/read", "/not", "/read"), 1):
                with self.subTest(path=path, threads=threads):
                    values = {"standpipe.body_on_demand": "1", "PATH_INFO": path}
                    worker.send(request_frame(stream, environ(REQUEST_METHOD="POST", **values), b"", last=False))
                    answer = Answer()
                    asked = 0
                    while True:
                        kind, flags, number, payload = worker.frame()
                        if kind == frames.BODY_WANTED:
                            asked += 1
                            worker.send(frames.frame(BODY, 0, stream, b"abc"))
                            worker.send(frames.frame(BODY, LAST, stream, b"def"))
                        elif kind != frames.WINDOW and worker.take(answer, kind, flags, payload):
                            break
                    want = (1, b"(b'abcdef', [])") if path == "/read" else (0, b"(None, [])")
                    self.assertEqual((asked, answer.body), want)

    def test_a_body_size_that_is_no_number(self):
        worker = self.app(self.ECHO)
        self.filed(worker, b"x", size="x")
        self.assertEqual(worker.wait(), 4)


if __name__ == "__main__":
    unittest.main()
