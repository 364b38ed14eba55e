"""The build backend of the sdist (PEP 517). pip comes here where no wheel fits, or when it was told not to use wheels: with Go it builds
the program, without Go it says what to do instead."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import metadata
import sdist
import wheel

# One line: pip shows it as it is.
INSTEAD = (
    "standpipe: pip builds it from source here, because no wheel fits this system, and %s. Wheels are made for Linux (x86_64, aarch64, "
    "armv7l; glibc 2.17, musl 1.1), macOS 13 and Windows (x86_64): use one of these with a current pip (python -m pip install --upgrade "
    "pip), or install Go 1.21 or newer and try again."
)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    version = packed_version()
    with tempfile.TemporaryDirectory() as folder:
        binary = os.path.join(folder, "standpipe")
        compile_program(binary, version)
        return wheel.build(binary, version, wheel_directory)


def build_sdist(sdist_directory, config_settings=None):
    return sdist.build(packed_version(), sdist_directory)


def packed_version():
    """Returns the version of the sdist."""
    return re.search(r"^Version: (.+)$", metadata.read("PKG-INFO"), re.M).group(1)


def compile_program(binary, version):
    """Builds the program for this machine. Go of another release fetches the one that go.mod names."""
    if shutil.which("go") is None:
        sys.exit(INSTEAD % "Go, which could build it, is not installed")
    command = ["go", "build", "-trimpath", "-ldflags", "-s -w -X main.version=" + version, "-o", binary, "./cmd/standpipe"]
    environ = dict(os.environ, CGO_ENABLED="0", GOFLAGS="-buildvcs=false -mod=readonly")
    for name in ("GOOS", "GOARCH"):
        environ.pop(name, None)
    done = subprocess.run(command, cwd=metadata.ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.stderr.write(done.stdout)
        sys.exit(INSTEAD % "Go could not build it (above)")
