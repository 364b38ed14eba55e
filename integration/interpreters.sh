#!/bin/sh
# Prints every usable Python of this machine, CPython 3.8 and newer and PyPy: one "path version" per line, oldest first.
# Searched: PATH, pyenv's versions, /opt/python, and what newer_pythons.sh has unpacked. Each real interpreter is listed once.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
list() {
    IFS=:
    for dir in $PATH; do
        for name in python3 python3.8 python3.9 python3.10 python3.11 python3.12 python3.13 python3.14 python3.15 python3.13t python3.14t python3.15t pypy3; do
            echo "$dir/$name"
        done
    done
    unset IFS
    for path in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python3 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/pypy3 /opt/python/*/bin/python3 \
        "$here"/../.cache/pythons/*/usr/bin/python3; do
        echo "$path"
    done
}
list | while read -r path; do
    [ -x "$path" ] || continue
    case $path in */shims/*) continue ;; esac # a pyenv shim is a shell script in front of a path found below
    "$path" -c '
import os, sys
if sys.version_info >= (3, 8):
    name = sys.implementation.name
    tag = "%d.%d.%d" % sys.version_info[:3]
    if name != "cpython":
        tag = name + "-" + tag
    elif hasattr(sys, "_is_gil_enabled") and not sys._is_gil_enabled():
        tag += "t"
    print("%03d%03d %s %s" % (sys.version_info[0], sys.version_info[1], os.path.realpath(sys.executable), tag))
' </dev/null 2>/dev/null || :
done | sort -u | cut -d' ' -f2-
