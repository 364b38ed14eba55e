"""A new Django project with its admin, as `django-admin startproject` makes it."""

import struct
import zlib

from trial import Trial


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# A red picture of 8 x 8 points.
PICTURE = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress((b"\0" + b"\xff\0\0" * 8) * 8))
    + _chunk(b"IEND", b"")
)


class Django(Trial):
    name = "django"
    requirements = ("Django==5.2.19",)
    app = "mysite.wsgi:application"
    find = True
    env = {"DJANGO_SUPERUSER_PASSWORD": "secret-of-the-trial"}
    static = {"/static/": "collected"}

    def prepare(self, project):
        project.run("django-admin", "startproject", "mysite", ".")
        project.run("python", "manage.py", "startapp", "notes")
        project.write(
            "notes/models.py",
            """from django.db import models

class Note(models.Model):
    title = models.CharField(max_length=100)
    file = models.FileField(upload_to="files", blank=True)

    def __str__(self):
        return self.title
""",
        )
        project.write("notes/admin.py", "from django.contrib import admin\nfrom .models import Note\nadmin.site.register(Note)\n")
        project.write(
            "notes/views.py",
            """from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from .models import Note

def count(request):
    return HttpResponse("%d notes" % Note.objects.count(), content_type="text/plain")

def download(request, pk):
    return FileResponse(Note.objects.get(pk=pk).file.open("rb"), as_attachment=True)

def stream(request):
    return StreamingHttpResponse((b"line %d\\n" % n for n in range(1000)), content_type="text/plain")
""",
        )
        project.edit("mysite/settings.py", "INSTALLED_APPS = [", "INSTALLED_APPS = [\n    'notes',")
        with open(project.path("mysite/settings.py"), "a") as f:
            f.write(
                "\nSTATIC_ROOT = BASE_DIR / 'collected'\nMEDIA_ROOT = BASE_DIR / 'media'\nMEDIA_URL = '/media/'\nALLOWED_HOSTS = ['127.0.0.1']\n"
            )
        project.write(
            "mysite/urls.py",
            """from django.contrib import admin
from django.urls import path
from notes import views

urlpatterns = [path("admin/", admin.site.urls), path("count/", views.count), path("download/<int:pk>/", views.download), path("stream/", views.stream)]
""",
        )
        project.run("python", "manage.py", "makemigrations", "notes")
        project.run("python", "manage.py", "migrate")
        project.run("python", "manage.py", "collectstatic", "--noinput")
        project.run("python", "manage.py", "createsuperuser", "--noinput", "--username", "admin", "--email", "admin@example.org")

    def visit(self, browser):
        page = browser.get("/admin/")
        browser.assets(page, "the login page's files")
        page = browser.submit(page, "username", {"username": "admin", "password": "secret-of-the-trial"}, "log in")
        browser.check("the admin's index is shown", "Site administration" in page.text)
        browser.assets(page, "the index page's files")
        page = browser.get("/admin/notes/note/add/")
        browser.assets(page, "the form's files")
        page = browser.submit(
            page, "title", {"title": "first", "_save": "Save"}, "add a note with a file", files={"file": ("dot.png", "image/png", PICTURE)}
        )
        browser.check("the note is in the list", "first" in page.text)
        got = browser.get("/download/1/", "download the file")
        browser.check("the file is whole", got.body == PICTURE)
        browser.get("/download/1/", "a part of the file", Range="bytes=0-9")
        browser.check("the stream is whole", browser.get("/stream/").body.count(b"\n") == 1000)
        browser.get("/count/")
        browser.get("/no/such/page/")
        browser.send("POST", "/count/", b"x", label="a POST without a CSRF token")
        browser.send("HEAD", "/count/", label="HEAD")
        browser.get("/static/admin/css/nothing.css", "a missing stylesheet")
        browser.get("/admin/logout/", "log out by GET is refused")

    explained = {
        "a missing stylesheet": "nginx's own page against standpipe's or Django's",
        "a part of the file": "standpipe answers ranges of what the app hands to it as a file; gunicorn sends the whole",
    }
