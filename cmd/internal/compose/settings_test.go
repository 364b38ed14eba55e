package compose

// everySetting is a configuration in which every setting differs from its default. settingsLeftOut says what is missing.
const everySetting = `
trusted_proxies = ["10.0.0.0/8"]
trusted_fields = ["for", "proto", "host"]
health_path = "/-/health"
server_header = "other"
error_page = { 503 = "busy.html" }
spool_dir = "spool"
runtime_dir = "run"
state_dir = "run"
geoip = "countries.mmdb"
static_overlap = "1m"
static_cache = "1MiB"
memory_budget = "500MiB"
compress_types = ["text/html"]
compress_min = "2KiB"
compress_codings = ["gzip"]
control = "control.sock"
control_mode = "0660"
control_group = "root"
metrics = "127.0.0.1:9"
dashboard = "127.0.0.1:9"
dashboard_token = "0123456789abcdef"
redis = "redis://127.0.0.1:9"
scanners = "ban"
scanner_paths = ["/own"]
scanner_except = ["/wp-json/"]
scanner_status = "403"
scanner_ban_for = "2h"

[limits]
buffer_body = "32KiB"
max_body = "1MiB"
spool_total = "10MiB"
answer_total = "11MiB"
min_rate = "1KiB"
tunnel_timeout = "4m"
body_timeout = "29s"
send_timeout = "61s"
header_timeout = "9s"
idle_timeout = "74s"
max_head = "32KiB"
max_fields = 199
max_target = "16KiB"
max_requests_per_connection = 999
response_memory = "128KiB"
spool_max = "128MiB"
max_connections = 99
max_connections_per_client = 9

[cache]
cache_memory = "2MiB"
cache_max_object = "1MiB"
cache_dir = "cache"
cache_dir_size = "2MiB"
cache_redis = true
cache_wait = "4s"
cache_pass = "9s"
cache_ignore_query = ["ref"]
cache_purge_from = ["10.0.0.0/8"]
cache_client_directives = "off"

[log]
access_log = "access.log"
access_log_format = "json"
error_log = "error.log"
log_level = "debug"
slow_request = "2s"
log_format = "json"

[trace]
trace_to = "https://127.0.0.1:9"
trace_sample = 0.25
trace_parents = "trusted"
trace_fields = { X-Api-Key = "key" }
trace_service = "shop"
trace_attributes = { "deployment.environment.name" = "test" }
server_timing = "on"
request_start = "on"

[stop]
stop_timeout = "24s"
graceful_timeout = "5s"
shutdown_delay = "1s"
term_grace = "3s"

[tls]
tls_cert = "cert.pem"
tls_key = "key.pem"
tls_min = "1.3"
client_ca = "cert.pem"
client_auth = "request"
hsts = "max-age=60"

[acme]
https = ["hosts", "*.wild.example.org"]
acme_ca = ["staging"]
acme_ca_roots = "cert.pem"
acme_email = "a@example.org"
acme_profile = "shortlived"
acme_eab_id = "id"
acme_eab_key = "key"
acme_storage = "redis"
acme_dns = "rfc2136"
acme_dns_program = "key.pem"
acme_dns_server = "127.0.0.1:9"
acme_dns_key_name = "name"
acme_dns_key = "a2V5"
acme_dns_algorithm = "hmac-sha512"
acme_dns_token = "token"
acme_dns_resolvers = ["127.0.0.1:9"]
acme_dns_wait = "3m"
acme_on_demand = "on"
acme_ask = "http://127.0.0.1:9"
acme_on_demand_rate = 3

[dev]
dev = "on"
live = "on"
dev_token = "0123456789abcdef"

[[certificate]]
cert = "cert.pem"
key = "key.pem"

[[listen]]
address = "https+unix:https.sock"
http2 = "off"
proxy_protocol = "on"
client_ca = "key-and-cert.pem"
client_auth = "require"
hosts = ["shop.example.org"]

[[listen]]
address = "https://127.0.0.1:0"
http3 = "on"

[[listen]]
address = "unix:h2c.sock"
h2c = "on"

[[listen]]
address = "unix:redirect.sock"
redirect_https = "on"

[[listen]]
address = "unix:listen.sock"
protocol = "uwsgi"
mode = "0660"
user = "root"
group = "root"
backlog = 77

[[access]]
path = "/admin"
hosts = ["admin.example.org"]
listen = ["127.0.0.1:0"]
except = ["/admin/health"]
allow = ["10.0.0.0/8"]
deny = ["10.1.0.0/16"]
allow_files = ["allowed.txt"]
deny_files = ["denied.txt"]
allow_countries = ["NZ"]
deny_countries = ["XX"]
auth_users = "users"
auth_realm = "Admin"
pass_authorization = "on"
forward_auth = "http://127.0.0.1:1/verify"
forward_auth_fields = ["Remote-User"]
forward_auth_timeout = "4s"
satisfy = "any"

[[internal]]
url = "/protected"
dir = "protected"
headers = { X-C = "d" }

[[static]]
url = "/files"
dir = "files"
hosts = ["files.example.org"]
missing = "404"
index = ["index.html"]
listing = "on"
follow_symlinks = "on"
precompressed = "off"
cache_control = { "*.css" = "max-age=60" }
charset = "latin-1"
types = { ".foo" = "text/x-foo" }
headers = { X-A = "b" }

[[limit]]
name = "api"
key = ["client", "header:X-Api-Key"]
rate = "100/m"
burst = 20
delay = 5
concurrency = 3
path = "/api"
hosts = ["shop.example.org"]
methods = ["POST"]
app = "shop"
status = "503"
fields = "all"
dry_run = "on"
store = "redis"
fail = "closed"
ban_after = 20
ban_within = "2m"
ban_for = "2h"
ipv6_prefix = 56
keys = 2000

[[route]]
path = "/legacy"
hosts = ["legacy.example.org"]
path_exact = ["/legacy/a/b"]
path_glob = ["/legacy/**"]
path_regex = ["b$"]
methods = ["GET"]
match_fields = { X-Beta = "*" }
match_query = { q = "~a" }
clients = ["10.0.0.0/8"]
scheme = "https"
handler = "proxy"
upstreams = ["http://127.0.0.1:1", "uwsgi://127.0.0.1:2"]
strip_prefix = "on"
request_buffering = "off"
response_buffering = "off"
upgrades = ["x"]
keepalive = 5
keepalive_timeout = "29s"
send_proxy = "v2"
connect_timeout = "4s"
send_timeout = "59s"
read_timeout = "58s"
balance = "sticky"
sticky_cookie = "up"
sticky_secret = "0123456789abcdef"
slow_start = "31s"
max_fails = 6
eject_time = "29s"
retry_on = ["error", "timeout", 503]
tries = 4
retry_budget = 21
resolve = "on"
dns_servers = ["127.0.0.1:9"]
upstreams_file = "upstreams.txt"
cache = "on"

[[route]]
path = "/hashed"
handler = "proxy"
balance = "hash:uri"

[[route.upstream]]
address = "http://127.0.0.1:3"
weight = 2
max_conns = 8

[[route.upstream]]
address = "http://127.0.0.1:4"
backup = "on"

[[route.upstream]]
address = "http://127.0.0.1:5"
down = "on"

[route.health]
path = "/ok"
interval = "6s"
timeout = "3s"
rise = 3
fall = 4
status = [200]
body = "ok"
host = "shop.example.org"
jitter = 11

[[route]]
path = "/php"
handler = "proxy"
upstreams = ["fastcgi+unix:php.sock"]
strip_prefix = "on"
root = "php"
upstream_root = "/srv/php"
index = ["home.php"]
split = [".php", ".phtml"]
missing = "/index.php"
params = { APP_ENV = "test" }
keep_connections = 3

[[route]]
path = "/files"
static = "files"

[[route]]
path = "/files2"
replace_prefix = "/"
[route.static]
dir = "files"
missing = "app"
index = ["index.html"]
headers = { X-A = "b" }

[[route]]
path = "/to-app"
security_fields = "on"
handler = "app"
app = "green"
add_prefix = "/green"

[[route]]
path_regex = ["^/r(.*)$"]
app = "green"
rewrite = "/green/{1}"

[[route]]
path_regex = ["^/s(.*)$"]
redirect = "/x/{1}"
status = 308

[[route]]
path = "/body"
respond = 200
body = "text"
content_type = "text/x-a"

[[route]]
path = "/body_file"
respond = 200
body_file = "busy.html"

[[fields]]
side = "request"
remove = ["X-Bad"]
set = { X-Client = "{client}" }
add = { X-More = "1" }

[[fields]]
status = [404]
set = { X-A = "b" }

[[app]]
name = "shop"
module = "app:app"
dir = "app"
python = "python3"
env = { A = "b" }
env_file = ["env"]
pythonpath = ["lib"]
mount = "/shop"
hosts = ["shop.example.org"]
underscore_fields = ["api_key"]
sendfile_roots = ["protected"]
workers = "2..4"
threads = 3
prefetch = 7
timeout = "29s"
stream_timeout = "28s"
on_disconnect = "cancel"
request_buffering = "off"
queue = 9
queue_timeout = "8s"
boot_timeout = "59s"
static = "force"
follow_symlinks = "on"
static_compress = "off"
compress = "on"
security_fields = "on"
cache = "on"
serve_stale = "1h"
cache_cookies = ["lang"]
cache_ignore_cookies = ["_ga*"]
cache_set_cookies = ["seen"]
cache_languages = ["de", "en"]
cache_missing = "5s"
retry = "never"
preload = "on"
surge = "50%"
reload = "on"
touch_reload = ["touched"]
warmup = ["/shop/warm"]
idle_stop = "1h"
max_requests = 1000
max_requests_jitter = "20%"
max_lifetime = "2h"
max_rss = "300MiB"
hard_rss = "400MiB"
drain_timeout = "4m"
umask = "022"
nice = 1
limit_as = "8GiB"
limit_nofile = 512
limit_nproc = 4096
limit_cpu = "10h"

[[app.cache_rules]]
path = "/shop/**"
status = [200, 404]
ttl = "10m"
cookies = "ignore"

[app.cors]
origins = ["https://a.example.org"]
methods = ["PUT"]
headers = ["X-A"]
expose = ["X-B"]
credentials = "on"
max_age = "1h"

[[app]]
name = "green"
surge = "none"
module = "app:app"
dir = "app"
mount = "/green"
venv = "venv"
gevent = 50
prefetch = 6
user = "nobody"
group = "nogroup"
groups = ["nogroup"]

[[app]]
name = "plain" # prefetch needs one thread, and bodies that are buffered
module = "app:app"
dir = "app"
mount = "/plain"
threads = 1
prefetch = 5
`

// settingsLeftOut are the settings that everySetting does not set, each with the reason.
var settingsLeftOut = map[string]string{
	"config": "it is how the file is read", "app": "the file's [[app]]", "worker_class": "another spelling of gevent", "worker_connections": "another spelling of gevent",
	"bind":         "the file's [[listen]]",
	"no_new_privs": "needs the helper program", "memory_max": "needs a control group", "cpu_max": "needs a control group", "pids_max": "needs a control group",
}
