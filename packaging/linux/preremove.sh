#!/bin/sh
# Before a removal; an upgrade ("upgrade", or 1 with rpm) leaves the server running.
set -e
case ${1:-remove} in
remove | 0)
    if command -v systemctl >/dev/null 2>&1; then systemctl disable standpipe.service standpipe.socket >/dev/null 2>&1 || true; fi
    if [ -d /run/systemd/system ]; then systemctl stop standpipe.service standpipe.socket >/dev/null 2>&1 || true; fi
    ;;
esac
