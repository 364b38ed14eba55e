"""Large bodies in the memory that worker and Go share ("Shared memory" of PROTOCOL.md), through the real worker."""

import array
import mmap
import os
import socket
import struct
import unittest

from peer import BODY, END, HEAD, WorkerTest, environ, frames, request_frame, request_payload
from standpipe_shim.core import memory as memory_module

SHARED, LAST = frames.SHARED, frames.LAST

APP = """
import threading
started = threading.Event()
def app(environ, start_response):
    start_response("200 OK", [])
    path, _, size = environ["PATH_INFO"][1:].partition("/")
    if path == "echo":
        return [environ["wsgi.input"].read()]
    size = int(size)
    if path == "list":
        return [b"x" * size]
    if path == "parts":
        return (bytes([65 + i]) * (40 << 10) for i in range(size))
    if path == "fork":
        import os
        pid = os.fork()
        if pid == 0:
            return [b"c" * size]
        os.waitpid(pid, 0)
        return [b"p" * size]
"""


class Memory:
    """Go's end."""

    def __init__(self, control):
        raw, rights, _, _ = control.recvmsg(12, socket.CMSG_SPACE(64))
        assert raw == frames.frame(frames.MEMORY, 0, 0), raw
        fds = array.array("i")
        fds.frombytes(rights[0][2])
        assert len(fds) == 1, fds
        self.fd = fds[0]
        self.size = os.fstat(self.fd).st_size
        self.mem = mmap.mmap(self.fd, self.size)

    def close(self):
        self.mem.close()
        os.close(self.fd)

    def used(self):
        return [block for block in range(24) if self.mem[64 + 4 * block]]

    def body(self, ref):
        block, size = struct.unpack(">II", ref)
        at = 4096 + block * (256 << 10)
        return block, self.mem[at : at + size]

    def free(self, block):
        self.mem[64 + 4 * block] = 0

    def put(self, block, body):
        at = 4096 + 16 * (256 << 10) + (block - 16) * (64 << 10)
        self.mem[at : at + len(body)] = body
        self.mem[64 + 4 * block] = 1
        return struct.pack(">II", block, len(body))


def shared_request(stream, ref, **values):
    return frames.frame(frames.REQUEST, LAST | SHARED, stream, request_payload(environ(**values), ref))


