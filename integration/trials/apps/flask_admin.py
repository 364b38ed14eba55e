"""Flask-Admin over a database, with a file manager: uploads and downloads; flask-cors on an API beside it."""

from trial import Trial


class FlaskAdmin(Trial):
    name = "flask-admin"
    requirements = ("Flask==3.1.3", "Flask-Admin[sqlalchemy]==2.2.1", "Flask-SQLAlchemy==3.1.1", "flask-cors==6.0.5")
    app = "app:app"
    find = True

    def prepare(self, project):
        project.write("files/readme.txt", "hello\n")
        project.write(
            "app.py",
            """import os
from flask import Flask, jsonify, request, session
from flask_admin import Admin
from flask_admin.contrib.fileadmin import FileAdmin
from flask_admin.contrib.sqla import ModelView
from flask_cors import CORS
from flask_sqlalchemy import SQLAlchemy

HERE = os.path.dirname(os.path.abspath(__file__))
app = Flask(__name__)
app.config.update(SECRET_KEY="trial", SQLALCHEMY_DATABASE_URI="sqlite:///" + os.path.join(HERE, "data.sqlite"))
CORS(app, resources={"/api/*": {"origins": "https://front.example.org"}})
db = SQLAlchemy(app)

class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(50))

admin = Admin(app, name="trial")
admin.add_view(ModelView(User, db.session, name="Users"))
admin.add_view(FileAdmin(os.path.join(HERE, "files"), name="Files"))

@app.route("/api/users")
def users():
    return jsonify([u.name for u in User.query.order_by(User.id)])

@app.route("/count")
def count():
    session["n"] = session.get("n", 0) + 1
    return str(session["n"])
""",
        )
        project.run("python", "-c", "import app\nwith app.app.app_context(): app.db.create_all()")

    def visit(self, browser):
        page = browser.get("/admin/")
        browser.assets(page, "the admin's files")
        page = browser.get("/admin/user/new/")
        browser.assets(page, "the form's files")
        page = browser.submit(page, "name", {"name": "Ada"}, "add a user")
        browser.check("the user is listed", "Ada" in page.text)
        browser.get("/api/users", "cross-origin", Origin="https://front.example.org")
        browser.send(
            "OPTIONS",
            "/api/users",
            label="preflight",
            fields={"Origin": "https://front.example.org", "Access-Control-Request-Method": "GET"},
        )
        browser.check("a session counts", [browser.get("/count").text for _ in range(3)] == ["1", "2", "3"])
        page = browser.get("/admin/fileadmin/upload/")
        page = browser.submit(page, "upload", {}, "upload a file", files={"upload": ("blob.txt", "text/plain", b"line\n" * 30000)})
        got = browser.get("/admin/fileadmin/download/blob.txt")
        browser.check("the file is whole", got.body == b"line\n" * 30000)
        browser.get("/no/such/page")
