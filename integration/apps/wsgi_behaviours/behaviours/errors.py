"""Views that fail, hang or kill their worker."""

import os
import sys
import time

from .common import answer_text, query, record, wait_gate

TEXT = [("Content-Type", "text/plain")]


def fail(environ, start_response):
    secret = "a local that no client may see"
    raise ValueError("failed on purpose " + query(environ).get("id", "") + secret[:0])


def die(environ, start_response):
    record("die " + query(environ).get("id", "?"))
    os._exit(int(query(environ).get("code", "3")))


def die_after(environ, start_response):
    start_response("200 OK", TEXT)
    yield b"begun"
    wait_gate(environ)
    os._exit(4)


def slow(environ, start_response):
    record("slow " + query(environ).get("id", "?"))
    time.sleep(60)
    return answer_text(start_response, "slow")


def hold(environ, start_response):
    """Occupies the worker until the gate opens."""
    record("hold " + query(environ).get("id", "?"))
    wait_gate(environ)
    return answer_text(start_response, "held")


def sys_exit(environ, start_response):
    sys.exit("leaving")


def keyboard(environ, start_response):
    raise KeyboardInterrupt


def generator_exit(environ, start_response):
    start_response("200 OK", TEXT)
    raise GeneratorExit
    yield b""


def set_trace(environ, start_response):
    breakpoint()
    return answer_text(start_response, "went on")


def ask(environ, start_response):
    try:
        return answer_text(start_response, "got " + input("name? "))
    except EOFError:
        return answer_text(start_response, "EOF")


def deep(environ, start_response):
    return deep(environ, start_response)


def wide_message(environ, start_response):
    raise ValueError("caf\xe9 \u20ac \ud800 \x00 \x1b[31m")


CASES = {
    "fail": fail,
    "die": die,
    "die_after": die_after,
    "slow": slow,
    "hold": hold,
    "sys_exit": sys_exit,
    "keyboard": keyboard,
    "generator_exit": generator_exit,
    "set_trace": set_trace,
    "ask": ask,
    "deep": deep,
    "wide_message": wide_message,
}
