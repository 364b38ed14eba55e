#!/bin/bash
# packaging/debian_root.sh FOLDER: an empty Debian with systemd, python3 and a Django project in /srv/shop, for the trials of packages
# and containers. Made once; needs root and debootstrap.
set -euo pipefail
base=$1
include=systemd,systemd-sysv,dbus,python3,python3-venv,ca-certificates,logrotate
[[ $(cat "$base/ready" 2>/dev/null) == "$include" ]] && exit
command -v debootstrap >/dev/null || { echo "debian_root: install debootstrap" >&2; exit 1; }
rm -rf "$base"
mkdir -p "$(dirname "$base")"
debootstrap --variant=minbase --include=$include bookworm "$base" >"$base.log" || { tail -n 5 "$base.log" >&2; exit 1; }
# The project is there before standpipe is. Its wheels are fetched outside, where the network and its certificates are set up.
mkdir -p "$base/srv/shop/wheels"
python3 -m pip --quiet --disable-pip-version-check download --only-binary :all: --python-version 3.11 --dest "$base/srv/shop/wheels" django
chroot "$base" /usr/bin/env -i PATH=/usr/bin:/bin sh -ec 'cd /srv/shop && python3 -m venv .venv &&
    .venv/bin/pip install --quiet --no-index --find-links wheels django && .venv/bin/django-admin startproject shop .'
echo "$include" >"$base/ready"
