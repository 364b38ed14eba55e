#!/bin/bash
# packaging/chart_check.sh [update]: renders the chart of packaging/kubernetes by helm with each values file of integration/testdata/chart,
# and compares with the files there (update: writes them). helm is built from packaging/helm.mod, or named by HELM: three minutes of
# processor time the first time. TestChart, which CI runs without helm, looks at what is written here; SHA256SUMS says whether the chart
# is still the one that was rendered.
set -euo pipefail
cd "$(dirname "$0")/.."
chart=packaging/kubernetes/chart values=integration/testdata/chart
helm=${HELM:-.cache/tools/helm}
if [[ -z ${HELM:-} ]]; then
    (cd packaging && CGO_ENABLED=0 go build -trimpath -modfile=helm.mod -o "../$helm" helm.sh/helm/v4/cmd/helm)
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HELM_CACHE_HOME=$work/cache HELM_CONFIG_HOME=$work/config HELM_DATA_HOME=$work/data LC_ALL=C
"$helm" lint --strict --quiet "$chart"
for f in "$values"/*.values.yaml; do
    name=$(basename "$f" .values.yaml)
    "$helm" lint --strict --quiet "$chart" --values "$f"
    "$helm" template shop "$chart" --namespace web --values "$f" >"$work/$name.yaml"
done
for f in "$values"/refused/*.values.yaml; do
    word=$(sed -n '1s/^# [a-z]*: //p' "$f")
    if "$helm" template shop "$chart" --values "$f" >"$work/out" 2>&1; then
        echo "chart_check: $f is accepted" >&2
        exit 1
    fi
    if ! grep --quiet --fixed-strings -- "$word" "$work/out"; then
        echo "chart_check: $f: the error does not name $word:" >&2
        cat "$work/out" >&2
        exit 1
    fi
done
find "$chart" "$values" -type f \( -path "$chart/*" -o -name '*.values.yaml' \) | sort | xargs sha256sum >"$work/SHA256SUMS"
if [[ ${1:-} == update ]]; then
    cp "$work"/*.yaml "$work/SHA256SUMS" "$values"
    exit
fi
for f in "$work"/*.yaml "$work/SHA256SUMS"; do
    if ! diff -u "$values/$(basename "$f")" "$f"; then
        echo "chart_check: run packaging/chart_check.sh update, and look at what changes" >&2
        exit 1
    fi
done
echo "chart_check: ok"
