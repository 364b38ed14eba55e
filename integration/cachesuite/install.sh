#!/bin/sh
# install.sh DIR [LIST]: the packages of LIST (packages.txt beside this file) in DIR/node_modules, each checked against its hash; made again
# when the list has changed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$1
list=$(realpath "${2:-$here/packages.txt}")
if cmp -s "$list" "$dir/packages.txt"; then
    exit 0
fi
rm -rf "$dir"
mkdir -p "$dir/node_modules"
cd "$dir"
while read -r package integrity; do
    file=$("$here/../again.sh" "npm pack $package" npm pack --silent "$package" </dev/null)
    got=sha512-$(openssl dgst -sha512 -binary "$file" | openssl base64 -A)
    if [ "$got" != "$integrity" ]; then
        echo "install.sh: $package has $got, not $integrity" >&2
        exit 1
    fi
    mkdir "node_modules/${package%@*}"
    tar -xzf "$file" -C "node_modules/${package%@*}" --strip-components=1
    rm "$file"
done <"$list"
cp "$list" packages.txt
