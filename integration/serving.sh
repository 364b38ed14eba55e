# shellcheck shell=sh disable=SC2154 # the caller sets me and binary
# serving.sh: a standpipe that runs while a script does: `. serving.sh`, with $me, the script's name, and $binary set.
# $work is a folder of its own, which goes at the end with all that is in it.
work=$(mktemp -d)
: >"$work/err"

# serve ARGUMENTS...: starts it; once the app is ready, $url is its address.
serve() {
    PYTHONDONTWRITEBYTECODE=1 "$binary" serve "$@" -w 2 -b 127.0.0.1:0 --log-format json >"$work/out" 2>"$work/err" &
    pid=$!
    trap finish EXIT
    url=
    tries=0
    while [ -z "$url" ] || ! grep -q '"event":"app_ready"' "$work/err"; do
        url=$(sed -n '/"event":"listening"/s/.*"address":"\([^"]*\)".*/\1/p' "$work/err" | head -n 1)
        tries=$((tries + 1))
        if [ $tries -gt 1800 ] || ! kill -0 "$pid" 2>/dev/null; then
            echo "$me: standpipe is not ready" >&2
            exit 1
        fi
        sleep 0.1
    done
}

# stop: as systemd would; the script fails when standpipe does.
stop() {
    kill -TERM "$pid"
    code=0
    wait "$pid" || code=$?
    if [ $code -ne 0 ]; then
        echo "$me: exit code $code after SIGTERM" >&2
        exit 1
    fi
}

finish() {
    code=$?
    if [ $code -ne 0 ]; then
        echo "$me: failed; standpipe wrote:" >&2
        tail -n 50 "$work/err" >&2
    fi
    kill "$pid" 2>/dev/null || :
    wait "$pid" 2>/dev/null || :
    rm -rf "$work"
    exit $code
}
