#!/bin/bash
# packaging/try_rpm.sh RPM: installs the package by rpm in an empty Debian where no systemd runs, as when an image is made, upgrades and
# erases it. Needs root, rpm and debootstrap.
set -euo pipefail
cd "$(dirname "$0")/.."
package=$(realpath "$1")
base=$PWD/.cache/debian root=$PWD/.cache/debian-rpm
command -v rpm >/dev/null || { echo "try_rpm: install rpm" >&2; exit 1; }
packaging/debian_root.sh "$base"
rm -rf "$root"
trap 'rm -rf "$root"' EXIT
cp -a "$base" "$root"
failed() { echo "FAILED: $*" >&2; exit 1; }
# A scriptlet that fails is a warning of rpm's; Debian's rpm also says that it is Debian's.
ours() {
    rpm --root "$root" "$@" 2>"$root/said" || failed "rpm $1: $(cat "$root/said")"
    ! grep -i scriptlet "$root/said" || failed "rpm $1"
}
ours --initdb
ours --install --nodeps "$package"
grep -q '^standpipe:x:.*:/var/lib/standpipe:/usr/sbin/nologin$' "$root/etc/passwd" || failed "no user"
chroot "$root" standpipe version >/dev/null || failed "the program does not run"
echo '# mine' >>"$root/etc/standpipe/standpipe.toml"
ours --upgrade --force --nodeps "$package"
grep -qx '# mine' "$root/etc/standpipe/standpipe.toml" || failed "an upgrade replaces the settings"
chroot "$root" systemctl --quiet enable standpipe 2>/dev/null
ours --erase standpipe
left=$(cd "$root" && find . -xdev -name '*standpipe*' -not -path './var/l*/standpipe*')
[[ $left == $'./etc/standpipe\n./etc/standpipe/standpipe.toml.rpmsave' ]] || failed "an erase leaves: $left"
echo "try_rpm: installed, upgraded, erased"
