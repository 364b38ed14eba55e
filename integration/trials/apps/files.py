"""Servers of files: WebDAV, packages, calendars, repositories."""

import os

from trial import Trial

BLOB = bytes(range(256)) * 5000


class WsgiDAV(Trial):
    name = "wsgidav"
    requirements = ("WsgiDAV==4.4.0",)
    app = "dav:app"
    standpipe = ("-w", "1", "--threads", "4")  # its locks are kept in the process
    gunicorn = ("-w", "1", "--threads", "4")

    def prepare(self, project):
        project.write("share/readme.txt", "hello\n")
        project.write(
            "dav.py",
            """import os
from wsgidav.wsgidav_app import WsgiDAVApp

app = WsgiDAVApp({
    "provider_mapping": {"/": os.path.join(os.path.dirname(os.path.abspath(__file__)), "share")},
    "simple_dc": {"user_mapping": {"*": {"ada": {"password": "secret"}}}},
    "http_authenticator": {"accept_basic": True, "accept_digest": False, "default_to_digest": False},
    "lock_storage": True, "property_manager": True, "verbose": 1, "logging": {"enable": False},
})
""",
        )

    def visit(self, browser):
        auth = {"Authorization": "Basic YWRhOnNlY3JldA=="}

        def dav(method, path, body=None, label="", **more):
            fields = dict(auth)
            fields.update({name.replace("_", "-"): value for name, value in more.items()})
            return browser.send(method, path, body, label=label or method + " " + path, follow=False, fields=fields)

        browser.send("OPTIONS", "/", label="OPTIONS without a login", follow=False)
        dav("OPTIONS", "/")
        dav("PUT", "/a.bin", BLOB)
        browser.check("the file is whole", dav("GET", "/a.bin").body == BLOB)
        dav("GET", "/a.bin", label="a range", Range="bytes=1000-1999")
        dav("HEAD", "/a.bin")
        dav("MKCOL", "/folder/")
        dav("MKCOL", "/folder/", label="MKCOL again")
        dav("MKCOL", "/no/such/parent/")
        dav("MKCOL", "/with-body/", b"<x/>", label="MKCOL with a body")
        here = "http://%s:%d" % (browser.host, browser.port)
        dav("COPY", "/a.bin", Destination=here + "/folder/b.bin")
        dav("COPY", "/a.bin", label="COPY without Overwrite", Destination=here + "/folder/b.bin", Overwrite="F")
        dav("MOVE", "/folder/b.bin", Destination=here + "/folder/%C3%A9t%C3%A9.bin")
        dav("GET", "/folder/%C3%A9t%C3%A9.bin", label="a name that is not ASCII")
        dav(
            "PROPFIND",
            "/",
            b'<?xml version="1.0"?><propfind xmlns="DAV:"><prop><getcontentlength/><resourcetype/></prop></propfind>',
            Depth="1",
            Content_Type="application/xml",
        )
        dav("PROPFIND", "/", label="PROPFIND of depth 0", Depth="0")
        dav(
            "PROPPATCH",
            "/a.bin",
            b'<?xml version="1.0"?><propertyupdate xmlns="DAV:"><set><prop><x xmlns="u:">1</x></prop></set></propertyupdate>',
            Content_Type="application/xml",
        )
        lock = dav(
            "LOCK",
            "/a.bin",
            b'<?xml version="1.0"?><lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype><owner>ada</owner></lockinfo>',
            Content_Type="application/xml",
            Timeout="Second-600",
        )
        token = lock.field("Lock-Token")
        browser.check("there is a lock", bool(token))
        dav("PUT", "/a.bin", b"other", label="PUT onto a locked file")
        dav("PUT", "/a.bin", b"other", label="PUT with the lock", If="(%s)" % token)
        dav("UNLOCK", "/a.bin", Lock_Token=token)
        dav("DELETE", "/folder/")
        dav("GET", "/folder/", label="it is gone")


class Pypiserver(Trial):
    name = "pypiserver"
    requirements = ("pypiserver==2.4.2", "setuptools==81.0.0")
    app = "serve:app"

    def prepare(self, project):
        os.makedirs(project.path("packages"))
        project.write("packages/thing-1.0.tar.gz", b"\x1f\x8b\x08\x00" + BLOB[:1000])
        project.write(
            "serve.py",
            """import os
import pypiserver
app = pypiserver.app(roots=[os.path.join(os.path.dirname(os.path.abspath(__file__)), "packages")], authenticate=[], password_file=".")
""",
        )

    def visit(self, browser):
        browser.get("/")
        browser.get("/simple/")
        browser.get("/simple/thing/")
        browser.get("/simple/missing/", follow=False)
        got = browser.get("/packages/thing-1.0.tar.gz")
        browser.check("the package is whole", got.body == b"\x1f\x8b\x08\x00" + BLOB[:1000])
        up = browser.post(
            "/",
            {":action": "file_upload", "name": "other", "version": "2.0"},
            "upload",
            files={"content": ("other-2.0.tar.gz", "application/gzip", BLOB)},
        )
        browser.check("it was taken", up.status == 200)
        browser.check("it comes back", browser.get("/packages/other-2.0.tar.gz").body == BLOB)
        browser.post("/", {":action": "file_upload"}, "upload it again", files={"content": ("other-2.0.tar.gz", "application/gzip", BLOB)})
        browser.get("/packages/other-2.0.tar.gz", "a range", Range="bytes=0-99")


