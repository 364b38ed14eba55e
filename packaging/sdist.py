"""Makes the source distribution: sdist.py --version 1.2.0 --out dist

It holds what `go build` and packaging/backend.py need: the sources without tests, and pyproject.toml, which is not in the tree's own top
folder. In a clone git names the files; in an unpacked sdist they are those of the folder. Prints the path."""

import argparse
import gzip
import io
import os
import subprocess
import tarfile

import metadata

FOLDERS = ("bridge", "cmd", "docs", "packaging", "shim", "shim_py", "supervisor")
FILES = ("CHANGELOG.md", "LICENSE", "README.md", "THIRD_PARTY_LICENSES", "go.mod", "go.sum")
UNWANTED = {"testdata", "tests", "__pycache__", "pictures", "drawings", "measurements"}


def wanted(name):
    folders = name.split("/")[:-1]
    if not folders:
        return name in FILES
    return folders[0] in FOLDERS and not name.endswith(("_test.go", ".pyc")) and not UNWANTED & set(folders)


def listed():
    """Returns the names of the files, relative to the top folder."""
    if os.path.exists(os.path.join(metadata.ROOT, "PKG-INFO")):
        found = [os.path.join(folder, name) for folder, _, names in os.walk(metadata.ROOT) for name in names]
        found = [os.path.relpath(path, metadata.ROOT).replace(os.sep, "/") for path in found]
    else:
        out = subprocess.run(["git", "ls-files", "-z"], cwd=metadata.ROOT, check=True, stdout=subprocess.PIPE).stdout
        found = [name for name in out.decode().split("\0") if name]
    return sorted(filter(wanted, found))


def pack(target, top, epoch, version):
    """Writes the tar file."""
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:

        def add(name, data):
            entry = tarfile.TarInfo(top + "/" + name)
            entry.size, entry.mtime, entry.mode = len(data), epoch, 0o644
            archive.addfile(entry, io.BytesIO(data))

        add("PKG-INFO", metadata.describe(version).encode())
        for name in listed():
            with open(os.path.join(metadata.ROOT, *name.split("/")), "rb") as stream:
                data = stream.read()
            add(name, data)
            if name == "packaging/pyproject.toml":
                add("pyproject.toml", data)


def build(version, out):
    """Makes the sdist in the folder out. Returns the name of its file."""
    version = metadata.canonical(version)
    top = "standpipe-" + version
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "315532800"))
    os.makedirs(out, exist_ok=True)
    path = os.path.join(out, top + ".tar.gz")
    with open(path + ".part", "wb") as raw, gzip.GzipFile("", "wb", 9, raw, epoch) as packed:
        pack(packed, top, epoch, version)
    os.replace(path + ".part", path)
    return os.path.basename(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--version", default=metadata.source_version())
    parser.add_argument("--out", default="dist")
    given = parser.parse_args()
    print(os.path.join(given.out, build(given.version, given.out)))
