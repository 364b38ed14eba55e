"""A shop: pages of some milliseconds, some of which may be stored, an export that is slow, a view with a fault."""

import os
import random
import signal
import time

from flask import Flask, abort

app = Flask(__name__)
goods = ["hose", "wrench", "valve", "gasket", "elbow", "tee"]


def wait(mean):
    time.sleep(random.lognormvariate(0, 0.6) * mean)


@app.get("/")
def index():
    wait(0.006)
    return "".join(f"<li>{g}" for g in goods) * 40, {"Cache-Control": "max-age=2"}


@app.get("/product/<name>")
def product(name):
    if name not in goods:
        abort(404)
    wait(0.014)
    return name * 400


@app.get("/cart")
def cart():
    wait(0.03)
    return "cart"


@app.get("/export")
def export():
    time.sleep(random.uniform(1.1, 2.6))
    return "export" * 4000


@app.get("/broken")
def broken():
    return {}["price"]


@app.get("/killed")
def killed():
    os.kill(os.getpid(), signal.SIGKILL)
    return ""
