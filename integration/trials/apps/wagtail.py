"""Wagtail: a new site as `wagtail start` makes it, with an image that is uploaded in the admin."""

from apps.django_admin import PICTURE
from trial import Trial


class Wagtail(Trial):
    name = "wagtail"
    requirements = ("wagtail==7.0.3",)
    app = "mysite.wsgi:application"
    find = True
    env = {"DJANGO_SUPERUSER_PASSWORD": "secret-of-the-trial"}
    mount_root = "mysite"
    static = {"/static/": "mysite/static"}

    def prepare(self, project):
        project.run("wagtail", "start", "mysite")
        project.run("python", "manage.py", "migrate", cwd="mysite")
        project.run(
            "python", "manage.py", "createsuperuser", "--noinput", "--username", "admin", "--email", "admin@example.org", cwd="mysite"
        )
        project.run("python", "manage.py", "collectstatic", "--noinput", cwd="mysite")

    def visit(self, browser):
        page = browser.get("/")
        browser.assets(page, "the welcome page's files")
        page = browser.get("/admin/login/?next=/admin/")
        browser.assets(page, "the login page's files")
        page = browser.submit(page, "username", {"username": "admin", "password": "secret-of-the-trial"}, "log in")
        browser.assets(page, "the admin's files")
        page = browser.get("/admin/images/add/")
        page = browser.submit(page, "title", {"title": "dot"}, "upload an image", files={"file": ("dot.png", "image/png", PICTURE)})
        browser.check("the image is listed", "dot" in page.text)
        browser.get("/admin/images/1/")
        browser.get("/no/such/page/")
