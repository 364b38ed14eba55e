#!/bin/sh
# After a removal. Certificates and logs stay until a purge (deb); with rpm and apk they stay.
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi
if [ "${1:-}" = purge ]; then
    rm -rf /var/lib/standpipe /var/cache/standpipe /var/log/standpipe /etc/standpipe
    if getent passwd standpipe >/dev/null; then userdel standpipe 2>/dev/null || true; fi
    if getent group standpipe >/dev/null; then groupdel standpipe 2>/dev/null || true; fi
fi
