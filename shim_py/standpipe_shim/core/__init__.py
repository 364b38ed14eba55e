"""What a request needs: frames, exchanges, the environ, the output. Nothing here imports boot or frameworks."""

import os

SHIM = os.path.dirname(os.path.dirname(__file__)) + os.sep  # what the name of each of the shim's files begins with
