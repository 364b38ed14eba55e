"""A small JSON answer by Flask."""

from flask import Flask, jsonify

app = Flask(__name__)


@app.get("/")
def index():
    return jsonify(id=7, name="Brass valve", price="31.50", stock=[4, 0, 12])
