#!/bin/sh
# smoke.sh BINARY PYTHON: serves the sample shop, asks it a few things by curl, stops it. Exit 0: all as it should be.
set -eu
binary=$(realpath "$1") python=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
me=smoke
. "$(dirname "$0")/serving.sh"
cd "$(dirname "$0")/apps/flask_shop"
serve --python "$python"

# want STATUS TEXT CURL-ARGUMENTS...
want() {
    status=$1 text=$2
    shift 2
    got=$(curl --silent --show-error --max-time 120 --output "$work/body" --write-out '%{http_code}' "$@")
    if [ "$got" != "$status" ] || ! grep -q -- "$text" "$work/body"; then
        echo "smoke: curl $*: status $got, want $status with \"$text\"" >&2
        head -c 600 "$work/body" >&2
        exit 1
    fi
    echo "smoke: $status $*"
}
want 200 'Brass valve' "$url/"
want 200 '"slug":"wrench"' "$url/api/products"
want 200 'Pressure gauge' --http1.0 "$url/product/pressure-gauge"
want 303 '/cart' --data 'product=wrench&quantity=3' --cookie-jar "$work/jar" "$url/cart"
want 200 '94.50' --cookie "$work/jar" "$url/cart"
want 200 '.shelf' "$url/static/shop.css"
want 404 'Not Found\|Nothing on this shelf' "$url/static/none.css"
want 404 'Nothing on this shelf' "$url/product/none"
want 200 '^20000,' "$url/export.csv?rows=20000"
head -c 300000 /dev/urandom >"$work/picture.png"
sum=$(sha256sum "$work/picture.png" | cut -d' ' -f1)
want 303 'review\|wrench' --form "picture=@$work/picture.png;type=image/png" --form text=good --dump-header "$work/head" "$url/product/wrench/review"
grep -qi "x-picture-sha256: $sum" "$work/head" || { echo "smoke: the picture came another way than it went" >&2; exit 1; }
want 500 'behind the counter' "$url/broken"
want 200 '' "$url/readyz"

stop
echo "smoke: ok"
