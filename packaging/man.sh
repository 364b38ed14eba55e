#!/bin/sh
# packaging/man.sh DIR VERSION: writes the manual pages standpipe.1 and standpipe.toml.5 into DIR, from docs/commands.md and
# docs/settings.md. Their date is SOURCE_DATE_EPOCH, else the last commit's.
set -eu
cd "$(dirname "$0")/.."
dir=$1 version=$2
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
date=$(date -u -d "@$epoch" +%Y-%m-%d 2>/dev/null || date -u -r "$epoch" +%Y-%m-%d)
mkdir -p "$dir"

# page NAME SECTION TITLE SUMMARY FILE SEE: the file's own title makes room for the manual's head; links become their text.
page() {
    {
        printf '"%s" "%s" "%s" "standpipe %s" "%s"\n==============\n# NAME\n%s - %s\n\n# DESCRIPTION\n' \
            "$1" "$2" "$date" "$version" "$3" "$1" "$4"
        sed -e 1d -e '/^<!--.*-->$/d' -e 's/\[\([^]]*\)\]([^)]*)/\1/g' -e 's/^##* /&/' "$5"
        printf '\n# SEE ALSO\n%s\n' "$6"
    } | go tool -modfile=.ci/tools.mod go-md2man >"$dir/$1.$2"
}
page standpipe 1 'User Commands' 'serves Python WSGI applications' docs/commands.md '**standpipe.toml**(5)'
page standpipe.toml 5 'File Formats' 'the settings of standpipe' docs/settings.md '**standpipe**(1)'