class Radicale(Trial):
    name = "radicale"
    requirements = ("radicale==3.9.0",)
    app = "radicale:application"
    env = {"RADICALE_CONFIG": "{project}/config"}

    def prepare(self, project):
        project.write(
            "config", "[auth]\ntype = none\n[storage]\nfilesystem_folder = %s\n[logging]\nlevel = warning\n" % project.path("collections")
        )

    def visit(self, browser):
        page = browser.get("/")
        browser.assets(page, "the web interface's files")

        def dav(method, path, body=None, label="", **more):
            fields = {"Authorization": "Basic YWRhOg=="}
            fields.update({name.replace("_", "-"): value for name, value in more.items()})
            return browser.send(method, path, body, label=label or method + " " + path, follow=False, fields=fields)

        dav(
            "PROPFIND", "/ada/", b'<?xml version="1.0"?><propfind xmlns="DAV:"><prop><current-user-principal/></prop></propfind>', Depth="0"
        )
        made = dav(
            "MKCALENDAR",
            "/ada/work/",
            b'<?xml version="1.0"?><C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><D:displayname>Work</D:displayname></D:prop></D:set></C:mkcalendar>',
        )
        browser.check("the calendar was made", made.status == 201)
        event = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:trial\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260102T100000Z\r\nSUMMARY:caf\u00e9\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        put = dav("PUT", "/ada/work/1.ics", event.encode(), Content_Type="text/calendar; charset=utf-8")
        browser.check("the event was taken", put.status == 201)
        dav("GET", "/ada/work/1.ics")
        dav("PUT", "/ada/work/1.ics", event.encode(), label="PUT with the wrong ETag", If_Match='"wrong"', Content_Type="text/calendar")
        dav(
            "REPORT",
            "/ada/work/",
            b'<?xml version="1.0"?><C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>',
            Depth="1",
        )
        dav("DELETE", "/ada/work/1.ics")
        dav("GET", "/ada/work/1.ics", label="it is gone")


def _repository(project, name):
    os.makedirs(project.path(name))
    project.write(name + "/hello.py", "print('hello')\n")
    project.write(name + "/big.bin", BLOB)
    env = dict(
        project.env,
        GIT_AUTHOR_NAME="a",
        GIT_AUTHOR_EMAIL="a@example.org",
        GIT_COMMITTER_NAME="a",
        GIT_COMMITTER_EMAIL="a@example.org",
        GIT_AUTHOR_DATE="2026-01-01T00:00:00Z",
        GIT_COMMITTER_DATE="2026-01-01T00:00:00Z",
    )
    project.env = env
    for argv in ("git", "init", "-q", "-b", "main"), ("git", "add", "-A"), ("git", "commit", "-qm", "first"):
        project.run(*argv, cwd=name)


class Klaus(Trial):
    name = "klaus"
    requirements = ("klaus==3.0.1", "setuptools==81.0.0")
    app = "wsgi:application"
    find = True

    def prepare(self, project):
        _repository(project, "repo")
        project.write(
            "wsgi.py",
            """import os
from klaus import make_app
application = make_app([os.path.join(os.path.dirname(os.path.abspath(__file__)), "repo")], "trial", use_smarthttp=True)
""",
        )

    def visit(self, browser):
        page = browser.get("/")
        browser.assets(page)
        page = browser.get("/repo/tree/main/")
        browser.check("the file is listed", "hello.py" in page.text)
        browser.get("/repo/blob/main/hello.py")
        browser.check("the raw file is whole", browser.get("/repo/raw/main/big.bin").body == BLOB)
        browser.get("/repo/tarball/main/", "an archive")
        browser.get("/repo/info/refs?service=git-upload-pack", "git's smart HTTP")
        browser.get("/repo/blob/main/missing.py")


class Hgweb(Trial):
    name = "hgweb"
    requirements = ("mercurial==7.2.4",)
    app = "hgweb:application"

    def prepare(self, project):
        os.makedirs(project.path("repo"))
        project.write("repo/hello.py", "print('hello')\n")
        project.write(".hgrc", "[ui]\nusername = ada\n[web]\nallow_push = *\npush_ssl = false\n")
        for argv in ("hg", "init"), ("hg", "add"), ("hg", "commit", "-m", "first", "-d", "0 0"):
            project.run(*argv, cwd="repo")
        project.write(
            "hgweb.py",
            """import os
from mercurial.hgweb import hgweb
application = hgweb(os.path.join(os.path.dirname(os.path.abspath(__file__)), "repo").encode())
""",
        )

    def visit(self, browser):
        page = browser.get("/")
        browser.assets(page)
        browser.get("/file/tip/hello.py")
        browser.get("/rev/tip")
        browser.get("/raw-file/tip/hello.py")
        browser.get("/archive/tip.tar.gz", "archives are not allowed")
        browser.get("/?cmd=capabilities", "the wire protocol")
        browser.get("/?cmd=getbundle", "a bundle")
        browser.get("/no/such/page")
