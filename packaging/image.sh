#!/bin/sh
# packaging/image.sh VERSION OUT ARCH=PROGRAM...: packs the program of each architecture into one image, OUT, without a daemon. The same
# programs and the same SOURCE_DATE_EPOCH, else the commit's time, give the same bytes.
set -eu
version=$1 out=$(realpath "$2")
shift 2
for given; do
    set -- "$@" "${given%%=*}=$(realpath "${given#*=}")"
    shift
done
cd "$(dirname "$0")"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
licenses=$(python3 -B -c 'import metadata; print(metadata.expression())')
exec go run -modfile=tools.mod containers/pack/main.go -version "$version" -revision "$(git rev-parse HEAD)" -licenses "$licenses" -out "$out" "$@"
