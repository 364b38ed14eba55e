"""wsgi.file_wrapper over a regular file ("Files" of PROTOCOL.md), through the real worker."""

import array
import os
import socket
import struct
import unittest

from peer import BODY, END, HEAD, WorkerTest, environ, frames, request_frame

APP = """
import io, os
closed = []
def app(environ, start_response):
    if environ["PATH_INFO"] == "/closed":
        start_response("200 OK", [])
        return [str(len(closed)).encode()]
    start_response("200 OK", [])
    file = open("data", "rb")
    file.read(3)
    close = file.close
    file.close = lambda: (closed.append(1), close())
    return environ["wsgi.file_wrapper"](file)
"""


class Passing(WorkerTest):
    def ask(self, threads):
        self.file("data", "0123456789")
        worker = self.worker(APP, threads=threads)
        worker.send(request_frame(1, environ()))
        raw, rights, _, _ = worker.control.recvmsg(28, socket.CMSG_SPACE(64))
        self.assertEqual(struct.unpack(">BBHIIQQ", raw), (0xC1, frames.FILE, 0, 1, 16, 3, 7))
        fds = array.array("i")
        fds.frombytes(rights[0][2])
        self.assertEqual(len(fds), 1)
        self.assertEqual(os.pread(fds[0], 7, 3), b"3456789")
        os.close(fds[0])
        self.assertEqual(worker.frame()[:3], (HEAD, frames.FILED, 1))
        self.assertTrue(worker.silent(0.1))
        return worker

    def closed(self, worker):
        self.assertEqual(worker.get(2, PATH_INFO="/closed").body, b"1")

    def test_taken_refused_cancelled_interrupted(self):
        for threads in (1, 3):
            with self.subTest(threads=threads):
                worker = self.ask(threads)
                worker.send(frames.frame(frames.FILE_TAKEN, 0, 1))
                self.assertEqual(worker.frame()[:3], (END, 0, 1))
                self.closed(worker)
                worker = self.ask(threads)
                worker.send(frames.frame(frames.FILE_REFUSED, 0, 1))
                self.assertEqual(worker.frame(), (BODY, 0, 1, b"3456789"))
                self.assertEqual(worker.frame()[:3], (END, 0, 1))
                self.closed(worker)
                for order, payload in ((frames.CANCEL, b""), (frames.INTERRUPT, b"\x01")):
                    worker = self.ask(threads)
                    worker.order(order, 1, payload)
                    self.assertEqual(worker.frame()[:3], (END, 0, 1))
                    self.closed(worker)

    def test_default_timeout_of_the_app_leaves_fd_3_alone(self):
        self.file("data", "0123456789")
        worker = self.worker("import socket\nsocket.setdefaulttimeout(1)\n" + APP)
        worker.send(request_frame(1, environ()))
        self.assertTrue(worker.control.recv(28))
        worker.send(frames.frame(frames.FILE_TAKEN, 0, 1))
        self.assertEqual(worker.frame()[0], HEAD)
        self.assertEqual(worker.frame()[0], END)
        worker.order(frames.DUMP)
        self.assertEqual(worker.control_frame()[0], frames.STACKS)

    def test_streams_without_control(self):
        self.file("data", "0123456789")
        worker = self.worker(APP, control=False)
        self.assertEqual(worker.get().body, b"3456789")


if __name__ == "__main__":
    unittest.main()
