"""Replays a Dockerfile on a copy of a Debian root, where base images cannot be pulled, and makes a bundle for runc of it.

It knows what the Dockerfiles of this repository use; an instruction that it does not know is an error. The base image is
the given root; --from another image takes the file from the folder `images`, by its name.
"""

import json
import os
import shutil
import subprocess
from typing import List

from dockerfile_parse import DockerfileParser

KNOWN = {"FROM", "WORKDIR", "COPY", "ENV", "RUN", "USER", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD", "COMMENT"}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def instructions(text):
    parser = DockerfileParser(fileobj=__import__("io").BytesIO(text.encode()))
    return [(i["instruction"], i["value"]) for i in parser.structure if i["instruction"] != "COMMENT"]


def lint(name, text):
    """What is wrong with a Dockerfile, as sentences."""
    found = []
    steps = instructions(text)
    names = [s[0] for s in steps]
    for word, value in steps:
        if word not in KNOWN:
            found.append("unknown instruction %s" % word)
        if word in ("ENTRYPOINT", "CMD") and not isinstance(loaded(value), list):
            found.append("%s is not in the exec form: a shell would be PID 1" % word)
        image = value.split()[0] if word == "FROM" else value.split()[0][len("--from=") :] if value.startswith("--from=") else ""
        if image and image != "scratch" and (":" not in image or image.endswith(":latest")):
            found.append("%s has no version" % image)
        if word == "RUN" and "pip install" in value and "--no-cache-dir" not in value:
            found.append("pip install without --no-cache-dir")
    if names[:1] != ["FROM"]:
        found.append("does not begin with FROM")
    users = [v for w, v in steps if w == "USER"]
    if not users or users[-1].split(":")[0] in ("0", "root"):
        found.append("runs as root")
    whole = [n for n, (w, v) in enumerate(steps) if w == "COPY" and v == ". ."]
    if any(w == "RUN" for n, (w, v) in enumerate(steps) if whole and n > whole[0]):
        found.append("the code is copied before a RUN: each change of the code runs it again")
    if "ENTRYPOINT" not in names and "CMD" not in names:
        found.append("starts nothing")
    if steps[:1] != [("FROM", "scratch")] and "HEALTHCHECK" not in names:
        found.append("has no HEALTHCHECK")
    return ["%s: %s" % (name, f) for f in found]


def loaded(value):
    try:
        return json.loads(value)
    except ValueError:
        return None


class Image:
    def __init__(self, bundle, base):
        self.bundle, self.root = bundle, os.path.join(bundle, "rootfs")
        self.env = {"PATH": PATH, "HOME": "/"}
        self.cwd, self.user = "/", (0, 0)
        self.entrypoint: List[str] = []
        self.cmd: List[str] = []
        self.health: List[str] = []
        os.makedirs(bundle)
        if base:
            subprocess.run(["cp", "-a", "--reflink=auto", base, self.root], check=True)
        else:
            os.mkdir(self.root)

    def inside(self, path):
        return self.root + os.path.normpath(os.path.join(self.cwd, path))

    def build(self, text, context, images):
        for word, value in instructions(text):
            getattr(self, "do_" + word.lower(), lambda v: None)(value) if word != "COPY" else self.copy(value, context, images)
        return self

    def do_workdir(self, value):
        self.cwd = os.path.normpath(os.path.join(self.cwd, value))
        os.makedirs(self.root + self.cwd, exist_ok=True)

    def do_env(self, value):
        self.env.update(pair.split("=", 1) for pair in value.split())

    def do_user(self, value):
        self.user = tuple(int(n) for n in value.split(":"))

    def do_entrypoint(self, value):
        self.entrypoint = json.loads(value)

    def do_cmd(self, value):
        self.cmd = json.loads(value)

    def do_healthcheck(self, value):
        self.health = json.loads(value.split("CMD", 1)[1])

    def do_run(self, value):
        # As a builder does, and this machine's certificates.
        for name in ("/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt"):
            os.makedirs(os.path.dirname(self.root + name), exist_ok=True)
            shutil.copy(name, self.root + name)
        certificates = "/etc/ssl/certs/ca-certificates.crt"
        env = {**self.env, "PIP_CERT": certificates, "SSL_CERT_FILE": certificates, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_QUIET": "1"}
        subprocess.run(["chroot", self.root, "/bin/sh", "-ec", "cd %s\n%s" % (self.cwd, value)], env=env, check=True)

    def copy(self, value, context, images):
        mode, source = None, context
        words = value.split()
        while words[0].startswith("--"):
            key, given = words.pop(0).split("=", 1)
            if key == "--chmod":
                mode = int(given, 8)
            elif key == "--from":
                source = os.path.join(images, given.split("/")[-1].split(":")[0])
            else:
                raise SystemExit("COPY %s: not known here" % key)
        *files, to = words
        for name in files:
            path = os.path.normpath(source + "/" + name)
            if os.path.isdir(path):
                shutil.copytree(path, self.inside(to), symlinks=True, dirs_exist_ok=True)
                continue
            target = self.inside(to)
            if to.endswith("/") or os.path.isdir(target):
                os.makedirs(target, exist_ok=True)
                target = os.path.join(target, os.path.basename(name))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(path, target)
            os.chmod(target, mode if mode is not None else os.stat(path).st_mode & 0o7777)

    def configure(self, user=None, memory=0, mounts=(), env=(), args=None):
        """Writes config.json: a read-only root, /tmp in memory, no rights, this machine's network."""
        path = os.path.join(self.bundle, "config.json")
        if os.path.exists(path):
            os.remove(path)
        subprocess.run(["runc", "spec", "--bundle", self.bundle], check=True)
        with open(path) as f:
            spec = json.load(f)
        process = spec["process"]
        uid, gid = user or self.user
        process.update(terminal=False, user={"uid": uid, "gid": gid}, cwd=self.cwd, args=args or self.entrypoint + self.cmd)
        process["env"] = ["%s=%s" % pair for pair in {**self.env, **dict(env)}.items()]
        process["capabilities"] = {kind: [] for kind in process["capabilities"]}
        process.pop("rlimits")  # those of this process
        spec["root"]["readonly"] = True
        spec["linux"]["namespaces"] = [n for n in spec["linux"]["namespaces"] if n["type"] != "network"]
        if memory:
            spec["linux"]["resources"]["memory"] = {"limit": memory, "swap": memory}
        tmp = {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=1777", "size=1g"]}
        spec["mounts"] += [tmp] + [
            {"destination": to, "type": "bind", "source": source, "options": ["rbind", "ro"]} for source, to in mounts
        ]
        with open(path, "w") as f:
            json.dump(spec, f)
