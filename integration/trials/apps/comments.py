"""isso: comments for other sites. Its answers are read by pages of other origins."""

from trial import Trial


class Isso(Trial):
    name = "isso"
    requirements = ("isso==0.14.0", "setuptools==81.0.0")
    app = "isso.run:application"
    env = {"ISSO_SETTINGS": "{project}/isso.cfg"}
    standpipe = ("-w", "1")
    gunicorn = ("-w", "1")

    def prepare(self, project):
        project.write(
            "isso.cfg", "[general]\ndbpath = %s\nhost = http://site.example.org/\n[guard]\nenabled = false\n" % project.path("comments.db")
        )

    def visit(self, browser):
        origin = {"Origin": "http://site.example.org"}
        browser.get("/js/embed.min.js", "the script", **origin)
        browser.get("/?uri=/page", "no comments yet", follow=False, **origin)
        browser.send("OPTIONS", "/new?uri=/page", label="preflight", fields=dict(origin, **{"Access-Control-Request-Method": "POST"}))
        made = browser.send(
            "POST",
            "/new?uri=/page",
            b'{"text": "a first *comment*", "author": "Ada", "title": "Page"}',
            label="post a comment",
            fields=dict(origin, **{"Content-Type": "application/json"}),
        )
        browser.check("it was taken", made.status in (201, 202))
        browser.check("it is listed", "first" in browser.send("GET", "/?uri=/page", record=False, fields=origin).text)
        browser.send("POST", "/count", b'["/page"]', label="count", fields=dict(origin, **{"Content-Type": "application/json"}))
