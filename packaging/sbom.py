"""The software bill of materials of a binary, as SPDX 2.3 JSON: the modules that are linked into it, with the sums of go.sum.

sbom.py BINARY VERSION PLATFORM"""

import datetime
import hashlib
import json
import os
import re
import subprocess
import sys


def modules(binary):
    """Yields (path, version, sum) of each module, and of Go itself."""
    out = subprocess.run(["go", "version", "-m", binary], check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout
    yield "std", out.split("\n", 1)[0].rsplit(" ", 1)[-1].replace("go", "", 1), ""
    for line in out.splitlines():
        words = line.split("\t")
        if words[1:2] == ["dep"]:
            yield words[2], words[3], words[4] if len(words) > 4 else ""


def main(binary, version, platform):
    with open(binary, "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()
    product = {
        "SPDXID": "SPDXRef-standpipe",
        "name": "standpipe",
        "versionInfo": version,
        "packageFileName": os.path.basename(binary),
        "supplier": "Organization: The standpipe authors",
        "downloadLocation": "https://github.com/standpipe/standpipe",
        "filesAnalyzed": False,
        "licenseConcluded": "MIT",
        "licenseDeclared": "MIT",
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": "APPLICATION",
        "checksums": [{"algorithm": "SHA256", "checksumValue": digest}],
    }
    packages, relations = [product], [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": product["SPDXID"]}]
    for path, release, _ in modules(binary):
        identifier = "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", path)
        packages.append(
            {
                "SPDXID": identifier,
                "name": path,
                "versionInfo": release,
                "downloadLocation": "https://go.dev/dl/" if path == "std" else "https://proxy.golang.org/%s/@v/%s.zip" % (escaped(path), escaped(release)),
                "filesAnalyzed": False,
                "licenseConcluded": "NOASSERTION",
                "licenseDeclared": "NOASSERTION",
                "copyrightText": "NOASSERTION",
                "externalRefs": [
                    {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:golang/%s@%s" % (path, release)}
                ],
            }
        )
        relations.append({"spdxElementId": product["SPDXID"], "relationshipType": "DEPENDS_ON", "relatedSpdxElement": identifier})
    created = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    name = "standpipe-%s-%s" % (version, platform)
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": "https://github.com/standpipe/standpipe/spdx/%s-%s" % (name, digest),
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Organization: The standpipe authors", "Tool: standpipe-sbom"]},
        "packages": packages,
        "relationships": relations,
    }
    json.dump(document, sys.stdout, indent=1)
    print()


def escaped(text):
    """Returns a path as the module proxy spells it: a capital is ! and the small letter."""
    return re.sub("[A-Z]", lambda m: "!" + m.group().lower(), text)


if __name__ == "__main__":
    main(*sys.argv[1:])
