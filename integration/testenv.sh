#!/bin/sh
# testenv.sh PYTHON REQUIREMENTS DIR: a venv in DIR with REQUIREMENTS, made again when either has changed.
set -eu
python=$1 requirements=$2 dir=$3
if [ -z "$python" ]; then
    echo "testenv: no Python 3.8 or newer found" >&2
    exit 1
fi
stamp=$("$python" -c '
import hashlib, sys
print(sys.version.split()[0], sys.executable, hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())
' "$requirements")
if [ "$(cat "$dir/stamp" 2>/dev/null || :)" = "$stamp" ]; then
    exit 0
fi
echo "testenv: $dir with $python"
rm -rf "$dir"
mkdir -p "$(dirname "$dir")"
"$python" -m venv "$dir"
"$(dirname "$0")/again.sh" "pip install -r $requirements" "$dir/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"
echo "$stamp" >"$dir/stamp"
