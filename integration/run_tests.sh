#!/bin/sh
# `make test`: the tests, one part after the other; goes on after a failed part, so that one run shows all failures.
# The last lines say which parts failed and how many tests were skipped, by cause. With CI=true a skip whose cause is
# not in .ci/allowed-skips fails the run.
#
# SCOPE=all, which `make test-all` and CI set, adds what takes long: fuzzing, and the shim's tests on every interpreter of the
# machine; otherwise they run on the newest CPython alone. PARTS="go python fuzz integration over" chooses parts; FUZZTIME is the
# time per fuzz target, FUZZPART=1/3 the second of three parts of the packages that have some; PYTHONS=ends leaves the oldest and
# the newest CPython, and PyPy; BIN is the program under test, as an absolute path (without it the integration tests build one).
set -u
cd "$(dirname "$0")/.." || exit
unset STANDPIPE_BIN STANDPIPE_SOAK STANDPIPE_TEST_OVER # the command line's tests would read them as settings
scope=${SCOPE:-usual}
case $scope in
usual) parts=${PARTS:-go python integration over} ;;
all) parts=${PARTS:-go python fuzz rules collector integration over} ;;
*) echo "SCOPE is usual or all, not $scope" >&2; exit 2 ;;
esac
log=.cache/test
mkdir -p $log
rm -f $log/*
failed=

part() { # part NAME COMMAND...: runs it, remembers a failure
    part_name=$1
    shift
    began=$(date +%s)
    echo "== $part_name"
    "$@" || failed="$failed, $part_name"
    echo "== $part_name: $(($(date +%s) - began)) s"
}

go_unit() {
    race=
    export CGO_ENABLED=0
    if command -v "${CC:-cc}" >/dev/null 2>&1; then
        race=-race
        export CGO_ENABLED=1
    else
        echo "SKIP[no-cc]: no C compiler: without -race" | tee -a $log/skips.log
    fi
    # shellcheck disable=SC2046
    go test -json $race -timeout 20m $(go list ./... | grep -v /integration) >$log/go.json 2>$log/go.err
    python3 integration/summary.py $log/go.json $log/go.err || return 1
    CGO_ENABLED=0 go test -count=1 -run Allocations ./bridge/wsgi ./bridge/route ./bridge/cache/rules # -race allocates by itself
}

# The alerts of packaging/prometheus, by Prometheus' own code: a module of its own, which takes minutes to build.
rules() { (cd integration/promrules && go test -count=1 ./...); }

# Traces, taken by the OpenTelemetry Collector: likewise.
collector() { (cd integration/otelcol && go test -count=1 ./...); }

python_unit() {
    bad=0
    if [ "$scope" = all ]; then
        integration/newer_pythons.sh >$log/newer_pythons
        cat $log/newer_pythons
        grep '^SKIP' $log/newer_pythons >>$log/skips.log || :
        integration/interpreters.sh >$log/interpreters
    else
        integration/interpreters.sh | grep -v -e pypy -e 't$' -e /.cache/pythons/ | tail -n 1 >$log/interpreters
    fi
    if [ "${PYTHONS:-all}" = ends ]; then
        grep -v -e pypy -e 't$' $log/interpreters >$log/cpythons
        { grep pypy $log/interpreters; head -n 1 $log/cpythons; tail -n 1 $log/cpythons; } | sort -u >$log/chosen
        mv $log/chosen $log/interpreters
    fi
    { grep pypy $log/interpreters; grep -v pypy $log/interpreters; } >$log/by_duration
    echo "interpreters: $(cut -d' ' -f2 $log/interpreters | tr '\n' ' ')"
    [ -s $log/interpreters ] || { echo "no interpreter found"; return 1; }
    # Four at a time: these tests mostly wait for children. PyPy takes the longest, and so comes first. A shell has its children in
    # the background ignore SIGINT and SIGQUIT, which the tests send.
    # shellcheck disable=SC2016
    xargs -P 4 -n 2 sh -c '
        env --default-signal=INT,QUIT timeout 1800 "$1" -B -m unittest discover -v -s shim_py/tests -t shim_py/tests >"$0/py-$2.log" 2>&1 </dev/null
        echo $? >"$0/py-$2.code"
    ' $log <$log/by_duration
    while read -r _ version; do
        if [ "$(cat "$log/py-$version.code")" = 0 ]; then
            echo "python $version: $(grep '^Ran ' "$log/py-$version.log")"
        else
            echo "python $version: FAILED"
            grep -v -e '\.\.\. ok$' "$log/py-$version.log" | tail -n 80
            bad=1
        fi
    done <$log/interpreters
    if python3 -B -m unittest discover -s integration/bench/tests >$log/bench.log 2>&1 </dev/null; then
        echo "the benchmark's own: $(grep '^Ran ' $log/bench.log)"
    else
        echo "the benchmark's own: FAILED"
        tail -n 80 $log/bench.log
        bad=1
    fi
    [ "$scope" != all ] || grep -q pypy $log/interpreters || echo "SKIP[no-pypy]: no pypy3 found" >>$log/skips.log
    return $bad
}

fuzz() {
    bad=0
    grep -rn --include='*_test.go' '^func Fuzz' shim supervisor bridge shim_py cmd integration |
        sed 's/^\(.*\)\/[^/]*:[0-9]*:func \(Fuzz[A-Za-z0-9_]*\).*/\1 \2/' >$log/fuzz
    [ -s $log/fuzz ] || { echo "no fuzz target found"; return 1; }
    case ${FUZZPART:-} in
    ?*/?*)
        awk -v part="${FUZZPART%/*}" -v parts="${FUZZPART#*/}" '$1 != last { n++; last = $1 } n % parts == part' $log/fuzz >$log/fuzz.part
        echo "fuzz: $(wc -l <$log/fuzz.part) of $(wc -l <$log/fuzz) targets"
        mv $log/fuzz.part $log/fuzz
        ;;
    esac
    # Two packages at a time: each is compiled once, and its targets run one after the other, each in one process.
    cut -d' ' -f1 $log/fuzz | sort -u >$log/fuzz-packages
    cache=$(CGO_ENABLED=0 go env GOCACHE)/fuzz
    # shellcheck disable=SC2016
    CACHE=$cache xargs -P 2 -n 1 sh -c '
        root=$PWD
        program=$root/$0/fuzz-$(echo "$1" | tr / -).test
        CGO_ENABLED=0 go test -c -fuzz . -o "$program" "./$1" >"$0/fuzz-build.$$" 2>&1 || { cat "$0/fuzz-build.$$"; exit 1; }
        rm "$0/fuzz-build.$$"
        grep "^$1 " "$0/fuzz" | while read -r dir name; do
            log=$root/$0/fuzz-$(echo "$dir" | tr / -)-$name # two packages have targets of one name
            (cd "$dir" && "$program" -test.run "^$" -test.fuzz "^$name\$" -test.fuzztime "${FUZZTIME:-3s}" -test.parallel 1 -test.fuzzcachedir "$CACHE/$dir" >"$log.log" 2>&1 </dev/null)
            echo $? >"$log.code"
        done
        rm "$program"
    ' $log <$log/fuzz-packages
    while read -r dir name; do
        of=$log/fuzz-$(echo "$dir" | tr / -)-$name
        if [ "$(cat "$of.code" 2>/dev/null)" = 0 ]; then
            echo "fuzz $dir $name: $(grep -o 'execs: [0-9]*' "$of.log" | tail -n 1)"
        else
            echo "fuzz $dir $name: FAILED"
            [ ! -e "$of.log" ] || tail -n 30 "$of.log"
            bad=1
        fi
    done <$log/fuzz
    return $bad
}

