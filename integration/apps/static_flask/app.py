"""A Flask app with static files of its own and of a blueprint; it counts how often it is asked for one."""

import flask

app = flask.Flask(__name__)
admin = flask.Blueprint("admin", __name__, static_folder="admin/files", static_url_path="/admin/files", url_prefix="/a")
app.register_blueprint(admin)
asked = 0


@app.teardown_request
def count(error):
    global asked
    if flask.request.endpoint and flask.request.endpoint.endswith("static"):
        asked += 1


@app.get("/")
def page():
    return flask.render_template("page.html")


@app.get("/asked")
def tell():
    return str(asked)
