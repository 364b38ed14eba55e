"""A shopping basket whose sessions are in Redis."""

import os

import redis
from flask import Flask, redirect, render_template, request, session, url_for
from flask_session import Session

GOODS = {"valve": "Brass valve", "wrench": "Pipe wrench", "gauge": "Pressure gauge"}

app = Flask(__name__)
app.config.update(
    SESSION_TYPE="redis",
    # It connects with the first request, so each worker has connections of its own. The check finds those that Redis has closed.
    SESSION_REDIS=redis.from_url(os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0"), health_check_interval=30),
    SESSION_COOKIE_SAMESITE="Lax",
)
Session(app)


@app.get("/")
def page():
    return render_template("basket.html", goods=GOODS, basket=session.get("basket", {}), worker=os.getpid())


@app.post("/add")
def add():
    name = request.form["name"]
    if name not in GOODS:
        return "Not on our shelves.", 404
    basket = session.setdefault("basket", {})
    basket[name] = basket.get(name, 0) + 1
    session.modified = True
    return redirect(url_for("page"), 303)


@app.post("/empty")
def empty():
    session.clear()
    return redirect(url_for("page"), 303)