given_binary() {
    if [ -n "${BIN:-}" ]; then
        export STANDPIPE_BIN="$BIN"
    fi
}

# The tests of what apps send and receive, over HTTPS and HTTP/2 too: integration/over_test.go.
over() {
    bad=0
    given_binary
    for way in https h2; do
        echo "by $way:"
        STANDPIPE_TEST_OVER=$way CGO_ENABLED=0 go test -json -count=1 -timeout 20m -parallel 6 ./integration >$log/over-$way.json 2>$log/over-$way.err
        python3 integration/summary.py $log/over-$way.json $log/over-$way.err || bad=1
    done
    return $bad
}

integration_tests() {
    given_binary
    CGO_ENABLED=0 go test -json -count=1 -timeout 40m -parallel 6 ./integration/... >$log/integration.json 2>$log/integration.err
    python3 integration/summary.py $log/integration.json $log/integration.err
}

# Go's own tests compile for minutes, the shim's mostly wait for children: one beside the other.
case " $parts " in
*" go "*" python "*)
    parts=$(echo " $parts " | sed 's/ python / /')
    { part "python unit tests" python_unit; echo "$failed" >$log/python.failed; } >$log/python.out 2>&1 &
    beside=$!
    ;;
*) beside= ;;
esac

for p in $parts; do
    case $p in
    go)
        part "go unit tests" go_unit
        if [ -n "$beside" ]; then
            wait "$beside"
            cat $log/python.out
            failed="$failed$(cat $log/python.failed)"
        fi
        ;;
    python) part "python unit tests" python_unit ;;
    fuzz) part "fuzz" fuzz ;;
    rules) part "alert rules" rules ;;
    collector) part "traces, by the OpenTelemetry Collector" collector ;;
    integration) part "integration" integration_tests ;;
    over) part "integration over HTTPS and HTTP/2" over ;;
    *) echo "no such part: $p" >&2; exit 2 ;;
    esac
done

python3 integration/skips.py $log .ci/allowed-skips || failed="$failed, skips"
if [ -n "$failed" ]; then
    echo "FAILED: ${failed#, } (logs in $log)"
    exit 1
fi
