package integration

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// wrongFiles are what is in the folder of the wrong command lines.
var wrongFiles = map[string]string{
	"app.py":            hello("x"),
	"one/app.py":        hello("x"),
	"two/app.py":        hello("x"),
	"plain":             "a file",
	"broken/pyvenv.cfg": "",
	"shop/wsgi.py":      hello("x"), "shop/__init__.py": "",
	"kinto.ini":      "[app:main]\nuse = egg:kinto\n",
	"site.ini":       "[uwsgi]\nmodule = x\n",
	"syntax.toml":    "a = \n",
	"twice.toml":     "[[app]]\nmodule = \"a\"\nmodule = \"b\"\n",
	"one_table.toml": "[app]\nmodule = \"a\"\n",
	"tables.toml":    "workers = 3\nmax_body = 3\nlimits = 3\nbind = \":1\"\nmodule = \"x\"\n[[app]]\nmodule = [1]\ndir = []\nmount = true\n[[listen]]\naddress = \":2\"\n[[listen]]\n",
	"values.toml": `trusted_prox = "x"
trusted_proxies = "10.0.0.1/8"
error_page = { 200 = "plain" }
[limits]
max_bdy = 1
max_head = 10
max_body = [1]
idle_timeout = -1
body_timeout = "soon"
buffer_body = "1gig"
[log]
log_format = "xml"
log_level = "loud"
access_log = "no/such.log"
[stop]
stop_timeout = "10s"
graceful_timeout = "10s"
[[listen]]
address = ":1"
protocol = "fastcgi"
[[listen]]
adress = ":2"
[[app]]
name = "a"
module = "a"
dir = "nowhere"
mount = "a//b"
workers = "x"
threads = -1
timeout = "x"
queue = -1
[[app]]
name = "b"
module = "b"
python = "nowhere/python"
env_file = ".nothing"
hosts = ["http://x", "y:80", "a.*.org", "0.0.0.0"]
worker_class = "eventlet"
[[app]]
name = "b"
module = "c"
env = { A = [1], "b c" = "d" }
memory_max = "much"
`,
	"routes.toml": `[[listen]]
address = "uwsgi://127.0.0.1:3031"
protocol = "http"
[[listen]]
address = "127.0.0.1:8000"
[[app]]
name = "a"
module = "app:app"
[[route]]
path = "legacy"
hosts = ["http://x"]
handler = "static"
upstreams = ["127.0.0.1:1"]
strip_prefx = true
[[route]]
path = "/a//b"
upstreams = ["http://127.0.0.1:8000", "http://a:1", "http://a:1"]
[[route]]
path = "/x"
handler = "proxy"
upstreams = []
[[route]]
path = "/u"
handler = "proxy"
upstreams = ["gopher://x", "http://", "http://a/b", "uwsgi://a", "http://a:x", "http://::1", "uwsgi+unix:"]
[[route]]
`,
	"static.toml": `compress_codings = ["deflate"]
compress_types = ["html"]
static_compress = true
[[static]]
dir = "."
[[static]]
url = "x"
dir = "."
[[static]]
url = "/"
dir = "none"
[[static]]
url = "/"
dir = "."
missing = "410"
indexes = 1
[[app]]
module = "app:app"
[[app.static]]
url = "/x"
[[app.static]]
url = "/"
dir = "."
hosts = ["a"]
`,
	"wishes.toml": "[[app]]\nmodule = \"app:app\"\nstatic = \"media\"\npreload = \"maybe\"\nqueue_timeout = -1\nmax_rss = \"much\"\nhosts = []\n",
	"mounts.toml": "[[app]]\nname = \"a\"\nmodule = \"a\"\n[[app]]\nname = \"b\"\nmodule = \"b\"\n[[app]]\nname = \"c d\"\nmodule = \"c\"\nmount = \"/c\"\nvenv = \"broken\"\npython = \"python3\"\n",
	"limits.toml": "spool_total = \"much\"\n[limits]\nbuffer_body = \"200MiB\"\nmax_body = \"1MiB\"\n[stop]\nstop_timeout = 1\nshutdown_delay = 9\n[[app]]\nmodule = \"app:app\"\nnice = 20\numask = \"999\"\nlimit_nofile = 0\n",
	".env":        "A=1\nB\n",
	"quoted.env":  "A='x\n",
}

