"""The proxies: standpipe's [[route]] and nginx, in front of the same upstreams. Each is a function of a Job, as in servers.py."""

import os

import behind
import machine

SEND_TIMEOUT = 10  # seconds, of all of them
NETWORKS = 1_000_000

PARAMS = "REQUEST_METHOD QUERY_STRING CONTENT_TYPE CONTENT_LENGTH REQUEST_URI DOCUMENT_URI SERVER_PROTOCOL REMOTE_ADDR REMOTE_PORT SERVER_ADDR SERVER_PORT SERVER_NAME"


def standpipe(more=lambda job: "", of_route=()):
    """more: of a Job, further tables of the file. of_route: further lines of the route."""

    def command(job):
        with open(os.path.join(job.dir, "standpipe.toml"), "w") as f:
            f.write(_file(job, of_route) + more(job))
        return [[job.tools.standpipe, "serve", "-c", f.name] + list(job.tools.more)]

    return command


def _file(job, of_route):
    php = job.behind.kind == "php"
    upstreams = ", ".join('"%s%s"' % ("fastcgi+unix:" if php else "http://", a) for a in job.behind.addresses)
    lines = ['bind = "127.0.0.1:%d"' % job.port, 'runtime_dir = "%s/runtime"' % job.dir, 'spool_dir = "%s"' % job.dir]
    lines += ["[log]", 'access_log = "%s"' % ("off" if job.logs == "off" else "-"), "[limits]", 'send_timeout = "%ds"' % SEND_TIMEOUT]
    if job.behind.kind == "big":  # the default is 8 GiB, of which all clients of one address may have half
        lines += ['answer_total = "24GiB"']
    lines += ["[[route]]", "upstreams = [%s]" % upstreams] + list(of_route)
    if php:
        lines += ['root = "%s"' % job.behind.dir]
    return "\n".join(lines) + "\n"


def limit(job):
    """One that refuses nothing: what counting costs."""
    return '[[limit]]\nname = "all"\nrate = "1000000/s"\nburst = 1000000\n'


def access(job):
    """A list that none of the clients is in."""
    path = os.path.join(job.dir, "networks.txt")
    with open(path, "w") as f:
        for n in range(0, 16 * NETWORKS, 16):  # apart, so that no two become one
            f.write("11.%d.%d.%d\n" % (n >> 16, n >> 8 & 255, n & 255))
    return '[[access]]\ndeny_files = ["%s"]\n' % path


def files(job):
    """The page as a static file."""
    os.makedirs(os.path.join(job.dir, "files"), exist_ok=True)
    with open(os.path.join(job.dir, "files", "page"), "wb") as f:
        f.write(behind.PAGE)
    return '[[static]]\nurl = "/"\ndir = "%s/files"\n' % job.dir


def nginx(policy="", cache=False):
    def command(job):
        php = job.behind.kind == "php"
        values = {
            "DIR": job.dir,
            "PORT": job.port,
            "USER": behind.user(),
            "ACCESS_LOG": "access_log off;" if job.logs == "off" else "access_log %s/access.log combined;" % job.dir,
            "SEND_TIMEOUT": SEND_TIMEOUT,
            "POLICY": policy,
            "UPSTREAMS": " ".join("server %s;" % ("unix:" + a if php else a) for a in job.behind.addresses),
            "KEEPALIVE": "" if php else "keepalive 64; keepalive_requests 1000000;",  # without it each request opens a connection
            "LOCATION": _php(job) if php else _http("proxy_cache all;" if cache else ""),
            "CACHE": "proxy_cache_path %s/cache keys_zone=all:16m;" % job.dir if cache else "",
        }
        conf = machine.fill("proxy.conf", job.dir, values)
        return [[job.tools.nginx(), "-p", job.dir, "-c", conf, "-e", os.path.join(job.dir, "nginx-error.log")]]

    return command


def _http(more):
    fields = {"Connection": '""', "Host": "$http_host", "X-Forwarded-For": "$proxy_add_x_forwarded_for", "X-Forwarded-Proto": "$scheme"}
    lines = ["proxy_pass http://app;", "proxy_http_version 1.1;"] + ["proxy_set_header %s %s;" % both for both in fields.items()]
    return "location / { %s }" % " ".join(lines + [more])


def _php(job):
    params = ["fastcgi_param %s $%s;" % (name, name.lower()) for name in PARAMS.split()]
    params += ["fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;", "fastcgi_param SCRIPT_NAME $fastcgi_script_name;"]
    params += ["fastcgi_param DOCUMENT_ROOT $document_root;", "fastcgi_param GATEWAY_INTERFACE CGI/1.1;"]
    return "root %s; location ~ \\.php$ { try_files $uri =404; fastcgi_pass app; %s }" % (job.behind.dir, " ".join(params))
