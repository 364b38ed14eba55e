"""The blog: a host of its own, another framework."""

from bottle import Bottle

app = Bottle()


@app.get("/")
def page():
    return '<link rel="stylesheet" href="/assets/style.css"><h1>Blog</h1>'
