#!/bin/bash
# packaging/dist.sh VERSION [PLATFORM...]: makes all that a release has, in dist/. A platform is linux-amd64 and the like; without any,
# all of them. Two runs from the same commit give the same bytes: the time in every archive is SOURCE_DATE_EPOCH, else the commit's.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1
shift
platforms=("$@")
((${#platforms[@]})) || platforms=(linux-amd64 linux-arm64 linux-armv7 linux-riscv64 darwin-amd64 darwin-arm64 windows-amd64)
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+([a-z0-9.~-]*)$ ]] || { echo "dist: VERSION=$version is not like 1.2.3" >&2; exit 2; }
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)} TZ=UTC LC_ALL=C
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf dist
mkdir -p dist

# build GOOS GOARCH GOARM OUT
build() {
    GOOS=$1 GOARCH=$2 GOARM=$3 CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$version" -o "$4" ./cmd/standpipe
}

# What is the same on all platforms: manual pages, completion scripts, texts.
common=$work/common
mkdir -p "$common/man" "$common/completion"
build "$(go env GOHOSTOS)" "$(go env GOHOSTARCH)" '' "$work/host"
packaging/man.sh "$common/man" "$version"
"$work/host" completion bash >"$common/completion/standpipe.bash"
"$work/host" completion zsh >"$common/completion/_standpipe"
"$work/host" completion fish >"$common/completion/standpipe.fish"
cp README.md CHANGELOG.md LICENSE THIRD_PARTY_LICENSES "$common"
printf -- '- {semver: "%s", date: %s, deb: {urgency: medium, distributions: [unstable]}, packager: "The standpipe authors <noreply@github.com>", changes: [{note: "Release %s; CHANGELOG.md.gz says more."}]}\n' \
    "$version" "$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)" "$version" >"$work/changelog.yaml"

license=$(cd packaging && python3 -B -c 'import metadata; print(metadata.expression())')

# archive NAME KIND: the folder $work/NAME as dist/NAME.tar.gz or .zip.
archive() {
    find "$work/$1" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
    case $2 in
    tar) tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --format=ustar -cf - "$1" | gzip -9n >"dist/$1.tar.gz" ;;
    zip) (cd "$work" && python3 "$OLDPWD/packaging/zip.py" "$1") >"dist/$1.zip" ;;
    esac
}

for platform in "${platforms[@]}"; do
    os=${platform%%-*} arch=${platform#*-} arm='' suffix='' kind=tar
    [[ $arch == armv7 ]] && arch=arm arm=7
    [[ $os == windows ]] && suffix=.exe kind=zip
    name=standpipe-$version-$platform
    echo "dist: $name"
    mkdir "$work/$name"
    cp -r "$common/." "$work/$name"
    build "$os" "$arch" "$arm" "$work/$name/standpipe$suffix"
    python3 packaging/sbom.py "$work/$name/standpipe$suffix" "$version" "$platform" >"dist/$name.spdx.json"
    archive "$name" "$kind"
    [[ $arch == riscv64 ]] || python3 packaging/wheel.py --binary "$work/$name/standpipe$suffix" --version "$version" --out dist >/dev/null
    [[ $os == linux ]] || continue
    tree=$work/tree
    rm -rf "$tree"
    cp -r "$work/$name" "$tree"
    cp "$work/changelog.yaml" "$tree"
    cp -r packaging/linux "$tree" # an apk has the times of its scripts
    cat LICENSE THIRD_PARTY_LICENSES >"$tree/copyright"
    gzip -9n "$tree"/man/* "$tree/CHANGELOG.md"
    find "$tree" -exec touch --date="@$SOURCE_DATE_EPOCH" {} +
    sed -e "s|\${TREE}|$tree|" -e "s|\${ARCH}|$arch$arm|" -e "s|\${VERSION}|$version|" -e "s|\${LICENSE}|$license|" packaging/nfpm.yaml >"$work/nfpm.yaml"
    for packager in deb rpm apk; do
        (cd packaging && go tool -modfile=tools.mod nfpm package --config "$work/nfpm.yaml" --packager $packager --target ../dist >"$work/nfpm.out" 2>&1) ||
            { cat "$work/nfpm.out" >&2 && exit 1; }
    done
done
# The image, of those of its platforms that are made here.
programs=()
for arch in amd64 arm64; do
    [[ ! -e $work/standpipe-$version-linux-$arch/standpipe ]] || programs+=("$arch=$work/standpipe-$version-linux-$arch/standpipe")
done
((${#programs[@]} == 0)) || packaging/image.sh "$version" "dist/standpipe-$version-image.tar" "${programs[@]}"
python3 packaging/sdist.py --version "$version" --out dist
(cd dist && sha256sum -- * >SHA256SUMS)
