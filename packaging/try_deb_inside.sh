#!/bin/bash
# What packaging/try_deb.sh runs under the systemd of an empty Debian.
set -euo pipefail
cd /
port=$(</port)
failed() { echo "FAILED: $*"; systemctl status standpipe --no-pager --lines=30 || true; exit 1; }
page() { python3 - "$port" "$1" <<'PYTHON'
import sys, urllib.request
with urllib.request.urlopen("http://127.0.0.1:%s%s" % tuple(sys.argv[1:]), timeout=20) as answer:
    print(answer.status, answer.headers["Content-Type"], len(answer.read()))
PYTHON
}
before=$(find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/tmp -o -path /var/cache -o -path /var/log/journal -o -path /var/lib/dpkg -o -path /var/lib/systemd \) -prune -o -print | sort)

# As in a container without systemd's programs: the user is made by useradd.
mv /usr/bin/systemd-sysusers /systemd-sysusers
dpkg --install /standpipe.deb >/dev/null
[[ $(getent passwd standpipe) == standpipe:x:*:/var/lib/standpipe:/usr/sbin/nologin ]] || failed "no user without systemd-sysusers"
[[ $(stat -c %U:%G:%a /var/log/standpipe) == standpipe:standpipe:750 ]] || failed "the folder of the logs, without systemd-sysusers"
dpkg --purge standpipe >/dev/null
mv /systemd-sysusers /usr/bin/systemd-sysusers

began=$SECONDS
dpkg --install /standpipe.deb >/dev/null
[[ $(systemctl is-enabled standpipe || true) == disabled ]] || failed "the package enables its service"
[[ $(systemctl is-active standpipe || true) == inactive ]] || failed "the package starts its service"
[[ $(stat -c %U:%G:%a /var/log/standpipe) == standpipe:standpipe:750 ]] || failed "the folder of the logs"
systemctl start standpipe && failed "a configuration without an app starts"
[[ $(systemctl show -P ExecMainStatus standpipe) == 2 ]] || failed "a configuration without an app: exit $(systemctl show -P ExecMainStatus standpipe)"
# The sample is right when its lines count.
sed -e 's/^#\([a-z[]\)/\1/' /etc/standpipe/standpipe.toml >/tmp/sample.toml
standpipe check -c /tmp/sample.toml >/tmp/checked 2>&1 || failed "the sample: $(cat /tmp/checked)"
cat >/etc/standpipe/standpipe.toml <<TOML
bind = ["127.0.0.1:$port"]
[log]
access_log = "/var/log/standpipe/access.log"
[[app]]
name = "shop"
dir = "/srv/shop"
TOML
systemctl enable --now --quiet standpipe || failed "the service does not start"
page /admin/login/
page /static/admin/css/base.css
took=$((SECONDS - began))
echo "from dpkg --install to the page and its style: $took s"
((took < 30)) || failed "$took s"

(cd /root && standpipe top --once >/dev/null && standpipe status | grep -q '^shop ') || failed "root does not find the server"
runuser -u nobody -- standpipe status >/dev/null 2>&1 && failed "others ask the server"

# The package is replaced while clients ask.
pid=$(systemctl show -P MainPID standpipe)
python3 - "$port" <<'PYTHON' &
import sys, time, urllib.request
end = time.monotonic() + 15
count = 0
while time.monotonic() < end:
    with urllib.request.urlopen("http://127.0.0.1:%s/admin/login/" % sys.argv[1], timeout=20) as answer:
        answer.read()
    count += 1
print("requests while the package was replaced: %d, none failed" % count)
PYTHON
asking=$!
dpkg --install /standpipe.deb >/dev/null
wait $asking || failed "a request failed while the package was replaced"
[[ $(systemctl show -P MainPID standpipe) != "$pid" ]] || failed "the old program serves after the upgrade"
[[ $(systemctl is-active standpipe) == active ]] || failed "the service is not active after the upgrade"
systemctl reload standpipe || failed "reload"
[[ -s /var/log/standpipe/access.log ]] || failed "no access log"
[[ $(stat -c %U:%G:%a /var/log/standpipe) == standpipe:standpipe:750 ]] || failed "the service changes the folder of the logs"
logrotate --force --state /tmp/logrotate /etc/logrotate.d/standpipe || failed logrotate
until=$((SECONDS + 20))
while ! grep -q 'GET /admin/login/' /var/log/standpipe/access.log 2>/dev/null; do
    ((SECONDS < until)) || failed "the log is not opened again after its rotation"
    page /admin/login/ >/dev/null
done
COMP_LINE='standpipe ser' COMP_POINT=13 bash -c 'source /usr/share/bash-completion/completions/standpipe; _standpipe; [[ ${COMPREPLY[*]} == serve ]]' || failed "bash completes nothing"
systemd-analyze verify --man=no standpipe.service standpipe.socket || failed "systemd-analyze verify"
systemd-analyze security --threshold=25 --no-pager standpipe.service | tail -n 1 || failed "systemd-analyze security"

dpkg --purge standpipe >/dev/null
[[ $(systemctl is-active standpipe || true) == inactive ]] || failed "the service runs after the removal"
getent passwd standpipe && failed "the user is left"
after=$(find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/tmp -o -path /var/cache -o -path /var/log/journal -o -path /var/lib/dpkg -o -path /var/lib/systemd \) -prune -o -print | sort)
left=$(comm -13 <(echo "$before") <(echo "$after") | grep -v -e '^/srv/shop/.*__pycache__' -e '^/etc/\(passwd\|group\|shadow\|gshadow\)-$' -e '^/etc/.pwd.lock' || true)
[[ -z $left ]] || failed "the purge leaves: $left"
echo "purged: nothing is left"
