"""call_app.py MODULE:NAME BODY-BYTES: writes the body of one answer of the app, called without any server."""

import importlib
import io
import os
import sys
from wsgiref.util import setup_testing_defaults

sys.path.insert(0, os.getcwd())
module, _, name = sys.argv[1].partition(":")
size = int(sys.argv[2])
environ = {"HTTP_HOST": "127.0.0.1", "wsgi.input": io.BytesIO(b"x" * size)}
if size:
    environ.update(REQUEST_METHOD="POST", CONTENT_LENGTH=str(size))
setup_testing_defaults(environ)
said = []
body = b"".join(getattr(importlib.import_module(module), name)(environ, lambda status, headers, exc_info=None: said.append(status)))
if not said[0].startswith("200"):
    sys.exit("the app answers " + said[0])
sys.stdout.buffer.write(body)
