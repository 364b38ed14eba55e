"""What the app knows of its client when Apache is in front."""

from flask import Flask, render_template

app = Flask(__name__)


@app.get("/")
def page():
    return render_template("whoami.html")
