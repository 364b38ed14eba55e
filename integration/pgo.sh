#!/bin/sh
# pgo.sh BINARY PYTHON PROFILE: loads BINARY with wrk and writes where its CPU time went to PROFILE, which go build reads
# as cmd/standpipe/default.pgo. PYTHON has Flask. SECONDS_EACH (10) is the time of each load. Exit 0: PROFILE is written.
set -eu
binary=$(realpath "$1") python=$(cd "$(dirname "$2")" && pwd)/$(basename "$2") profile=$3
each=${SECONDS_EACH:-10}
command -v wrk >/dev/null || { echo "pgo: wrk is not installed" >&2; exit 1; }
me=pgo
. "$(dirname "$0")/serving.sh"
export STANDPIPE_CPUPROFILE="$work/cpu"
serve app:application --dir "$(dirname "$0")/apps/pgo" --python "$python"

cat >"$work/in.lua" <<'LUA'
wrk.method = "POST"
wrk.body = string.rep("x", 65536)
wrk.headers["Content-Type"] = "application/octet-stream"
LUA
# load PATH WRK-ARGUMENTS...: every answer has to be a 2xx.
load() {
    path=$1
    shift
    wrk --threads 1 --connections 32 --duration "${each}s" "$@" "$url$path" >"$work/wrk"
    if grep -q 'Non-2xx' "$work/wrk"; then
        echo "pgo: $path" >&2
        cat "$work/wrk" >&2
        exit 1
    fi
    echo "pgo: $path $(grep Requests/sec "$work/wrk" | tr -s ' ')"
}
load /
load / --header 'Accept: text/html,application/xhtml+xml,*/*;q=0.8' --header 'Accept-Encoding: gzip, deflate, br, zstd' \
    --header 'Accept-Language: en-GB,en;q=0.9' --header 'Cookie: sessionid=0123456789abcdef' --header 'Referer: https://shop.example/' \
    --header 'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36' \
    --header 'Sec-Fetch-Dest: document' --header 'Sec-Fetch-Mode: navigate' --header 'Sec-Fetch-Site: same-origin' \
    --header 'X-Forwarded-For: 192.0.2.7' --header 'X-Forwarded-Proto: https'
load /flask
load /in --script "$work/in.lua"
load /out

stop
# Functions, lines and weights are what the compiler reads. The path of the binary is this machine's own: it goes (pprof's
# profile.proto, field 6: a string of the table).
python3 - "$work/cpu" "$binary" "$profile" <<'PYTHON'
import gzip, sys
source, path, target = sys.argv[1:]
data, path = gzip.open(source).read(), path.encode()
if len(path) > 127 or b"\x32" + bytes([len(path)]) + path not in data:
    sys.exit("pgo: the path of the binary is not in the profile as expected")
data = data.replace(b"\x32" + bytes([len(path)]) + path, b"\x32\x09standpipe")
with open(target, "wb") as f:
    f.write(gzip.compress(data, 9, mtime=0))
PYTHON
echo "pgo: $profile, $(wc -c <"$profile") bytes"
