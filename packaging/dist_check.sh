#!/bin/bash
# packaging/dist_check.sh [PLATFORM...]: makes dist/ twice, compares the bytes, and looks at each kind of file with the tools of its format.
set -euo pipefail
cd "$(dirname "$0")/.."
platforms=("$@")
((${#platforms[@]})) || platforms=(linux-amd64 darwin-amd64 darwin-arm64 windows-amd64)
packaging/dist.sh 0.0.1 "${platforms[@]}"
first=$(mktemp)
trap 'rm -f "$first"' EXIT
cp dist/SHA256SUMS "$first"
find packaging shim_py -type f -exec touch {} + # as in another clone
packaging/dist.sh 0.0.1 "${platforms[@]}"
diff "$first" dist/SHA256SUMS || { echo "dist_check: two builds differ" >&2; exit 1; }
echo "dist_check: two builds are equal"

# A registry takes the image, as the workflow of a release pushes it; what comes out of it is the program.
crane=.cache/tools/crane
(cd packaging && CGO_ENABLED=0 go build -trimpath -modfile=tools.mod -o ../$crane github.com/google/go-containerregistry/cmd/crane)
for image in dist/*-image.tar; do
    [[ -e $image && -e dist/standpipe-0.0.1-linux-amd64.tar.gz ]] || continue
    work=$(mktemp -d)
    mkdir "$work/image"
    : >"$work/log"
    tar -C "$work/image" -xf "$image"
    "$crane" registry serve --address 127.0.0.1:0 2>"$work/log" &
    registry=$! port=''
    trap 'rm -rf "$first" "$work"; kill $registry' EXIT
    until port=$(sed -n 's/.*serving on port \([0-9]*\).*/\1/p' "$work/log") && [[ -n $port ]]; do
        kill -0 $registry || { cat "$work/log" >&2 && exit 1; }
        sleep 0.1
    done
    "$crane" push "$work/image" "127.0.0.1:$port/standpipe:0.0.1" >"$work/pushed"
    "$crane" validate --remote "127.0.0.1:$port/standpipe:0.0.1" >/dev/null
    "$crane" export --platform linux/amd64 "127.0.0.1:$port/standpipe:0.0.1" - | tar -xOf - standpipe >"$work/standpipe"
    kill $registry
    trap 'rm -rf "$first" "$work"' EXIT
    chmod 0755 "$work/standpipe"
    "$work/standpipe" version | grep -F 'standpipe 0.0.1 ' >/dev/null
    echo "dist_check: a registry takes the image"
done

venv=.cache/dist-check
[[ -x $venv/bin/twine ]] || { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check 'spdx-tools==0.8.3' twine; }
"$venv/bin/python" -B packaging/check_wheels.py dist/*.whl
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
