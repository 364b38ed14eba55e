"""Apache Superset, as its documentation runs it under gunicorn; skipped where it cannot be installed."""

from trial import Trial


class Superset(Trial):
    name = "superset"
    requirements = ("apache-superset==6.1.0", "setuptools==79.0.1", "rich==14.1.0", "Flask-Caching==2.3.1")
    app = "superset.app:create_app()"
    env = {
        "SUPERSET_SECRET_KEY": "of-the-trial-and-long-enough-to-be-taken-0123456789",
        "FLASK_APP": "superset.app:create_app()",
        "SUPERSET_HOME": "{project}/home",
        "SUPERSET_CONFIG_PATH": "{project}/superset_config.py",
    }
    standpipe = ("-w", "1", "--threads", "8", "--boot-timeout", "180")
    gunicorn = ("-w", "1", "--threads", "8")

    def prepare(self, project):
        project.write(
            "superset_config.py", "SQLALCHEMY_DATABASE_URI = 'sqlite:///%s'\nTALISMAN_ENABLED = False\n" % project.path("superset.db")
        )
        project.run("superset", "db", "upgrade")
        project.run(
            "superset",
            "fab",
            "create-admin",
            "--username",
            "admin",
            "--firstname",
            "A",
            "--lastname",
            "B",
            "--email",
            "a@example.org",
            "--password",
            "secret-of-the-trial",
        )
        project.run("superset", "init")

    def visit(self, browser):
        page = browser.get("/login/")
        browser.assets(page, "the login page's files")
        token = browser.send(
            "POST",
            "/api/v1/security/login",
            b'{"username": "admin", "password": "secret-of-the-trial", "provider": "db"}',
            record=False,
            fields={"Content-Type": "application/json"},
        )
        browser.check("a login by the API", token.status == 200)
        bearer = {"Authorization": "Bearer " + token.json()["access_token"]}
        browser.send("GET", "/api/v1/dashboard/", label="the dashboards", fields=bearer)
        browser.send("GET", "/api/v1/chart/", label="the charts", fields=bearer)
        browser.get("/health")
