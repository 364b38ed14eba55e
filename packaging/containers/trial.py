"""Builds the Dockerfiles of packaging/containers, docs/containers.md and EXAMPLES on a Debian root, and runs them with runc.

    trial.py BINARY BASE FOLDER

As PID 1, without rights, with a read-only root, as the image's user and as an arbitrary one, in 256 MiB.
"""

import contextlib
import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
import time

import replay

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
# Those of examples/ that have a page without another server: its path, what it says, and the environment.
EXAMPLES = {
    "flask-sqlalchemy": ("/", b"Guestbook", {"SECRET_KEY": "k", "DATABASE_URL": "sqlite:////tmp/guestbook.db"}),
    "django-postgresql": ("/admin/login/", b"Django", {"SECRET_KEY": "k"}),
    "many-apps": ("/api/valve", b"9.5", {}),
}
MEMORY = 256 << 20
PATIENCE = 120  # seconds, for a machine that does much else

SHOP = """import os, time
import flask

app = flask.Flask(__name__)


@app.get("/")
def home():
    try:
        open("/written", "w").close()
        written = True
    except OSError:
        written = False
    return {"uid": os.getuid(), "gid": os.getgid(), "parent": os.getppid(), "written": written}


@app.post("/upload")
def upload():
    return str(sum(len(part) for part in iter(lambda: flask.request.stream.read(1 << 16), b"")))


@app.get("/orphans")
def orphans():
    for _ in range(20):
        if (pid := os.fork()) == 0:
            if os.fork() == 0:
                time.sleep(0.05)
            os._exit(0)
        os.waitpid(pid, 0)
    return "ok"


@app.get("/hog")
def hog():
    kept = []
    while True:
        kept.append(bytearray(os.urandom(1 << 20)))


@app.get("/slow")
def slow():
    open("/tmp/slow", "w").close()
    while not os.path.exists("/tmp/stopping"):
        time.sleep(0.02)
    time.sleep(0.5)
    return "finished"
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def check(fine, *what):
    if not fine:
        raise SystemExit("FAILED: " + " ".join(str(w) for w in what))


def until(what, ask):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        result = ask()
        if result:
            return result
        time.sleep(0.05)
    raise SystemExit("FAILED: not within %d s: %s" % (PATIENCE, what))


class Container:
    """One that runs; its log is that of standpipe, as JSON."""

    def __init__(self, image, **settings):
        self.image, self.port = image, free_port()
        self.id = "standpipe-try-%d-%d" % (os.getpid(), self.port)
        env = {"PORT": self.port, "STANDPIPE_LOG_FORMAT": "json", **settings.pop("env", {})}
        image.configure(memory=MEMORY, env=env, **settings)
        self.path = os.path.join(image.bundle, self.id + ".log")
        with open(self.path, "w") as log:
            self.process = subprocess.Popen(
                ["runc", "run", "--bundle", image.bundle, self.id], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def log(self):
        with open(self.path) as f:
            for line in f:
                with contextlib.suppress(ValueError):
                    yield json.loads(line)

    def events(self, name):
        return [r for r in self.log() if isinstance(r, dict) and r.get("event") == name]

    def run(self, *args):
        return subprocess.run(
            ["runc", "exec", self.id, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def healthy(self):
        check(self.process.poll() is None, "it has ended:", open(self.path).read()[-3000:])
        return self.run(*self.image.health).returncode == 0

    def ask(self, path, method="GET", body=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            c.request(method, path, body)
            answer = c.getresponse()
            return answer.status, answer.read()
        finally:
            c.close()

    def page(self, path):
        status, body = self.ask(path)
        check(status == 200, path, status, body[:300], open(self.path).read()[-3000:])
        return body

    def stop(self):
        subprocess.run(["runc", "kill", self.id, "TERM"], check=True)
        code = self.process.wait(PATIENCE)
        check(code == 0, "exit", code, open(self.path).read()[-3000:])
        check(self.events("stopped"), "no record of the end")

    def remove(self):
        subprocess.run(["runc", "delete", "--force", self.id], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.process.wait(PATIENCE)


@contextlib.contextmanager
def running(image, **settings):
    c = Container(image, **settings)
    try:
        until("healthy", c.healthy)
        yield c
    finally:
        c.remove()


def everything(c, uid, gid):
    """The checks of a Flask app, SHOP."""
    home = json.loads(c.page("/"))
    check(home == {"uid": uid, "gid": gid, "parent": 1, "written": False}, home)
    check(c.page("/static/shop.css") == b"p { color: red }\n", "the static file")
    began = time.monotonic()
    r = c.run("standpipe", "health", "--json")
    check(json.loads(r.stdout)["ready"] is True, r.stdout)
    print("  health: %.0f ms with the start of runc" % ((time.monotonic() - began) * 1000))
    r = c.run("standpipe", "top", "--once")
    check(r.returncode == 0 and "shop" in r.stdout, r)

    # What follows the limit.
    shown = c.run("standpipe", "config").stdout
    for line in re.findall(r"^.*(?:limit).*256.*$", shown, re.M):
        print("  config:", " ".join(line.split()))
    check(re.search(r"workers.*\b1\b.*limit 256MiB", shown), shown)
    spool = c.events("spool_in_memory")
    check(len(spool) == 1 and spool[0]["spool_total"] == MEMORY // 8, spool)

    # One after the other, each more than a third of the spool folder, which is memory here.
    for _ in range(8):
        status, body = c.ask("/upload", "POST", bytes(12 << 20))
        check((status, body) == (200, b"%d" % (12 << 20)), status, body[:300])

    c.page("/orphans")
    zombies = "import glob; print(sum(open(f).read().rpartition(')')[2].split()[0] == 'Z' for f in glob.glob('/proc/[0-9]*/stat')))"
    until("no zombie is left", lambda: c.run("python3", "-c", zombies).stdout.strip() == "0")

    # The kernel kills the worker and not the server.
    status, _ = c.ask("/hog")
    check(status == 502, "killed by the limit:", status)
    ended = until(
        "the worker's end", lambda: [e for e in c.events("worker_exit") if e.get("cause") == "oom" or e.get("cause") == "signal:9"]
    )
    print("  memory limit: cause=%s sender=%s" % (ended[0].get("cause"), ended[0].get("sender")))
    check(ended[0]["cause"] == "oom", ended[0])
    until("ready after the kill", c.healthy)
    check(json.loads(c.page("/"))["parent"] == 1, "another server")

    # A running request finishes.
    answers = []
    asking = threading.Thread(target=lambda: answers.append(c.ask("/slow")))
    asking.start()
    until("the request runs", lambda: c.run("ls", "/tmp/slow").returncode == 0)
    subprocess.run(["runc", "kill", c.id, "TERM"], check=True)
    until("it stops", lambda: c.events("stopping"))
    c.run("touch", "/tmp/stopping")
    asking.join(PATIENCE)
    check(c.process.wait(PATIENCE) == 0, "exit", c.process.returncode)
    check(answers == [(200, b"finished")], "the running request:", answers)
    check(c.events("stopped"), "no record of the end")


def write(folder, files):
    for name, text in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
    return folder


def django(folder, uv):
    """A Django project with its uv.lock."""
    write(folder, {"pyproject.toml": '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = ["django"]\n'})
    subprocess.run([uv, "lock", "--quiet"], cwd=folder, check=True)
    start = [uv, "run", "--quiet", "--no-project", "--with", "django", "django-admin", "startproject", "shop", "."]
    subprocess.run(start, cwd=folder, check=True)
    path = os.path.join(folder, "shop/settings.py")
    with open(path) as f:
        text = f.read().replace("ALLOWED_HOSTS = []", 'ALLOWED_HOSTS = ["127.0.0.1"]')
    write(folder, {"shop/settings.py": text})
    shutil.rmtree(os.path.join(folder, ".venv"), ignore_errors=True)


def packed(path, folder):
    """Unpacks the image of packaging/image.sh for this machine as a runtime does, and runs what its config says."""
    with tarfile.open(path) as tar:
        tar.extractall(folder)

    def blob(descriptor):
        kind, digest = descriptor["digest"].split(":")
        name = os.path.join(folder, "blobs", kind, digest)
        with open(name, "rb") as f:
            data = f.read()
        check((hashlib.sha256(data).hexdigest(), len(data)) == (digest, descriptor["size"]), name)
        return name, data

    with open(os.path.join(folder, "index.json")) as f:
        index = json.load(f)
    (image,) = json.loads(blob(index["manifests"][0])[1])["manifests"]
    manifest = json.loads(blob(image)[1])
    config = json.loads(blob(manifest["config"])[1])
    check(image["platform"] == {"os": config["os"], "architecture": config["architecture"]}, image)
    settings = config["config"]
    check(settings["Labels"]["org.opencontainers.image.licenses"].startswith("MIT"), settings)
    check(settings["Healthcheck"]["Test"] == ["CMD", "/standpipe", "health"], settings)
    only = replay.Image(os.path.join(folder, "bundle"), None)
    with tarfile.open(blob(manifest["layers"][0])[0]) as tar:
        check(tar.getnames() == ["standpipe"], tar.getnames())
        tar.extractall(only.root)
    only.user = tuple(int(n) for n in settings["User"].split(":"))
    check(only.user == (65532, 65532), only.user)
    only.configure(args=settings["Entrypoint"] + ["version"])
    text = run_once(only)
    check(text.split()[1] == settings["Labels"]["org.opencontainers.image.version"], text)


def run_once(image):
    command = ["runc", "run", "--bundle", image.bundle, "standpipe-once-%d" % os.getpid()]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout


def main(binary, base, folder):
    with open(os.path.join(ROOT, "docs", "containers.md")) as f:
        flask_file, django_file = re.findall(r"```dockerfile\n(.*?)```", f.read(), re.S)
    with open(os.path.join(HERE, "Dockerfile")) as f:
        only_file = f.read()
    with open(os.path.join(HERE, "Dockerfile.python")) as f:
        python_file = f.read()
    files = {"Dockerfile": only_file, "Dockerfile.python": python_file, "Flask": flask_file, "Django": django_file}
    found = [problem for name, text in files.items() for problem in replay.lint(name, text)]
    check(not found, "\n".join(found))
    print("the Dockerfiles are in order")

    uv = os.path.join(os.path.dirname(sys.executable), "uv")
    images = os.path.join(folder, "images")
    os.makedirs(os.path.join(images, "uv"))
    shutil.copy(uv, os.path.join(images, "uv", "uv"))
    shop = {"app.py": SHOP, "requirements.txt": "flask\n", "static/shop.css": "p { color: red }\n"}
    context = write(os.path.join(folder, "flask"), shop)
    shutil.copy(binary, os.path.join(context, "standpipe"))

    print("the image with only the program")
    only = replay.Image(os.path.join(folder, "only"), None).build(only_file, os.path.dirname(binary), images)
    only.configure(args=["/standpipe", "version"])
    text = run_once(only)
    check(text.startswith("standpipe "), text)

    print("the packed image")
    packed(os.path.join(folder, "image.tar"), os.path.join(folder, "packed"))

    print("Flask with pip")
    image = replay.Image(os.path.join(folder, "flask-image"), base).build(flask_file, context, images)
    with running(image) as c:
        everything(c, 10001, 0)
    print("the same as an arbitrary user")
    with running(image, user=(12345, 0)) as c:
        everything(c, 12345, 0)

    print("Python and standpipe, the app in a volume")
    plain = replay.Image(os.path.join(folder, "python-image"), base).build(python_file, os.path.dirname(binary), images)
    app = write(
        os.path.join(folder, "app"),
        {"app.py": 'def app(environ, start_response):\n    start_response("200 OK", [])\n    return [b"hello"]\n'},
    )
    with running(plain, mounts=[(app, "/srv/app")]) as c:
        check(c.page("/") == b"hello", "the page")
        c.stop()

    print("Django with uv")
    context = os.path.join(folder, "django")
    os.makedirs(context)
    django(context, uv)
    shutil.copy(binary, os.path.join(context, "standpipe"))
    image = replay.Image(os.path.join(folder, "django-image"), base).build(django_file, context, images)
    with running(image, user=(12345, 0)) as c:
        check(b"Django" in c.page("/admin/login/"), "the page")
        check(len(c.page("/static/admin/css/base.css")) > 1000, "the style")
        c.stop()

    for name, (path, says, env) in EXAMPLES.items():
        print("examples/" + name)
        context = os.path.join(folder, "example-" + name)
        ignored = shutil.ignore_patterns(".venv", "__pycache__", "*.db", "static_collected")
        shutil.copytree(os.path.join(ROOT, "examples", name), context, ignore=ignored)
        shutil.copy(binary, os.path.join(context, "standpipe"))
        with open(os.path.join(context, "Dockerfile")) as f:
            text = f.read()
        image = replay.Image(context + "-image", base).build(text, context, images)
        with running(image, env=env) as c:
            page = c.page(path)
            check(says in page, path, page[:300])
            style = re.search(rb'<link rel="stylesheet" href="([^"]+)"', c.page(path if b"<" in page else "/"))
            check(style and c.page(style.group(1).decode()), "the style of", path)
            c.stop()
    print("ok")


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3]))
