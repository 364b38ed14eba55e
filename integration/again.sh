#!/bin/sh
# again.sh WHAT COMMAND...: runs a command that takes something from the network. When it fails it runs again, after 5, 20 and 60 seconds:
# four times in all; AGAIN="1 1" is other pauses. It says each time what failed, and ends with the command's last exit code.
set -u
what=$1
shift
for pause in ${AGAIN-5 20 60}; do
    code=0
    "$@" || code=$?
    case $code in
    0) exit 0 ;;
    126 | 127 | 129 | 130 | 143) break ;; # no such program, or a signal ended it
    esac
    echo "$what: failed with exit code $code; again in $pause s" >&2
    sleep "$pause"
    code=
done
if [ -z "${code:-}" ]; then
    code=0
    "$@" || code=$?
fi
[ "$code" -eq 0 ] || echo "$what: failed with exit code $code: $*" >&2
exit "$code"
