#!/bin/sh
# After an installation or an upgrade. Nothing is enabled or started; a server that runs gives its sockets to the new program.
set -e
if command -v systemd-sysusers >/dev/null 2>&1; then
    systemd-sysusers standpipe.conf
    if command -v systemd-tmpfiles >/dev/null 2>&1; then systemd-tmpfiles --create standpipe.conf; fi
elif command -v adduser >/dev/null 2>&1 && ! getent passwd standpipe >/dev/null 2>&1; then
    addgroup -S standpipe && adduser -S -D -H -h /var/lib/standpipe -s /sbin/nologin -G standpipe standpipe
fi
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || true
    if systemctl is-active --quiet standpipe.service; then
        systemctl kill --kill-whom=main --signal=USR2 standpipe.service || true
    fi
fi
