//go:build linux

package compose

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/standpipe/standpipe/bridge/accesslog"
	"github.com/standpipe/standpipe/bridge/chain"
	"github.com/standpipe/standpipe/bridge/compress"
	"github.com/standpipe/standpipe/bridge/h3"
	"github.com/standpipe/standpipe/bridge/http1"
	"github.com/standpipe/standpipe/bridge/https"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/proxy"
	"github.com/standpipe/standpipe/bridge/static"
	"github.com/standpipe/standpipe/bridge/uwsgi"
	"github.com/standpipe/standpipe/bridge/wsgi"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
	"github.com/standpipe/standpipe/integration/testca"
	"github.com/standpipe/standpipe/supervisor"
)

// The zero value of every Options struct is legal, so an option that is never handed over goes unnoticed. This test assembles the
// server from a configuration with every setting off its default and looks at every Options struct that it then holds: no field
// may be zero in all of them. The test of the same name in integration/ finds, in the source, the fields that nothing sets.

// zeroAllowed are the fields that stay zero here, each with the reason.
var zeroAllowed = map[string]string{}

type noCounters struct{}

func (noCounters) Observe(*httpx.Writer, *http.Request, time.Duration) {}
func (noCounters) Refused(string)                                      {}
func (noCounters) RequestRefused(string)                               {}
func (noCounters) Handshake(string, bool)                              {}
func (noCounters) HandshakeFailed(string)                              {}
func (noCounters) HTTP2Ended(string)                                   {}
func (noCounters) HTTP2Slowed()                                        {}

// everySetting is a configuration in which every setting differs from its default. settingsLeftOut says what is missing.
const everySetting = `
trusted_proxies = ["10.0.0.0/8"]
trusted_fields = ["for", "proto", "host"]
health_path = "/-/health"
server_header = "other"
error_page = { 503 = "busy.html" }
spool_dir = "spool"
runtime_dir = "run"
static_overlap = "1m"
static_cache = "1MiB"
compress_types = ["text/html"]
compress_min = "2KiB"
compress_codings = ["gzip"]
control = "control.sock"
control_mode = "0660"
control_group = "root"
metrics = "127.0.0.1:9"
redis = "redis://127.0.0.1:9"

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

[log]
access_log = "access.log"
access_log_format = "json"
error_log = "error.log"
log_level = "debug"
log_format = "json"

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
follow_symlinks = "on"
precompressed = "off"
cache_control = { "*.css" = "max-age=60" }
charset = "latin-1"
types = { ".foo" = "text/x-foo" }
headers = { X-A = "b" }

[[route]]
path = "/legacy"
hosts = ["legacy.example.org"]
handler = "proxy"
upstreams = ["http://127.0.0.1:1", "uwsgi://127.0.0.1:2"]
strip_prefix = "on"
request_buffering = "off"
send_proxy = "v2"
connect_timeout = "4s"
send_timeout = "59s"
read_timeout = "58s"

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
prefetch = 5
`

// settingsLeftOut are the settings that everySetting does not set, each with the reason.
var settingsLeftOut = map[string]string{
	"config": "it is how the file is read", "app": "the file's [[app]]", "worker_class": "another spelling of gevent", "worker_connections": "another spelling of gevent",
	"bind":         "the file's [[listen]]",
	"no_new_privs": "needs the helper program", "memory_max": "needs a control group", "cpu_max": "needs a control group", "pids_max": "needs a control group",
}

