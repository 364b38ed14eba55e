import said
from flask import Flask, request

app = Flask(__name__)


@app.get("/chatter/<me>")
def chatter(me):
    said.chatter(me)
    app.logger.warning("%s by the app's logger", me)
    return "ok"


@app.get("/fail/<me>")
def fail(me):
    said.nested(me)
    raise ValueError("raised by " + me)


@app.get("/echo")
def echo():
    print("client:", request.args["text"])
    return "ok"


@app.get("/child")
def child():
    said.child(request.args["gate"])
    return "ok"
