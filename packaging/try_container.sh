#!/bin/bash
# packaging/try_container.sh BINARY: packs the image of packaging/image.sh, replays the Dockerfiles of packaging/containers and docs/containers.md, and some of examples/, on a Debian root and runs
# them with runc. Needs root, debootstrap, runc and the Python registry; some minutes the first time.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=$(realpath "$1")
command -v runc >/dev/null || { echo "try_container: install runc" >&2; exit 1; }
packaging/debian_root.sh .cache/debian
tools=.cache/containers-tools
integration/venv.sh $tools python3 dockerfile-parse==2.0.1 uv
# As python:slim: python3 and pip in /usr/local/bin.
base=.cache/containers-base
if [[ ! -e $base/ready ]]; then
    rm -rf $base
    cp -a .cache/debian $base
    rm -rf $base/srv/shop
    chroot $base /usr/bin/python3 -m venv /usr/local
fi
folder=.cache/containers
rm -rf $folder
mkdir -p $folder
packaging/image.sh "$("$binary" version | cut -d' ' -f2)" $folder/image.tar "$(go env GOHOSTARCH)=$binary"
$tools/bin/python -B packaging/containers/trial.py "$binary" $base $folder
rm -rf $folder
