"""The two servers of a trial: standpipe alone, and gunicorn behind nginx."""

import os
import re
import signal
import socket
import subprocess
import time

LIMIT = 180  # seconds for a start; a guard against hanging


class Failed(Exception):
    """A server did not start; the text is what it said."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Process:
    """One child process, its output in a file."""

    def __init__(self, argv, cwd, env, log):
        self.log = log
        self.argv = argv
        with open(log, "ab") as out:
            self.child = subprocess.Popen(
                argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )

    def text(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def wait_for(self, pattern):
        """Waits until the output holds pattern, and returns the match."""
        end = time.monotonic() + LIMIT
        while True:
            found = re.search(pattern, self.text())
            if found:
                return found
            if self.child.poll() is not None:
                raise Failed("%s ended with %d:\n%s" % (self.argv[0], self.child.returncode, self.text()[-4000:]))
            if time.monotonic() > end:
                raise Failed("%s said nothing like %s:\n%s" % (self.argv[0], pattern, self.text()[-4000:]))
            time.sleep(0.05)

    def stop(self):
        """Ends the process as a service manager would; returns its exit code."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(self.child.pid, signal.SIGKILL)
        return self.child.wait()


class Standpipe:
    name = "standpipe"

    def __init__(self, binary, trial, project, logs):
        argv = [binary, "serve"]
        if not trial.find:
            argv.append(trial.app)
        argv += ["--python", project.bin("python")]
        argv += ["-b", "127.0.0.1:0", "--log-format", "text", "--runtime-dir", os.path.join(logs, "run"), *trial.standpipe]
        self.process = Process(argv, project.path(trial.mount_root), project.env, os.path.join(logs, "standpipe.log"))
        try:
            self.port = int(self.process.wait_for(r"http://127\.0\.0\.1:(\d+)").group(1))
            self.process.wait_for(r"workers? \d+/\d+ ready|ready in")
        except Failed:
            self.process.stop()
            raise

    def stop(self):
        return self.process.stop()

    def log(self):
        return self.process.text()


class Gunicorn:
    """gunicorn, with nginx in front as its documentation shows it."""

    name = "gunicorn"

    def __init__(self, trial, project, logs):
        port = free_port()
        argv = [project.bin("gunicorn"), trial.app, "-w", "2", "-b", "127.0.0.1:%d" % port, "--timeout", "120", *trial.gunicorn]
        self.process = Process(argv, project.path(trial.mount_root), project.env, os.path.join(logs, "gunicorn.log"))
        self.nginx = None
        try:
            self.process.wait_for(r"Booting worker")
            self.port = free_port()
            conf = os.path.join(logs, "nginx.conf")
            with open(conf, "w") as f:
                f.write(self._conf(trial, project, logs, port))
            self.nginx = Process(["nginx", "-p", logs, "-c", conf, "-g", "daemon off;"], logs, project.env, os.path.join(logs, "nginx.log"))
            _connects(self.port, self.nginx)
            _connects(port, self.process)
        except Failed:
            self.stop()
            raise

    def _conf(self, trial, project, logs, port):
        locations = "".join(
            "        location %s { alias %s/; }\n" % (url, project.path(folder).rstrip("/")) for url, folder in trial.static.items()
        )
        return """worker_processes 1;
pid %(logs)s/nginx.pid;
error_log %(logs)s/nginx-error.log;
%(user)s
events { worker_connections 256; }
http {
    include /etc/nginx/mime.types;
    access_log off;
    client_max_body_size 100m;
    client_body_temp_path %(logs)s/body;
    proxy_temp_path %(logs)s/proxy;
    fastcgi_temp_path %(logs)s/fastcgi;
    uwsgi_temp_path %(logs)s/uwsgi;
    scgi_temp_path %(logs)s/scgi;
    server {
        listen 127.0.0.1:%(front)d;
%(locations)s        location / {
            proxy_pass http://127.0.0.1:%(port)d;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_redirect off;
        }
    }
}
""" % {"logs": logs, "front": self.port, "port": port, "locations": locations, "user": "user root;" if os.getuid() == 0 else ""}

    def stop(self):
        if self.nginx is not None:
            self.nginx.stop()
        return self.process.stop()

    def log(self):
        return self.process.text()


def _connects(port, process):
    end = time.monotonic() + LIMIT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
            return
        except OSError:
            if process.child.poll() is not None or time.monotonic() > end:
                raise Failed("nothing listens on port %d:\n%s" % (port, process.text()[-4000:]))
            time.sleep(0.05)
