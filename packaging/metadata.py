"""What a package of standpipe says about itself: the core metadata (version 2.4) of the wheel and the sdist."""

import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HOME = "https://github.com/standpipe/standpipe"
SUMMARY = "One static binary that serves Python WSGI apps: HTTP, HTTPS, HTTP/2, static files, supervised workers"
KEYWORDS = "wsgi,server,http,https,http2,web,django,flask,gunicorn,uwsgi,nginx"
LICENSES = ("LICENSE", "THIRD_PARTY_LICENSES")
URLS = (
    ("Homepage", HOME),
    ("Documentation", HOME + "/tree/main/docs"),
    ("Changelog", HOME + "/blob/main/CHANGELOG.md"),
    ("Source", HOME),
    ("Issues", HOME + "/issues"),
)
PYTHONS = range(8, 16)  # 3.8 to 3.15
CLASSIFIERS = (
    [
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Environment :: Web Environment",
        "Framework :: Django",
        "Framework :: Flask",
    ]
    + ["Intended Audience :: Developers", "Intended Audience :: System Administrators"]
    + ["Operating System :: MacOS", "Operating System :: Microsoft :: Windows", "Operating System :: POSIX :: Linux"]
    + ["Programming Language :: Go", "Programming Language :: Python :: 3", "Programming Language :: Python :: 3 :: Only"]
    + ["Programming Language :: Python :: 3.%d" % minor for minor in PYTHONS]
    + ["Programming Language :: Python :: Implementation :: CPython", "Programming Language :: Python :: Implementation :: PyPy"]
    + ["Topic :: Internet :: WWW/HTTP :: HTTP Servers", "Topic :: Internet :: WWW/HTTP :: WSGI :: Server", "Typing :: Typed"]
)


def canonical(version):
    """Returns a version of semver as Python writes it (PEP 440): 1.2.0-rc.1 is 1.2.0rc1. Raises ValueError for what has no such form."""
    found = re.fullmatch(r"v?(\d+\.\d+\.\d+)(?:-?(alpha|beta|rc|dev|a|b)\.?(\d+))?", version)
    if not found:
        raise ValueError("version %r: it is X.Y.Z, or X.Y.Z-rc.N (alpha, beta, dev)" % version)
    base, stage, number = found.groups()
    if not stage:
        return base
    return base + {"alpha": "a", "beta": "b", "dev": ".dev"}.get(stage, stage) + str(int(number))


def source_version():
    """Returns the version that cmd/standpipe/version.go names."""
    return re.search(r'^var version = "(.+)"$', read("cmd/standpipe/version.go"), re.M).group(1)


def read(name):
    """Returns a file of the top folder, as text."""
    with open(os.path.join(ROOT, *name.split("/")), encoding="utf-8") as stream:
        return stream.read()


def expression():
    """Returns the SPDX expression of the program: its own licence, and those of what it contains."""
    found = set()
    for section in read(LICENSES[1]).split("\n%s\n" % ("-" * 80))[1:]:
        names, _, text = section.strip().partition("\n\n")
        for kind in re.findall(r"\(([A-Za-z0-9.-]+)\)$", names, re.M):
            if kind == "BSD":
                kind = "BSD-3-Clause" if "neither the name" in " ".join(text.split()).lower() else "BSD-2-Clause"
            found.add(kind)
    return " AND ".join(["MIT"] + sorted(found - {"MIT", "notice"}))


def describe(version):
    """Returns METADATA, or PKG-INFO."""
    # The files that README.md points at are not on the page of the package index.
    readme = re.sub(r"\]\((?!https?:|#)", "](%s/blob/main/" % HOME, read("README.md"))
    readme = re.sub(r"\.svg\)", ".svg?raw=true)", readme)  # the picture, not the page about it
    fields = [("Metadata-Version", "2.4"), ("Name", "standpipe"), ("Version", version), ("Summary", SUMMARY), ("Keywords", KEYWORDS)]
    fields += [("Author", "The standpipe authors"), ("License-Expression", expression())]
    fields += [("License-File", name) for name in LICENSES]
    fields += [("Project-URL", "%s, %s" % url) for url in URLS]
    fields += [("Classifier", name) for name in CLASSIFIERS]
    fields += [("Requires-Python", ">=3.%d" % PYTHONS[0]), ("Description-Content-Type", "text/markdown; charset=UTF-8; variant=GFM")]
    return "".join("%s: %s\n" % field for field in fields) + "\n" + readme
