#!/bin/sh
# packaging/site.sh [DIR]: builds the pages as a site into DIR (dist/site). A page that the navigation does not name, a link to a page
# or a heading that does not exist, is an error. MkDocs and its theme are pinned in packaging/site.txt; pip fetches them once.
set -eu
cd "$(dirname "$0")/.."
out=$(realpath -m "${1:-dist/site}")
pins=packaging/site.txt
venv=.cache/site/venv-$(cksum <$pins | cut -d' ' -f1)
[ -e "$venv/made" ] || rm -rf .cache/site/venv-*
integration/venv.sh "$venv" python3 -r $pins
# The folder of the site: docs/, and the pages at the top, whose links lose their folder.
pages=.cache/site/docs
rm -rf $pages
mkdir -p $pages
cp -R docs/. $pages
rm -f $pages/measurements/*.notes.md $pages/*.go
repository=https://github.com/standpipe/standpipe/blob/main
links() { sed -E -e 's#\]\(docs/#](#g' -e 's#\]\(shim/PROTOCOL\.md#](PROTOCOL.md#g' -e 's#\]\((examples/[^)]*|LICENSE|THIRD_PARTY_LICENSES)#]('$repository'/\1#g' "$1"; }
links README.md >$pages/index.md
for page in CHANGELOG.md CONTRIBUTING.md SECURITY.md; do links $page >"$pages/$page"; done
links shim/PROTOCOL.md >$pages/PROTOCOL.md
for page in "$pages"/*.md "$pages"/measurements/*.md "$pages"/migrating/*.md; do
    sed -E -i -e 's#\]\(\.\./shim/PROTOCOL\.md#](PROTOCOL.md#g' -e 's#\]\(README\.md#](index.md#g' -e 's#\]\(\.\./(CONTRIBUTING|CHANGELOG|SECURITY)\.md#](\1.md#g' \
        -e 's#\]\((\.\./)+(examples|packaging|integration|cmd|supervisor|bridge|shim|shim_py)/#]('$repository'/\2/#g' "$page"
done
# Not --quiet: it hides the warnings that --strict counts.
if ! said=$(NO_MKDOCS_2_WARNING=1 "$venv/bin/mkdocs" build --strict --config-file packaging/mkdocs.yml --site-dir "$out" 2>&1); then
    echo "$said" >&2
    exit 1
fi
echo "site: $out/index.html"
