#!/bin/sh
# newer_pythons.sh [DIR]: CPython releases that are newer than this Debian, unpacked below DIR (.cache/pythons), where interpreters.sh
# finds them. They come from Debian's next release by a private configuration of apt: nothing is installed on the machine. Each starts by
# its own loader with its own C library; there is no pip. A second run does nothing.
#
# Where that is not possible it says so with SKIP[no-mirror], and exits with 0.
set -eu
cd "$(dirname "$0")/.."
dir=${1:-.cache/pythons}
suite=forky
versions="3.14 3.15"

cannot() {
    echo "SKIP[no-mirror]: $1: without Python $missing"
    exit 0
}

missing=
for version in $versions; do
    [ -x "$dir/$version/usr/bin/python3" ] || missing="$missing $version"
done
missing=${missing# }
[ -n "$missing" ] || exit 0
command -v apt-get >/dev/null || cannot "there is no apt-get"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r $keys ] || cannot "there is no $keys"
# The mirror that this machine uses.
# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null | sed -n 's/^Debian \(.*\/debian\/*\)$/\1/p' | head -n 1)
[ -n "$mirror" ] || cannot "apt knows no mirror of Debian (run apt-get update)"

mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
apt=$dir/.apt
rm -rf "$apt"
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/debs"
trap 'rm -rf "$apt"' EXIT
: >"$apt/status"
echo "deb [signed-by=$keys] $mirror $suite main" >"$apt/sources.list"
cat >"$apt/apt.conf" <<EOF
Dir::State "$apt";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "-";
Acquire::Languages "none";
Acquire::Retries "2";
APT::Sandbox::User "";
APT::Update::Error-Mode "any";
EOF
export APT_CONFIG="$apt/apt.conf"
timeout 300 apt-get --quiet=2 update >"$apt/out" 2>&1 || cannot "$suite is not reachable ($(grep -m 1 '^E:' "$apt/out" || echo 'time is over'))"

for version in $missing; do
    rm -rf "$apt/debs" "$apt/root"
    mkdir "$apt/debs"
    (
        cd "$apt/debs"
        timeout 300 apt-get --quiet=2 download "python$version-minimal" "libpython$version-minimal" "libpython$version-stdlib" \
            libc6 zlib1g libexpat1 libssl3t64 libzstd1 libffi8 liblzma5 libbz2-1.0 libuuid1 >"$apt/out" 2>&1
    ) || cannot "a package of $suite cannot be downloaded ($(grep -m 1 '^E:' "$apt/out" || echo 'time is over'))"
    for deb in "$apt"/debs/*.deb; do
        dpkg -x "$deb" "$apt/root"
    done
    root=$dir/$version
    loader=$(cd "$apt/root" && find . -name 'ld-linux*.so.*' | head -n 1)
    libraries=$(cd "$apt/root" && find . -name 'libc.so.6' -exec dirname {} \; | head -n 1)
    # In the folder of the program Python finds its library by its own name, in virtual environments too.
    cat >"$apt/root/usr/bin/python3" <<EOF
#!/bin/sh
exec "$root/$loader" --argv0 "\$0" --library-path "$root/$libraries" "$root/usr/bin/python$version" "\$@"
EOF
    chmod 755 "$apt/root/usr/bin/python3"
    rm -rf "$root"
    mv "$apt/root" "$root"
    if ! said=$("$root/usr/bin/python3" -c 'import bz2, ctypes, hashlib, lzma, ssl, sys, zlib; print("%d.%d.%d" % sys.version_info[:3])' 2>&1); then
        rm -rf "$root"
        cannot "the $version of $suite does not start: $said"
    fi
    echo "newer_pythons: $said in $root"
done
