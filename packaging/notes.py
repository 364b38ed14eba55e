"""Prints the section of CHANGELOG.md for a release, as its notes: notes.py 1.2.0. A version before its release (1.2.0-rc.1) has what is
unreleased. Without such a section, or with an empty one, it says so and exits with 1."""

import re
import sys

import metadata


def section(text, version):
    """Returns the text under the heading of version, without links to files of the repository that lead nowhere elsewhere."""
    names = [re.escape(version)] + (["Unreleased"] if "-" in version else [])
    for name in names:
        date = "" if name == "Unreleased" else r" - \d{4}-\d\d-\d\d"
        found = re.search(r"^## \[%s\]%s\n(.*?)(?=^## |^\[[^]\n]+\]: |\Z)" % (name, date), text, re.M | re.S)
        if found and found.group(1).strip():
            return re.sub(r"\]\((?!https?:|#)", "](%s/blob/v%s/" % (metadata.HOME, version), found.group(1).strip()) + "\n"
    raise ValueError("CHANGELOG.md has no section `## [%s] - YYYY-MM-DD` with a text" % version)


if __name__ == "__main__":
    try:
        sys.stdout.write(section(metadata.read("CHANGELOG.md"), sys.argv[1]))
    except ValueError as error:
        raise SystemExit("notes: %s" % error) from None
