"""What the race needs: a venv with the peers, programs of the distribution, the two Go programs. What is missing has a reason."""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import time

import machine

CACHE = os.path.join(machine.REPOSITORY, ".cache", "bench")
REQUIREMENTS = os.path.join(machine.HERE, "requirements.txt")

_LIST = """
import importlib.metadata, json
print(json.dumps({d.metadata["Name"].lower().replace("_", "-"): d.version for d in importlib.metadata.distributions()}))
"""


def _key(name):
    return name.lower().replace("_", "-")


def interpreter():
    """The distribution's python3 where it will do: its releases are built with care, and its uWSGI and mod_wsgi have the same one."""
    for path in "/usr/bin/python3", sys.executable:
        if machine.output([path, "-c", "import sys, venv, ensurepip; print(sys.version_info >= (3, 9))"]) == "True":
            return path
    raise SystemExit("bench: no python3 with venv found")


class Tools:
    """Where everything is; missing(names) says what is not there and why."""

    def __init__(self, standpipe, python=None, quick=False, more=()):
        self.standpipe = os.path.abspath(standpipe)
        self.venv = os.path.join(CACHE, "venv")
        self.quick = quick  # nothing is compiled
        self.more = more  # arguments of standpipe's, for a trial
        self.pace = os.path.join(CACHE, "pace")
        self.http1 = os.path.join(CACHE, "http1")
        self._delayed = None  # not tried yet
        self._http1_failed = None  # not tried yet
        self._reasons = {}
        self._installed = {}
        self._python = python or interpreter()

    def bin(self, name):
        return os.path.join(self.venv, "bin", name)

    def prepare(self, names):
        """Installs what of names (packages) is not there at the release that requirements.txt names."""
        version = machine.output([self._python, "-c", "import sys; print(sys.version)"])
        stamp = os.path.join(self.venv, "stamp")
        if machine.read(stamp) != version:
            shutil.rmtree(self.venv, ignore_errors=True)
            os.makedirs(CACHE, exist_ok=True)
            subprocess.run([self._python, "-m", "venv", self.venv], check=True)
            with open(stamp, "w") as f:
                f.write(version)
        self._installed = self._list()
        pinned = requirements()
        for name in names:
            want = pinned[_key(name)]
            if self._installed.get(_key(name)) == want:
                continue
            print("bench: installing %s %s" % (name, want), flush=True)
            more = ["--only-binary", ":all:"] if self.quick else []
            argv = [self.bin("pip"), "install", "--quiet", "--disable-pip-version-check", *more, "%s==%s" % (name, want)]
            failed = _install(argv)
            if failed:
                self._reasons[_key(name)] = "%s %s cannot be installed: %s" % (name, want, failed)
        self._installed = self._list()
        self._build_pace()

    def _list(self):
        return json.loads(machine.output([self.bin("python"), "-c", _LIST]) or "{}")

    def _build_pace(self):
        argv = ["go", "build", "-o", self.pace, "./integration/bench/pace"]
        done = subprocess.run(argv, cwd=machine.REPOSITORY, env=go_environment())
        if done.returncode:
            self.pace = ""

    def delayed(self):
        """The program of delayed/; "" when it cannot be built."""
        if self._delayed is None:
            path = os.path.join(CACHE, "delayed")
            argv = ["go", "build", "-o", path, "./integration/bench/delayed"]
            failed = not which("go") or subprocess.run(argv, cwd=machine.REPOSITORY, env=go_environment()).returncode
            self._delayed = "" if failed else path
        return self._delayed

    def _build_http1(self):
        """ "" or why not. The module file is a copy, which may change when the packages that bridge/http1 imports have."""
        for end in "mod", "sum":
            shutil.copy(os.path.join(machine.HERE, "http1", "go." + end), self.http1 + "." + end)
        argv = [
            "go",
            "build",
            "-C",
            os.path.join(machine.HERE, "http1"),
            "-mod=mod",
            "-modfile=" + self.http1 + ".mod",
            "-o",
            self.http1,
            ".",
        ]
        done = subprocess.run(argv, env=go_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return "http1 cannot be built: " + _cause(done.stdout.decode("utf-8", "replace")) if done.returncode else ""

    def missing(self, server, case):
        """Why something that both need is not there; "" when all is."""
        if server.family == "alone" and which("go"):
            if self._http1_failed is None:
                self._http1_failed = self._build_http1()
            if self._http1_failed:
                return self._http1_failed
        if case.kind in ("pace", "fixed", "overload") and not self.pace:
            return "the open-loop client cannot be built: no Go"
        for name in server.needs + case.needs:
            if _key(name) == "uwsgi" and not self._installed.get("uwsgi") and self._distribution_uwsgi():
                continue
            if not self._installed.get(_key(name)):
                return self._reasons.get(_key(name), "%s is not installed" % name)
        for name in server.programs:
            if name == "apache2":
                if not self.apache():
                    return "apache2 is not installed"
            elif not which(name):
                return "%s is not installed" % name
        return ""

    # uWSGI: the release of requirements.txt, else the distribution's with its plugin.

    def _distribution_uwsgi(self):
        """Its argument vector, or () when it is not there for this venv's Python."""
        minor = machine.output([self.bin("python"), "-c", "import sys; print('%d%d' % sys.version_info[:2])"])
        found = glob.glob("/usr/lib/uwsgi/plugins/python%s_plugin.so" % minor)
        return (which("uwsgi"), "--plugin", "python3", "--virtualenv", self.venv) if found and which("uwsgi") else ()

    def uwsgi(self):
        if self._installed.get("uwsgi"):
            return (self.bin("uwsgi"),)
        return self._distribution_uwsgi()

    # nginx and Apache.

    def nginx(self):
        return which("nginx")

    def php_fpm(self):
        """php-fpm, or Debian's name with the release; the last of them."""
        found = sorted(glob.glob("/usr/sbin/php-fpm*") + glob.glob("/usr/local/sbin/php-fpm*"))
        return which("php-fpm") or (found[-1] if found else "")

    def apache(self):
        return which("apache2") or which("httpd")

    def apache_modules(self):
        for path in "/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/libexec/apache2":
            if os.path.isdir(path):
                return path
        return "modules"

    def mod_wsgi(self):
        found = glob.glob(os.path.join(self.venv, "lib", "python3*", "site-packages", "mod_wsgi", "server", "mod_wsgi*.so"))
        return found[0] if found else ""

    def versions(self):
        """Of everything that takes part, as it says itself: {name: version}."""
        said = {"CPython": machine.output([self.bin("python"), "-c", "import platform; print(platform.python_version())"])}
        said["standpipe"] = machine.output([self.standpipe, "version"]).replace("standpipe", "").strip()
        for name in requirements():
            if name in self._installed:
                said[name] = self._installed[name]
        if "uwsgi" not in said and self.uwsgi():
            said["uwsgi"] = machine.output([which("uwsgi"), "--version"]) + " (of the distribution)"
        for name, argv, form in (
            ("nginx", [which("nginx"), "-v"], r"nginx/(\S+)"),
            ("apache", [self.apache(), "-v"], r"Apache/(\S+)"),
            ("wrk", [which("wrk"), "-v"], r"wrk (\S+)"),
            ("php", [self.php_fpm(), "-v"], r"PHP (\S+)"),
            ("h2load", [which("h2load"), "--version"], r"nghttp2/(\S+)"),
        ):
            found = re.search(form, machine.output(argv)) if argv[0] else None
            if found:
                said[name] = found.group(1)
        return said


def go_environment():
    """For building with the Go that go.mod names, whatever Go is installed."""
    named = re.search(r"^toolchain (\S+)", machine.read(os.path.join(machine.REPOSITORY, "go.mod")), re.M)
    return dict(os.environ, CGO_ENABLED="0", **({"GOTOOLCHAIN": named.group(1)} if named else {}))


def which(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin") or ""


def requirements():
    """{name: version} of requirements.txt."""
    with open(REQUIREMENTS) as f:
        return {_key(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", f.read(), re.M)}


def _install(argv):
    """Runs pip; "" or why it failed. What the network did is tried again."""
    for pause in 5, 20, 60, 0:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = done.stdout.decode("utf-8", "replace")
        if not done.returncode:
            return ""
        if not pause or not _NETWORK.search(said):
            return _cause(said)
        print("bench: %s; again in %d s" % (_cause(said), pause), flush=True)
        time.sleep(pause)


_NETWORK = re.compile(r"Retrying \(|Connection|[Tt]imed out|Temporary failure|IncompleteRead|HTTP error (429|5\d\d)")


def _cause(text):
    """The line of pip's output that says what was wrong."""
    for line in text.splitlines():
        if re.search(r"fatal error|not found|No matching|cannot find|RuntimeError|error:", line):
            return line.strip()[:160]
    return text.strip()[-160:]