@unittest.skipUnless(hasattr(os, "memfd_create"), "SKIP[memfd]: no memfd_create")
class Shared(WorkerTest):
    def begun(self, **options):
        """A worker whose memory Go has mapped. The answer for which it was made came by the pipe."""
        worker = self.worker(APP, **options)
        self.assertEqual(worker.get(1, PATH_INFO="/list/32768").body, b"x" * 32768)
        memory = Memory(worker.control)
        self.addCleanup(memory.close)
        self.assertEqual(worker.get(2, PATH_INFO="/list/102400").body, b"x" * 102400)  # Go has not said that it has it
        self.assertEqual(memory.used(), [])
        memory.mem[0] = 1
        return worker, memory

    def part(self, worker, kind, flags, stream):
        found = worker.frame()
        self.assertEqual(found[:3], (kind, flags, stream))
        payload = found[3]
        if kind == HEAD:
            payload = payload[4 + struct.unpack_from(">I", payload)[0] :]
        return payload

    def test_the_memory_is_as_it_is(self):
        worker, memory = self.begun()
        self.assertEqual(memory.size, memory_module.SIZE)
        with self.assertRaises(OSError):
            os.ftruncate(memory.fd, 4096)
        with self.assertRaises(OSError):
            os.ftruncate(memory.fd, memory.size + 4096)

    def test_answers(self):
        for threads in (1, 3):
            with self.subTest(threads=threads):
                worker, memory = self.begun(threads=threads)
                for stream in range(3, 19):
                    worker.send(request_frame(stream, environ(PATH_INFO="/list/262144")))
                    ref = self.part(worker, HEAD, LAST | SHARED, stream)
                    self.assertEqual(memory.body(ref), (stream - 3, b"x" * 262144))
                self.assertEqual(memory.used(), list(range(16)))
                self.assertEqual(worker.get(19, PATH_INFO="/list/262144").body, b"x" * 262144)  # no room
                memory.free(5)
                worker.send(request_frame(20, environ(PATH_INFO="/list/65536")))
                self.assertEqual(memory.body(self.part(worker, HEAD, LAST | SHARED, 20)), (5, b"x" * 65536))
                memory.free(2)
                self.assertEqual(worker.get(21, PATH_INFO="/list/32767").body, b"x" * 32767)  # small
                self.assertNotIn(2, memory.used())

    def test_a_large_one_needs_no_credit_while_there_is_room(self):
        worker, memory = self.begun()
        size = (4 << 20) + (256 << 10) + 5
        worker.send(request_frame(3, environ(PATH_INFO="/list/%d" % size)))
        for block in range(16):
            ref = self.part(worker, BODY if block else HEAD, SHARED, 3)
            self.assertEqual(memory.body(ref), (block, b"x" * (256 << 10)))
        self.assertEqual(len(self.part(worker, BODY, 0, 3)), 256 << 10)  # by the pipe: the whole window
        self.assertTrue(worker.silent(0.1))
        memory.free(0)
        worker.window(3, 5)
        self.assertEqual(self.part(worker, BODY, 0, 3), b"x" * 5)
        self.assertEqual(worker.frame()[:3], (END, 0, 3))

    def test_parts(self):
        worker, memory = self.begun()
        worker.send(request_frame(3, environ(PATH_INFO="/parts/3")))
        for i in range(3):
            ref = self.part(worker, BODY if i else HEAD, SHARED, 3)
            self.assertEqual(memory.body(ref), (i, bytes([65 + i]) * (40 << 10)))
        self.assertEqual(worker.frame()[:3], (END, 0, 3))

    def test_requests(self):
        for options in ({}, {"threads": 3}):
            with self.subTest(**options):
                worker, memory = self.begun(**options)
                body = os.urandom(64 << 10)
                worker.send(shared_request(3, memory.put(19, body), PATH_INFO="/echo"))
                ref = self.part(worker, HEAD, LAST | SHARED, 3)
                self.assertEqual(memory.body(ref)[1], body)
                self.assertEqual(memory.used(), [0])

    def test_a_recalled_request_gives_its_block_back(self):
        worker, memory = self.begun()
        self.assertEqual(worker.recall(3), [3])
        worker.send(shared_request(3, memory.put(16, b"x" * 40000), PATH_INFO="/echo"))
        worker.send(shared_request(4, memory.put(17, b"y" * 40000), PATH_INFO="/echo"))
        self.assertEqual(memory.body(self.part(worker, HEAD, LAST | SHARED, 4)), (0, b"y" * 40000))
        self.assertEqual(memory.used(), [0])

    def test_a_large_request_makes_it_too(self):
        worker = self.worker(APP)
        self.assertEqual(worker.get(1, b"x" * 40000, PATH_INFO="/echo").body, b"x" * 40000)
        memory = Memory(worker.control)
        self.addCleanup(memory.close)

    def test_a_forked_child_has_no_part_in_it(self):
        worker, memory = self.begun()
        worker.send(request_frame(3, environ(PATH_INFO="/fork/65536")))
        self.assertEqual(memory.body(self.part(worker, HEAD, LAST | SHARED, 3)), (0, b"p" * 65536))
        self.assertEqual(memory.used(), [0])

    def test_lies_of_gos_end_the_worker(self):
        for ref in (struct.pack(">II", 15, 5), struct.pack(">II", 24, 5), struct.pack(">II", 16, 0), struct.pack(">II", 16, 65537)):
            worker, _ = self.begun()
            worker.send(shared_request(3, ref, PATH_INFO="/echo"))
            self.assertEqual(worker.wait(), 4)
        worker = self.worker(APP)
        worker.send(shared_request(1, struct.pack(">II", 16, 5), PATH_INFO="/echo"))  # there is none
        self.assertEqual(worker.wait(), 4)

    def test_without_control_and_within_limits_there_is_none(self):
        worker = self.worker(APP, control=False)
        self.assertEqual(worker.get(1, PATH_INFO="/list/102400").body, b"x" * 102400)
        limit = "import resource, signal\nresource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        worker = self.worker(limit + APP)
        for stream in (1, 2):
            self.assertEqual(worker.get(stream, PATH_INFO="/list/102400").body, b"x" * 102400)
        self.assertEqual(worker.recall(9), [9])  # the next word on fd 3


if __name__ == "__main__":
    unittest.main()
