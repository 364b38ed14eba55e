#!/bin/bash
# packaging/try_wheel.sh WHEEL: installs the wheel with pip in an empty Debian that has Python and nothing else, and serves a new Django
# project without any configuration. Says how long it took from the first command to a page with its styles; fails above 30 s. Needs
# root and debootstrap; about two minutes the first time.
set -euo pipefail
cd "$(dirname "$0")/.."
wheel=$(realpath "$1")
base=$PWD/.cache/debian-python root=$PWD/.cache/debian-python-run
for program in debootstrap unshare ip; do
    command -v $program >/dev/null || { echo "try_wheel: install $program" >&2; exit 1; }
done
if [[ ! -e $base/ready ]]; then
    rm -rf "$base"
    mkdir -p .cache
    debootstrap --variant=minbase --include=python3,python3-venv bookworm "$base" >"$base.log" || { tail -n 5 "$base.log" >&2; exit 1; }
    # Fetched outside, where the network and its certificates are set up.
    python3 -m pip --quiet --disable-pip-version-check download --only-binary :all: --python-version 3.11 --dest "$base/wheels" django
    touch "$base/ready"
fi
rm -rf "$root"
trap 'rm -rf "$root"' EXIT
cp -a "$base" "$root"
cp "$wheel" "$root/wheels/"
cat >"$root/first_page" <<'SH'
set -e
mkdir /site && cd /site
began=$(date +%s%N)
python3 -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check --no-index --find-links /wheels django standpipe
.venv/bin/django-admin startproject mysite .
.venv/bin/standpipe serve >/log 2>&1 &
.venv/bin/python - <<'PYTHON'
import re, sys, time, urllib.parse, urllib.request
site, deadline = "http://127.0.0.1:8000/admin/login/", time.monotonic() + 60
while True:
    try:
        page = urllib.request.urlopen(site, timeout=10).read().decode()
        break
    except OSError:
        if time.monotonic() > deadline:
            sys.exit(open("/log").read())
        time.sleep(0.05)
sheets = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)
assert sheets, page
for sheet in sheets:
    answer = urllib.request.urlopen(urllib.parse.urljoin(site, sheet), timeout=10)
    assert answer.headers.get_content_type() == "text/css" and answer.read(), sheet
print("a page of Django's admin with %d style sheets" % len(sheets))
PYTHON
took=$((($(date +%s%N) - began) / 1000000))
kill $!
wait $! || true
echo "from the first command to the page: $took ms"
[ "$took" -lt 30000 ] || { cat /log; exit 1; }
SH
# A network of its own, in which the usual port is free.
# shellcheck disable=SC2016
unshare --mount --pid --fork --net --kill-child sh -ec '
    ip link set lo up
    mount -t proc proc "$0/proc"
    exec chroot "$0" /usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=/root LANG=C.UTF-8 sh /first_page' "$root"
