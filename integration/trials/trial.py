"""What a trial is: one application from PyPI, how it is set up, and what a person does with it."""

import os
import subprocess


class Skip(Exception):
    """The application cannot be tried here; the text says why."""


class Trial:
    """One application. A subclass sets the fields and writes prepare and visit.

    name          of the trial, for the command line and the report
    requirements  what pip installs into the trial's venv, pinned
    app           what standpipe and gunicorn serve (MODULE:NAME); standpipe alone finds it by itself where find is true
    find          standpipe serve is started without APP: it has to find the app
    env           NAME: value, for both servers and the commands of prepare
    standpipe     further flags of standpipe serve
    gunicorn      further flags of gunicorn
    static        {URL prefix: folder beneath the project}: what nginx serves in front of gunicorn; standpipe finds it by itself
    mount_root    where the project's app lives beneath the project's folder
    explained     {part of a difference's line: why it is right}
    """

    name = ""
    requirements = ()
    app = ""
    find = False
    env = {}
    standpipe = ()
    gunicorn = ()
    static = {}
    mount_root = ""
    explained = {}

    def prepare(self, project):
        """Sets the application up in project, an empty folder. It runs once for each server, so that both start from the same."""

    def visit(self, browser):
        """Uses the application. Each step is recorded by the browser, and compared between the servers."""
        raise NotImplementedError


class Project:
    """The folder of one trial under one server, and the venv."""

    def __init__(self, directory, venv, env):
        self.dir = directory
        self.venv = venv
        self.env = env

    def bin(self, name):
        return os.path.join(self.venv, "bin", name)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        mode = "wb" if isinstance(text, bytes) else "w"
        with open(path, mode) as f:
            f.write(text)

    def edit(self, name, old, new):
        """Replaces old, which has to be there."""
        with open(self.path(name)) as f:
            text = f.read()
        if old not in text:
            raise ValueError("%s does not hold %r" % (name, old))
        self.write(name, text.replace(old, new))

    def run(self, *argv, input=None, cwd=""):
        """Runs a command of the venv, or another, to its end."""
        program = self.bin(argv[0])
        argv = ([program] if os.path.exists(program) else [argv[0]]) + list(argv[1:])
        done = subprocess.run(
            argv, cwd=self.path(cwd), env=self.env, input=input, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode:
            raise RuntimeError("%s: exit %d\n%s" % (" ".join(argv), done.returncode, done.stdout[-3000:]))
        return done.stdout
