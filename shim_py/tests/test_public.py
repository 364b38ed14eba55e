"""The module standpipe, as an app imports it: the shim's own where the app's Python has none."""

import unittest

from peer import END, HEAD, HOLD, LAST, WorkerTest, environ, request_frame

APP = """
import sys
import standpipe
from standpipe import ClientGone, RequestTimeout, after_response, on_fork
import standpipe_shim

calls = []
@on_fork
def hook():
    calls.append("fork")

@after_response
def at_once():
    calls.append("import")

def afterwards():
    sys.stderr.write("afterwards\\n")

def app(environ, start_response):
    if environ["PATH_INFO"] == "/after":
        assert after_response(afterwards) is afterwards
    elif environ["PATH_INFO"] == "/keep":
        import contextvars
        global kept
        kept = contextvars.copy_context()
    elif environ["PATH_INFO"] == "/kept":
        kept.run(after_response, lambda: calls.append("kept"))
    start_response("200 OK", [])
    same = standpipe.on_fork is standpipe_shim.on_fork and RequestTimeout is standpipe_shim.RequestTimeout
    return [repr((calls, same, sorted(standpipe.__all__), issubclass(ClientGone, Exception))).encode()]
"""

HELLO = """
import standpipe
def app(environ, start_response):
    start_response("200 OK", [])
    return [repr((standpipe.__file__, standpipe.mark)).encode()]
"""


class Public(WorkerTest):
    def test_the_names(self):
        for threads in (1, 2):
            with self.subTest(threads=threads):
                names = ["ClientGone", "PurgeError", "RequestTimeout", "after_response", "on_fork", "purge"]
                answer = self.worker(APP, threads=threads).get().body
                self.assertEqual(answer.decode(), repr((["import", "fork"], True, names, False)))

    def test_after_response(self):
        for options in ({}, {"threads": 2}):
            with self.subTest(options):
                worker = self.worker(APP, **options)
                worker.send(request_frame(1, environ(PATH_INFO="/after")))
                self.assertEqual(worker.frame()[:2], (HEAD, LAST | HOLD))
                self.assertEqual(worker.frame(), (END, 0, 1, b""))
                self.assertIn("afterwards", worker.output("afterwards"))

    def test_after_the_answer_it_is_called_at_once(self):
        worker = self.worker(APP)
        worker.get(1, PATH_INFO="/keep")
        self.assertIn(b"'kept'", worker.get(2, PATH_INFO="/kept").body)

    def test_a_folder_of_that_name_is_no_package(self):
        self.file("standpipe/notes.txt", "")
        self.assertIn(b"'import', 'fork'", self.worker(APP).get().body)

    def test_what_python_finds_comes_first(self):
        for name in ("standpipe.py", "standpipe/__init__.py"):
            with self.subTest(name):
                path = self.file(name, "mark = 'own'\n")
                self.assertEqual(self.worker(HELLO).get().body.decode(), repr((path, "own")))


if __name__ == "__main__":
    unittest.main()
