#!/bin/sh
# `make check`: form, vet, staticcheck, the import law, wiring, the pages that are made from tables, the Python syntax floor,
# and the builds for other platforms.
set -eu
cd "$(dirname "$0")/.."
echo "check: gofmt"
unformatted=$(gofmt -l cmd supervisor bridge shim shim_py integration)
if [ -n "$unformatted" ]; then
    echo "check: gofmt -w is due for:" >&2
    echo "$unformatted" >&2
    exit 1
fi
echo "check: go vet"
go vet ./...
echo "check: staticcheck"
go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...
echo "check: import law, package docs, file sizes, wiring"
go test -count=1 -run '^(TestLawOfImports|TestEveryRoomHasDoc|TestFileSizes|TestWiring)$' ./integration/
echo "check: docs fresh"
go test -count=1 -run 'Docs|Fresh|Stale|Migrating|Procfile' ./cmd/...
python3 -B integration/bench --check
echo "check: Python syntax floor 3.8"
python3 integration/syntax_floor.py shim_py/standpipe_shim
echo "check: shell"
for f in integration/*.sh; do sh -n "$f"; done
bash -n .ci/run
for goos in darwin windows; do
    echo "check: it builds for $goos"
    GOOS=$goos CGO_ENABLED=0 go build ./...
done
echo "check: ok"
