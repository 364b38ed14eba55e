#!/bin/bash
# packaging/dist_check.sh [PLATFORM...]: makes dist/ twice, compares the bytes, and looks at each kind of file with the tools of its format.
set -euo pipefail
cd "$(dirname "$0")/.."
platforms=("$@")
((${#platforms[@]})) || platforms=(linux-amd64 windows-amd64)
packaging/dist.sh 0.0.1 "${platforms[@]}"
first=$(mktemp)
trap 'rm -f "$first"' EXIT
cp dist/SHA256SUMS "$first"
packaging/dist.sh 0.0.1 "${platforms[@]}"
diff "$first" dist/SHA256SUMS || { echo "dist_check: two builds differ" >&2; exit 1; }
echo "dist_check: two builds are equal"

venv=.cache/dist-check
[[ -x $venv/bin/pyspdxtools ]] || { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check 'spdx-tools==0.8.3'; }
for f in dist/*.spdx.json; do "$venv/bin/pyspdxtools" --infile "$f"; done
for f in dist/*.tar.gz; do tar -tzf "$f" >/dev/null; done
for f in dist/*.whl $(find dist -name "*.zip"); do python3 -m zipfile --test "$f" >/dev/null; done
for f in dist/*.apk; do tar --ignore-zeros -tzf "$f" 2>/dev/null | grep -x usr/bin/standpipe >/dev/null; done
if command -v lintian >/dev/null; then
    # Ours: the licences of all modules are in one file, and the program needs no library.
    lintian --allow-root --fail-on error --suppress-tags copyright-file-contains-full-apache-2-license,copyright-not-using-common-license-for-apache2,statically-linked-binary dist/*.deb
fi
if command -v rpm >/dev/null; then rpm --query --list --package dist/*.rpm | grep -x /usr/bin/standpipe >/dev/null; fi
systemd-analyze verify --man=no packaging/linux/standpipe.service packaging/linux/standpipe.socket 2>&1 | grep -v 'not executable' || true
score=$(systemd-analyze security --offline=true --no-pager packaging/linux/standpipe.service | sed -n 's/.*standpipe.service: \([0-9.]*\).*/\1/p')
awk -v s="$score" 'BEGIN { exit !(s != "" && s <= 2.5) }' || { echo "dist_check: the unit is exposed by $score" >&2; exit 1; }
echo "dist_check: ok"