func TestWiring(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("SKIP[root]: sockets get an owner")
	}
	dir := t.TempDir()
	for _, name := range []string{"spool", "run", "protected", "files", "app/lib", "app/protected", "app/venv/bin", "venv/bin"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	made := testca.SelfSigned(t, testca.For("shop.example.org"))
	cert, key := made.CertPEM, made.KeyPEM
	for name, text := range map[string]string{"cert.pem": cert, "key.pem": key, "key-and-cert.pem": key + cert, "busy.html": "busy", "app/app.py": "app = None\n", "app/env": "C=d\n", "touched": "", "app/touched": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/usr/bin/python3", filepath.Join(dir, "app/venv/bin/python")); err != nil {
		t.Fatal(err)
	}
	seen := map[reflect.Type][]reflect.Value{}
	// Folders of some hosts alone are asked by a function, which hides what is behind it: once with and once without such hosts.
	for i, text := range []string{everySetting, strings.Replace(everySetting, "hosts = [\"files.example.org\"]\n", "", 1)} {
		if err := os.WriteFile(filepath.Join(dir, "standpipe.toml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		cfg, sources, err := config.Load(config.Input{Dir: dir, Environ: []string{"PATH=/usr/bin:/bin"}})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			checkComplete(t, cfg, sources)
		}
		log, err := logfile.Open(cfg, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(log.Close)
		s, err := New(cfg, "test", log, io.Discard, func(supervisor.Event) {}, noCounters{}, func(string) []byte { return nil })
		if err != nil {
			t.Fatal(err)
		}
		for typ, list := range optionsOf(s) {
			seen[typ] = append(seen[typ], list...)
		}
	}
	// listen.Options and forwarded.Options are taken apart by their constructors: the test in integration/ has to do for them.
	for _, want := range []any{supervisor.Options{}, wsgi.Options{}, uwsgi.Options{}, http1.Options{}, https.Options{}, h3.Options{}, proxy.Options{}, static.Options{}, compress.Options{},
		chain.PanicsOptions{}, chain.HealthOptions{}, chain.LimitsOptions{}, chain.HostsOptions{}} {
		typ := reflect.TypeOf(want)
		if len(seen[typ]) == 0 {
			t.Errorf("no %v was found in the assembled server", typ)
			continue
		}
		for i := range typ.NumField() {
			f := typ.Field(i)
			name := typ.String() + "." + f.Name
			set := slices.ContainsFunc(seen[typ], func(v reflect.Value) bool { return !v.Field(i).IsZero() })
			switch {
			case !f.IsExported():
			case !set && zeroAllowed[name] == "":
				t.Errorf("%s is zero in all %d of them", name, len(seen[typ]))
			case set && zeroAllowed[name] != "":
				t.Errorf("%s is set; take it out of zeroAllowed", name)
			}
		}
	}
}

// checkComplete: everySetting sets every setting that there is, and to something else than its default.
func checkComplete(t *testing.T, cfg *config.Config, sources *schema.Sources) {
	t.Helper()
	given := map[string]bool{}
	for _, e := range cfg.Effective(sources) {
		key := e.Key[strings.LastIndex(e.Key, ".")+1:]
		if strings.HasPrefix(e.Source, "file") || strings.Contains(e.Source, "standpipe.toml") {
			given[key] = true
		}
	}
	for _, s := range config.Settings() {
		switch {
		case settingsLeftOut[s.Key] != "":
		case !given[s.Key] && !strings.Contains(everySetting, "\n"+s.Key+" = "):
			t.Errorf("everySetting does not set %s: add it, so that this test sees whether it is wired", s.FileKey())
		}
	}
}

// optionsOf are all structs whose type's name ends in Options that can be reached from root, by type.
func optionsOf(root any) map[reflect.Type][]reflect.Value {
	found := map[reflect.Type][]reflect.Value{}
	seen := map[unsafe.Pointer]bool{}
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if v.IsNil() || seen[v.UnsafePointer()] || !ours(v.Type().Elem()) {
				return
			}
			seen[v.UnsafePointer()] = true
			walk(v.Elem())
		case reflect.Interface:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Slice, reflect.Array:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Map:
			for it := v.MapRange(); it.Next(); {
				walk(it.Value())
			}
		case reflect.Struct:
			t := v.Type()
			if t == reflect.TypeFor[logfile.Log]() || t == reflect.TypeFor[logfile.Outlet]() || t == reflect.TypeFor[accesslog.Log]() {
				return // their goroutines run
			}
			if strings.HasSuffix(t.Name(), "Options") && strings.Contains(t.PkgPath(), "standpipe") {
				found[t] = append(found[t], v)
			}
			if strings.HasPrefix(t.String(), "atomic.Pointer[") && v.CanAddr() {
				walk(reflect.NewAt(t, unsafe.Pointer(v.UnsafeAddr())).MethodByName("Load").Call(nil)[0])
				return
			}
			for i := range v.NumField() {
				walk(v.Field(i))
			}
		}
	}
	walk(reflect.ValueOf(root))
	return found
}

// ours says whether values of the type may hold something of this module.
func ours(t reflect.Type) bool {
	return t.PkgPath() == "" || strings.Contains(t.PkgPath(), "standpipe") || t.PkgPath() == "sync/atomic" || t.PkgPath() == "sync"
}
