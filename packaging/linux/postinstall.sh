#!/bin/sh
# After an installation or an upgrade. Nothing is enabled or started; a server that runs gives its sockets to the new program.
set -e
if command -v systemd-sysusers >/dev/null 2>&1; then
    systemd-sysusers standpipe.conf
    if command -v systemd-tmpfiles >/dev/null 2>&1; then systemd-tmpfiles --create standpipe.conf || true; fi # it needs /proc
else # a container, or Alpine
    if getent passwd standpipe >/dev/null 2>&1; then
        :
    elif command -v useradd >/dev/null 2>&1; then
        useradd --system --user-group --home-dir /var/lib/standpipe --no-create-home --shell /usr/sbin/nologin --comment "standpipe web server" standpipe
    else # BusyBox
        addgroup -S standpipe
        adduser -S -D -H -h /var/lib/standpipe -s /sbin/nologin -G standpipe standpipe
    fi
    install -d -m 0750 -o standpipe -g standpipe /var/lib/standpipe /var/log/standpipe
fi
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || true
    if systemctl is-active --quiet standpipe.service; then
        # Not by systemctl kill: before systemd 252 it has no --kill-whom.
        pid=$(systemctl show --property=MainPID --value standpipe.service)
        [ "${pid:-0}" -eq 0 ] || kill -USR2 "$pid" || true
    fi
fi
