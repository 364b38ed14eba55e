"""The licences of a binary: what is linked into it, as one text and as an SPDX expression.

licenses.py BINARY prints the text. `go version -m` says which modules are in a binary; their licence files come from Go's module cache.
A file that is none of the known licences is an error: a person has to look at it."""

import glob
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def go(*args):
    done = subprocess.run(("go",) + args, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit("licenses: go %s failed; a binary that is older than go.mod has to be built again" % args[0])
    return done.stdout


def build_info(binary):
    """Returns {key: value} of the lines build, and the paths of the modules in binary."""
    settings, modules = {}, []
    for line in go("version", "-m", os.path.abspath(binary)).splitlines():
        words = line.split("\t")
        if words[1:2] == ["build"]:
            key, _, value = words[2].partition("=")
            settings[key] = value
        elif words[1:2] == ["dep"]:
            modules.append(words[2])
    return settings, modules


def kind(name, text):
    """Returns the SPDX identifier of a licence's text."""
    flat = " ".join(text.split()).lower()
    if "apache license version 2.0" in flat:
        return "Apache-2.0"
    if "cc0 1.0" in flat:
        return "CC0-1.0"
    if "permission is hereby granted, free of charge" in flat:
        return "MIT"
    if "redistribution and use in source and binary forms" in flat:
        return "BSD-3-Clause" if "neither the name" in flat or "names of its contributors" in flat else "BSD-2-Clause"
    sys.exit("licenses: %s has a licence that packaging/licenses.py does not know" % name)


def collect(binary):
    """Returns the SPDX expression of binary and the text with the licences of all that is linked into it."""
    folders = [("the Go programming language", go("env", "GOROOT").strip())]
    listed = go("list", "-m", "-f", "{{.Path}}\t{{.Version}}\t{{.Dir}}", *sorted(build_info(binary)[1]))
    for line in listed.splitlines():
        path, version, folder = line.split("\t")
        folders.append((path + " " + version, folder))
    kinds, parts = set(), []
    for name, folder in folders:
        found = sorted(glob.glob(os.path.join(glob.escape(folder), "LICEN[CS]E*")))
        if not found:
            sys.exit("licenses: %s has no licence file in %s" % (name, folder))
        for path in found + sorted(glob.glob(os.path.join(glob.escape(folder), "NOTICE*"))):
            with open(path, encoding="utf-8") as stream:
                text = stream.read().replace("\r\n", "\n").strip("\n")
            if path in found:
                kinds.add(kind(name, text))
            parts.append("%s\n%s, %s\n%s\n\n%s\n" % ("=" * 80, name, os.path.basename(path), "=" * 80, text))
    kinds.discard("MIT")
    text = "The program standpipe contains the following, under these licences.\n\n" + "\n".join(parts)
    return " AND ".join(["MIT"] + sorted(kinds)), text


if __name__ == "__main__":
    sys.stdout.buffer.write(collect(sys.argv[1])[1].encode())