// wrongLines are command lines that end with a problem; the text before | is the environment.
var wrongLines = []string{
	// Commands, flags, arguments.
	"srve", "shop.wsgi:app", "-w 4 app", "version x", "version --preload", "explain queue_ful", "explain 5",
	"serve --wrokers 4", "serve --timeou 4", "serve -z", "serve app:app other:app", "serve -w", "serve -w --threads 2", "serve --load", "serve --port 80", "check --host 0.0.0.0",
	"check -w -1", "check --timeout -5", "check -w x", "check --load=x", "check --preload=maybe", "check --log-level loud", "check --threads 0", "check --queue -1", "check --max-body much",
	"check -k eventlet", "check -k fast", "check -k uvicorn.workers.UvicornWorker", "check -k gevent --threads 2", "check --gevent 20000", "check -k gevent --worker-connections x",
	"check -k eventlet --daemon --pid x.pid --statsd-host x:1 --http 8000 --limit-request-line 0 app:app",
	"check --trusted-fields hosts", "check --trusted-proxies nonsense", "check --health-path on", "check --health-path /a?b", "check --underscore-fields x_forwarded_for", "check --error-page 200=plain", "check --error-page x",
	"check --user no-such-user", "check --group no-such-group", "check --user 23456", "check --umask 999", "check --nice 20", "check --spool-dir nowhere",
	// Addresses.
	"check -b 1:2:3", "check -b :99999", "check -b ::1", "check -b 0.0.0.0:", "check -b a:http", "check -b /run/x", "check -b unix:", "check -b unix:@x", "check -b unix:/x?mode=999", "check -b unix:/x?mdoe=1",
	"check -b fd://x", "check -b fd://1", "check -b uwsgi+:3031", "check -b https://:443", "check -b ftp://x", "check -b *:80", "check -b unix:nowhere/s", "check -b :1 -b :1", "check -b 0.0.0.0:81 -b 127.0.0.1:81",
	"serve app:app -b 192.0.2.1:8000", "PORT=tcp://1 WEB_CONCURRENCY=0|check app:app",
	// APP, folders, interpreters.
	"check .", "check ./", "check ./one", "check one/", "check nosuch.py", "check sub/app.py", "check nosuch:app", "check shop.wsgy:app", "check kinto.ini", "check site.ini", "check values.toml", "check --dir shop/nowhere",
	"check --dir nowhere app:app", "check --dir plain app:app", "check --venv nowhere app:app", "check --venv plain app:app", "check --venv broken app:app", "check --python ./nope app:app", "check --python ./plain app:app",
	"check --python . app:app", "check --python python9 app:app", "check --env-file .env app:app", "check --env-file quoted.env app:app", "check -e nonsense app:app",
	// --app and named flags.
	"check --app shop.wsgi", "check --app name=a,module=b,wrokers=3", "check --app name=a,name=b,module=c", "check --app name=a,module=x,max_body=1MiB", "check --app name=a,module=a --app name=b,module=b,mount=/b --workers c=3",
	// Files.
	"check -c nope.toml", "check -c plain", "check -c syntax.toml", "check -c twice.toml", "check -c one_table.toml", "check -c tables.toml", "check -c values.toml", "check -c routes.toml", "check -c static.toml", "check -c wishes.toml", "check -c mounts.toml",
	"check -c limits.toml", "STANDPIPE_WROKERS=3 GUNICORN_CMD_ARGS=-w|check app:app", "STANDPIPE_CONFIG=nope.toml|check",
	// Other commands.
	"export", "export caddy", "export nginx app:app more", "export systemd --unit timer", "export nginx --connect x:y", "compress", "compress one two", "compress --codings deflate one", "compress --min x one", "compress /no/folder",
	"restart", "dump", "scale", "scale x --control=none.sock", "scale shop=0 --control=none.sock", "stop shop", "status a b", "log-level", "status --control=off", "status --control=none.sock", "health --control=none.sock", "health shop --url http://127.0.0.1:1/readyz", "health --url 127.0.0.1:1",
	"health --url http://127.0.0.1:1/readyz --control=none.sock", "health a b",
	"reload --control=none.sock", "reload --workers 3", "statsu",
	"certs shop.example.org", "certs renew", "certs renew shop.example.org --control=none.sock", "certs --print", "certs trust --json", "certs trust --only all", "certs untrust", "certs --control=none.sock",
	"check --https localhost:8443", "check --https *.a*.localhost", "check --https shop",
}

// TestGoldenCLIErrors holds the wording of what is wrong with a command line, an environment or a file.
func TestGoldenCLIErrors(t *testing.T) {
	t.Parallel()
	base := project(t, map[string]string{"empty/README": ""})
	dir, empty := filepath.Join(base, "site"), filepath.Join(base, "empty")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir, wrongFiles)
	folders := map[string]string{"DIR": dir, "EMPTY": empty}
	results := make([]string, len(wrongLines)+1)
	var wg sync.WaitGroup
	next := make(chan int)
	for range 4 {
		wg.Go(func() {
			for i := range next {
				if i == len(wrongLines) {
					r := run(t, empty, nil, "check")
					results[i] = goldenCase("$ standpipe check    # in a folder without an app", fmt.Sprintf("%sexit %d", r.out+r.errout, r.code))
					continue
				}
				env, line, ok := strings.Cut(wrongLines[i], "|")
				if !ok {
					env, line = "", wrongLines[i]
				}
				r := run(t, dir, strings.Fields(env), strings.Fields(line)...)
				results[i] = goldenCase("$ "+strings.TrimSpace(env+" standpipe "+line), fmt.Sprintf("%sexit %d", r.out+r.errout, r.code))
				if r.code == 0 && !strings.Contains(r.errout+r.out, "warning") {
					t.Errorf("%s ends well; it is to be wrong: %s%s", line, r.out, r.errout)
				}
			}
		})
	}
	for i := range results {
		next <- i
	}
	close(next)
	wg.Wait()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(wrongFiles)) {
		if strings.HasSuffix(name, ".toml") || strings.HasSuffix(name, ".env") {
			b.WriteString(goldenCase("# "+name, wrongFiles[name]))
		}
	}
	golden(t, "cli_errors", b.String()+fixed(strings.Join(results, ""), folders))
}
