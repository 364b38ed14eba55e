"""A small JSON API without a framework; "/lag?0.2" takes that long."""

import json
import random
import time


def app(environ, start_response):
    took = random.lognormvariate(0, 0.5) * 0.004
    if environ["PATH_INFO"].endswith("/lag"):
        took = float(environ["QUERY_STRING"])
    time.sleep(took)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"took": took}).encode()]
