#!/bin/bash
# packaging/try_deb.sh DEB: installs the package in an empty Debian that runs under its own systemd, serves a Django project,
# replaces the package while clients ask, and purges it. Needs root, debootstrap and systemd-nspawn; some minutes the first time.
set -euo pipefail
cd "$(dirname "$0")/.."
deb=$(realpath "$1")
base=$PWD/.cache/debian root=$PWD/.cache/debian-run
command -v systemd-nspawn >/dev/null || { echo "try_deb: install systemd-nspawn" >&2; exit 1; }
packaging/debian_root.sh "$base"
rm -rf "$root"
cp -a "$base" "$root"
cp "$deb" "$root/standpipe.deb"
cp packaging/try_deb_inside.sh "$root/checks"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
echo "$port" >"$root/port"
cat >"$root/etc/systemd/system/checks.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/bash -c '/bin/bash /checks >/result 2>&1; echo $? >/code; systemctl poweroff'
[Install]
WantedBy=default.target
UNIT
ln -s /dev/null "$root/etc/systemd/system/logrotate.timer" # it leaves a file of its own
ln -s ../checks.service "$root/etc/systemd/system/multi-user.target.wants/checks.service"
timeout 300 systemd-nspawn --quiet --register=no --keep-unit --link-journal=no -b -D "$root" >"$root/console" 2>&1 </dev/null || tail -n 20 "$root/console" >&2
cat "$root/result"
code=$(cat "$root/code" 2>/dev/null || echo 1)
rm -rf "$root"
exit "$code"
