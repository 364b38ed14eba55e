"""Flask-SocketIO by long polling, in one worker with threads, as its documentation has it for servers without WebSocket."""

import json

from trial import Trial


class SocketIO(Trial):
    name = "socketio"
    requirements = ("Flask==3.1.3", "flask-socketio==5.7.0", "simple-websocket==1.1.0")
    app = "app:app"
    find = True
    standpipe = ("-w", "1", "--threads", "20")
    gunicorn = ("-w", "1", "--threads", "20")

    def prepare(self, project):
        project.write(
            "app.py",
            """from flask import Flask
from flask_socketio import SocketIO, emit

app = Flask(__name__)
app.config["SECRET_KEY"] = "trial"
socketio = SocketIO(app, async_mode="threading", allow_upgrades=False)

@app.route("/")
def index():
    return "a chat"

@socketio.on("say")
def say(data):
    emit("said", {"text": data["text"].upper()}, broadcast=True)
""",
        )

    def visit(self, browser):
        browser.get("/")

        def poll(sid=""):
            return browser.send("GET", "/socket.io/?EIO=4&transport=polling" + ("&sid=" + sid if sid else ""), record=False)

        def push(sid, packet):
            return browser.send(
                "POST",
                "/socket.io/?EIO=4&transport=polling&sid=" + sid,
                packet.encode(),
                record=False,
                fields={"Content-Type": "text/plain;charset=UTF-8"},
            )

        opened = poll()
        sid = json.loads(opened.text[1:])["sid"]
        browser.check("the session opened", opened.status == 200 and sid)
        browser.check("the namespace is asked for", push(sid, "40").text == "OK")
        browser.check("the namespace is open", poll(sid).text.startswith("40"))
        browser.check("a message goes", push(sid, '42["say",{"text":"hello"}]').text == "OK")
        browser.check("and comes back", "HELLO" in poll(sid).text)
        browser.check("a strange session is refused", poll("nonsense").status == 400)
