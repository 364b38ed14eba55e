"""The software bill of materials of a binary, as SPDX 2.3 JSON: the modules that are linked into it.

sbom.py BINARY VERSION PLATFORM"""

import datetime
import hashlib
import json
import os
import re
import subprocess
import sys

import metadata


def modules(binary):
    """Yields the path and the version of each module, and of Go itself."""
    out = subprocess.run(["go", "version", "-m", binary], check=True, stdout=subprocess.PIPE, text=True).stdout
    yield "std", out.split("\n", 1)[0].rsplit(" ", 1)[-1].replace("go", "", 1)
    for line in out.splitlines():
        words = line.split("\t")
        if words[1:2] == ["dep"]:
            yield words[2], words[3]


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
        "licenseConcluded": metadata.expression(),
        "licenseDeclared": "MIT",
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": "APPLICATION",
        "checksums": [{"algorithm": "SHA256", "checksumValue": digest}],
    }
    packages, relations = [product], [relation("SPDXRef-DOCUMENT", "DESCRIBES", product["SPDXID"])]
    kind = {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl"}
    for path, release in modules(binary):
        identifier = "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", path)
        packages.append(
            {
                "SPDXID": identifier,
                "name": path,
                "versionInfo": release,
                "downloadLocation": "NOASSERTION",
                "filesAnalyzed": False,
                "licenseConcluded": "NOASSERTION",
                "licenseDeclared": "NOASSERTION",
                "copyrightText": "NOASSERTION",
                "externalRefs": [dict(kind, referenceLocator="pkg:golang/%s@%s" % (path, release))],
            }
        )
        relations.append(relation(product["SPDXID"], "DEPENDS_ON", identifier))
    created = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    name = "standpipe-%s-%s" % (version, platform)
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": "https://github.com/standpipe/standpipe/spdx/%s-%s" % (name, digest),
        "creationInfo": {
            "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": ["Organization: The standpipe authors", "Tool: standpipe-sbom"],
        },
        "packages": packages,
        "relationships": relations,
    }
    json.dump(document, sys.stdout, indent=1)
    print()


def relation(one, kind, other):
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}


if __name__ == "__main__":
    main(*sys.argv[1:])
