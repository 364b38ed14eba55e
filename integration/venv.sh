#!/bin/sh
# venv.sh DIR PYTHON WHAT...: a venv in DIR with WHAT, pip's arguments. It is made again when the last try ended before its end.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$1 python=$2
shift 2
[ ! -e "$dir/made" ] || exit 0
rm -rf "$dir"
mkdir -p "$(dirname "$dir")"
"$python" -m venv "$dir"
"$here/again.sh" "pip install $*" "$dir/bin/pip" install --quiet --disable-pip-version-check "$@"
: >"$dir/made"
