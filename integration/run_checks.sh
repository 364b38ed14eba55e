#!/bin/sh
# `make check`: form, vet, lint, the laws of the tree, the pages that are made from tables, Python, shell, and the builds for other
# platforms. The Go tools are pinned in .ci/tools.mod, ruff, codespell and zizmor below.
set -eu
cd "$(dirname "$0")/.."
ruff_version=0.17.6
zizmor_version=1.32.0
codespell_version=2.4.3

tool() { go tool -modfile=.ci/tools.mod "$@"; }

# silent COMMAND...: what it prints is a finding.
silent() {
    findings=$("$@") || { echo "$findings" >&2; exit 1; }
    if [ -n "$findings" ]; then
        echo "$findings" >&2
        exit 1
    fi
}
# What only tests call is not dead: packages for tests, and the directions of the wire format that the Python side has.
deadcode() { tool deadcode ./... | grep -v -e '^bridge/bridgetest/' -e '^integration/corpus/' -e '^integration/otlptest/' -e '^integration/overh2/' -e '^integration/testauth/' -e '^integration/testca/' -e '^integration/testdns/' -e '^shim/shimtest/' -e '^shim/wire/' || :; }

echo "check: gofmt"
unformatted=$(gofmt -l cmd supervisor bridge shim shim_py integration)
if [ -n "$unformatted" ]; then
    echo "check: run gofmt -w on:" >&2
    echo "$unformatted" >&2
    exit 1
fi
echo "check: go vet"
go vet ./...
echo "check: staticcheck"
tool staticcheck ./...
echo "check: unparam"
silent tool unparam ./...
echo "check: deadcode"
silent deadcode
echo "check: gocyclo, at most 25"
tool gocyclo -over 25 -ignore '_test\.go$' cmd supervisor bridge shim shim_py
echo "check: govulncheck"
if ! report=$(tool govulncheck ./... 2>&1); then
    case $report in
    *"fetching vulnerabilities"*) echo "check: govulncheck: the database (vuln.go.dev) cannot be reached; not checked" ;;
    *) echo "$report" >&2; exit 1 ;;
    esac
fi
echo "check: the tree: import law, package docs, file sizes, methods, words, duplicates, wiring"
go test -count=1 ./integration/laws/
go test -count=1 -run '^(TestImportLaw|TestDepsHaveNoTemplates|TestEveryPackageHasDoc|TestFileSizes)$' ./integration/
go test -count=1 -run '^TestWiring$' ./cmd/internal/compose/
echo "check: docs fresh"
go test -count=1 -run 'Docs|Fresh|Stale|Migrating|Procfile' ./cmd/...
python3 -B integration/bench --check
python3 -B docs/drawings/draw.py --check
echo "check: spelling of the pages"
codespell=.cache/codespell-$codespell_version
integration/venv.sh "$codespell" python3 "codespell==$codespell_version"
# TE is a field of HTTP; /caf%C3%A9 is a path of examples.
git ls-files -z '*.md' | xargs -0 "$codespell/bin/codespell" --ignore-words-list=te,caf
echo "check: Python: syntax floor 3.8, ruff"
python3 integration/syntax_floor.py shim_py/standpipe_shim packaging
ruff=.cache/ruff-$ruff_version
integration/venv.sh "$ruff" python3 "ruff==$ruff_version"
"$ruff/bin/ruff" check --quiet
"$ruff/bin/ruff" format --quiet --check
echo "check: the manual pages"
packaging/man.sh .cache/man check
if command -v mandoc >/dev/null; then mandoc -T lint -W warning .cache/man/*.[15]; fi
echo "check: workflows"
tool actionlint .github/workflows/*.yml
zizmor=.cache/zizmor-$zizmor_version
integration/venv.sh "$zizmor" python3 "zizmor==$zizmor_version"
"$zizmor/bin/zizmor" --quiet --offline .github/workflows
echo "check: shell"
for f in integration/*.sh packaging/man.sh packaging/linux/*.sh; do sh -n "$f"; done
bash -n .ci/run
if command -v shellcheck >/dev/null; then
    shellcheck --external-sources --source-path=SCRIPTDIR integration/*.sh packaging/*.sh packaging/linux/*.sh .ci/run .ci/nightly .ci/packages
else
    echo "SKIP[no-shellcheck]: shellcheck is not installed"
    [ "${CI:-}" != true ]
fi
for goos in darwin windows; do
    echo "check: build for $goos"
    GOOS=$goos CGO_ENABLED=0 go build ./...
done
echo "check: build for a Linux of 32 bits"
# shellcheck disable=SC2046 # what the tests import does not build there
GOOS=linux GOARCH=arm CGO_ENABLED=0 go build $(go list ./... | grep -v /integration)
echo "check: ok"
