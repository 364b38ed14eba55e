"""The shop: at / of every host."""

import sys

from flask import Flask

app = Flask(__name__)


@app.get("/")
def page():
    return '<link rel="stylesheet" href="/assets/style.css"><h1>Shop</h1><p>Python %d.%d in %s' % (*sys.version_info[:2], sys.prefix)
