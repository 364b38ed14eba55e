"""Trac: tickets, a wiki page, an attachment."""

from trial import Trial


class Trac(Trial):
    name = "trac"
    requirements = ("Trac==1.6", "setuptools==81.0.0", "jinja2==3.1.6", "legacy-cgi==2.6.4; python_version >= '3.13'", "multipart==1.2.1")
    app = "tracapp:application"
    env = {"TRAC_ENV": "{project}/env"}

    def prepare(self, project):
        project.run("trac-admin", project.path("env"), "initenv", "trial", "sqlite:db/trac.db")
        project.run("trac-admin", project.path("env"), "permission", "add", "anonymous", "TRAC_ADMIN")
        project.write(
            "tracapp.py", "import os\nos.environ['PYTHON_EGG_CACHE'] = '/tmp'\nfrom trac.web.main import dispatch_request as application\n"
        )

    def visit(self, browser):
        page = browser.get("/wiki")
        browser.assets(page)
        page = browser.get("/newticket")
        page = browser.submit(
            page, "field_summary", {"field_summary": "first", "field_description": "text", "submit": "create"}, "create a ticket"
        )
        browser.check("the ticket is shown", "first" in page.text)
        page = browser.get("/attachment/ticket/1/?action=new")
        page = browser.submit(
            page,
            "attachment",
            {"description": "a file", "action": "new", "realm": "ticket", "id": "1"},
            "attach a file",
            files={"attachment": ("a.txt", "text/plain", b"attached\n" * 9000)},
        )
        browser.check("the file is whole", browser.get("/raw-attachment/ticket/1/a.txt").body == b"attached\n" * 9000)
        browser.get("/ticket/99", "a ticket that is not there")
