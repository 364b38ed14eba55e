"""One behaviour per path: /GROUP/CASE runs CASE of behaviours/GROUP.py. Any other path echoes its environ.

The tests say by the query what a behaviour needs: `id` names the request in the record file, `gate` a file to wait for.
"""

import os
import sys

from behaviours import closing, environs, errors, heads, inputs, iterables, processes, starts

if "SWITCH_INTERVAL" in os.environ:  # seconds; a tiny one has the threads of a worker meet at every bytecode
    sys.setswitchinterval(float(os.environ["SWITCH_INTERVAL"]))

GROUPS = {
    "canary": environs.CASES,
    "environ": environs.CASES,
    "input": inputs.CASES,
    "start": starts.CASES,
    "close": closing.CASES,
    "iter": iterables.CASES,
    "head": heads.CASES,
    "error": errors.CASES,
    "process": processes.CASES,
}


def application(environ, start_response):
    _, _, path = environ["PATH_INFO"].partition("/")
    group, _, case = path.partition("/")
    view = GROUPS.get(group, {}).get(case)
    return (view or environs.echo)(environ, start_response)
