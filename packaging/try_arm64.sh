#!/bin/sh
# packaging/try_arm64.sh BINARY PYTHON: the smoke test with a binary for linux/arm64 on another machine, by qemu-user. The server is emulated;
# the workers are this machine's Python, because a program that an emulated one starts runs on the machine itself.
set -eu
binary=$(realpath "$1")
qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64) || { echo "try_arm64: install qemu-user-static" >&2; exit 1; }
emulated=$(mktemp)
trap 'rm -f "$emulated"' EXIT
printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$qemu" "$binary" >"$emulated"
chmod 0755 "$emulated"
case $("$emulated" version) in
*linux/arm64*) ;;
*) echo "try_arm64: $binary is for another machine" >&2; exit 1 ;;
esac
"$(dirname "$0")/../integration/smoke.sh" "$emulated" "$2"
