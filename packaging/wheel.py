"""Makes the wheel of one binary: wheel.py --binary bin/standpipe --version 1.2.0 --out dist

The binary goes to the scripts of the wheel, so that an installer puts it into the environment's bin as it is, and no Python starts in
front of it. Beside it is the package of packaging/python. The tags come from what the binary says of itself; --tag replaces them.
The same binary and the same SOURCE_DATE_EPOCH give the same bytes. Prints the path of the wheel."""

import argparse
import base64
import hashlib
import os
import subprocess
import sysconfig
import time
import zipfile

import metadata

# By GOOS/GOARCH. A binary without cgo runs with every libc, so it meets both families of tags. Go 1.27 needs macOS 13.
TAGS = {
    "linux/amd64": "manylinux_2_17_x86_64.musllinux_1_1_x86_64",
    "linux/arm64": "manylinux_2_17_aarch64.musllinux_1_1_aarch64",
    "linux/arm": "manylinux_2_17_armv7l.musllinux_1_1_armv7l",
    "darwin/amd64": "macosx_13_0_x86_64",
    "darwin/arm64": "macosx_13_0_arm64",
    "windows/amd64": "win_amd64",
}


def build_settings(binary):
    """Returns what Go has written into binary about its build, {name: value}."""
    told = subprocess.run(["go", "version", "-m", binary], check=True, stdout=subprocess.PIPE, text=True).stdout
    lines = [line.split("\t") for line in told.splitlines()]
    return dict(words[2].split("=", 1) for words in lines if words[1:2] == ["build"])


def platform_tags(build):
    """Returns the platform tags of a binary with these build settings. Another platform than those of TAGS gets the tag of this machine,
    for which pip has it built."""
    if build.get("CGO_ENABLED") == "1" or build["GOARCH"] == "arm" and build.get("GOARM", "7").partition(",")[0] != "7":
        raise SystemExit("wheel: build with CGO_ENABLED=0, and for arm with GOARM=7")
    own = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    return TAGS.get(build["GOOS"] + "/" + build["GOARCH"], own)


def package_files(version):
    """Yields the names and the bytes of the Python package."""
    folder = os.path.join(metadata.ROOT, "packaging", "python", "standpipe")
    for name in sorted(os.listdir(folder)):
        if name.endswith((".py", ".typed")):
            with open(os.path.join(folder, name), "rb") as stream:
                data = stream.read()
            if name == "__init__.py":
                start, line, end = data.partition(b'__version__ = "0"  # the builder of the wheel writes the release here\n')
                assert line and b"__version__ = " not in start + end
                data = start + b'__version__ = "%s"\n' % version.encode() + end
            yield "standpipe/" + name, data


def wheel_files(binary, version, tags, exe):
    """Yields name, mode and bytes of each file but RECORD."""
    info = "standpipe-%s.dist-info/" % version
    for name, data in package_files(version):
        yield name, 0o644, data
    with open(binary, "rb") as stream:
        yield "standpipe-%s.data/scripts/standpipe%s" % (version, exe), 0o755, stream.read()
    yield info + "METADATA", 0o644, metadata.describe(version).encode()
    lines = ["Wheel-Version: 1.0", "Generator: standpipe/packaging", "Root-Is-Purelib: false"]
    lines += ["Tag: py3-none-" + tag for tag in tags.split(".")]
    yield info + "WHEEL", 0o644, ("\n".join(lines) + "\n").encode()
    for name in metadata.LICENSES:
        yield info + "licenses/" + name, 0o644, metadata.read(name).encode()


def write(path, files, info):
    """Writes the archive, with RECORD as its last file."""
    epoch = max(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), 315532800)  # a zip knows no time before 1980
    record = []
    with zipfile.ZipFile(path + ".part", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:

        def add(name, mode, data):
            entry = zipfile.ZipInfo(name, time.gmtime(epoch)[:6])
            entry.create_system = 3  # Unix: the mode counts
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)

        for name, mode, data in files:
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append("%s,sha256=%s,%d\n" % (name, digest, len(data)))
            add(name, mode, data)
        add(info + "RECORD", 0o644, ("".join(record) + info + "RECORD,,\n").encode())
    os.replace(path + ".part", path)


def build(binary, version, out, tags=None):
    """Makes the wheel in the folder out. Returns the name of its file."""
    version = metadata.canonical(version)
    settings = build_settings(binary)
    tags = tags or platform_tags(settings)
    name = "standpipe-%s-py3-none-%s.whl" % (version, tags)
    os.makedirs(out, exist_ok=True)
    exe = ".exe" if settings["GOOS"] == "windows" else ""
    write(os.path.join(out, name), wheel_files(binary, version, tags, exe), "standpipe-%s.dist-info/" % version)
    return name


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--binary", required=True)
    parser.add_argument("--version", default=metadata.source_version())
    parser.add_argument("--tag", help="platform tags in the place of those of the binary, such as linux_riscv64")
    parser.add_argument("--out", default="dist")
    given = parser.parse_args()
    print(os.path.join(given.out, build(given.binary, given.version, given.out, given.tag)))
