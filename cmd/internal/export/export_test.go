package export

import (
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/config"
)

func site() *config.Config {
	return &config.Config{
		File: "/srv/shop/standpipe.toml", Dir: "/srv/shop", Trust: config.Trust{Fields: []string{"for", "proto"}},
		Limits: config.Limits{MaxBody: 100 << 20, MaxHead: 64 << 10, HeaderTimeout: 10 * time.Second, BodyTimeout: 1500 * time.Millisecond, IdleTimeout: 75 * time.Second},
		Stop:   config.Stop{Timeout: 25 * time.Second},
		Listen: []config.Listen{{Network: "tcp", Address: ":8000", Protocol: "http"}, {Network: "unix", Address: "/run/shop.sock", Protocol: "uwsgi", Mode: fs.FileMode(0o660), Group: "www-data"}},
		Apps:   []config.App{{Name: "shop", Hosts: []string{"shop.example.org", "*.shop.example.org"}, Requests: config.Requests{Timeout: 30 * time.Second, QueueTimeout: 10 * time.Second}}, {Name: "blog", Hosts: []string{"blog.example.org"}, Requests: config.Requests{Timeout: 60 * time.Second, QueueTimeout: 10 * time.Second}}},
	}
}

func export(t *testing.T, kind string, cfg *config.Config, in Input) string {
	t.Helper()
	var b strings.Builder
	if in.Listen == "" {
		in.Listen = "80"
	}
	if err := Write(&b, kind, cfg, in); err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(b.String(), "\n") {
		if strings.TrimRight(line, " ") != line || len(line) > 125 || strings.Contains(line, "%!") {
			t.Errorf("%s:%d: %q", kind, i+1, line)
		}
	}
	return b.String()
}

// holds wants each text in the file; one that begins with ! must not be there.
func holds(t *testing.T, file string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if not, ok := strings.CutPrefix(text, "!"); ok == strings.Contains(file, strings.TrimPrefix(text, "!")) {
			t.Errorf("%q is wrong in\n%s", text+not[:0], file)
		}
	}
}

func TestEveryKindHasAPage(t *testing.T) {
	for _, kind := range Kinds {
		if pages[kind] == nil {
			t.Errorf("%s has no page", kind)
		}
	}
	if len(pages) != len(Kinds) {
		t.Errorf("%d pages for %d kinds", len(pages), len(Kinds))
	}
}

func TestNginx(t *testing.T) {
	holds(t, export(t, "nginx", site(), Input{}), "server unix:/run/shop.sock;", "server_name shop.example.org *.shop.example.org blog.example.org;", "uwsgi_pass standpipe_shop;", "client_max_body_size 100m;",
		"client_body_timeout 1500ms;", "uwsgi_read_timeout 75s;", "HTTP_HOST       $host;", "listen 80;", "#location ^~ /static/", "!keepalive 32", "!proxy_pass")
	holds(t, export(t, "nginx", site(), Input{Listen: "[::]:8081"}), "listen [::]:8081;", "HTTP_HOST       $host:$server_port;")
	cfg := site()
	cfg.Listen, cfg.Apps[1].Requests.Timeout, cfg.Apps[1].Hosts, cfg.Limits.MaxBody = cfg.Listen[:1], 0, nil, 0
	cfg.Routes = []config.Route{{ReadTimeout: time.Minute}}
	holds(t, export(t, "nginx", cfg, Input{}), "server 127.0.0.1:8000;", "server_name _;", "proxy_pass http://standpipe_shop;", "client_max_body_size 0;", "proxy_read_timeout 3600s;", "keepalive 32;", "after 75s without", "keepalive_timeout 60s;",
		"map $http_upgrade $standpipe_shop_connection", "!uwsgi_")
	holds(t, export(t, "nginx", cfg, Input{}), "X-Forwarded-For $proxy_add_x_forwarded_for;", `X-Forwarded-Host "";`, `Forwarded "";`, `X-Real-IP "";`, `X-Request-ID "";`, `X-Forwarded-Prefix "";`)
	cfg.Trust.Fields = []string{"for", "proto", "host", "port", "id", "prefix", "forwarded"}
	holds(t, export(t, "nginx", cfg, Input{}), "Forwarded 'for=", `X-Forwarded-For "";`, "X-Request-ID $request_id;", "X-Forwarded-Port $server_port;", `X-Forwarded-Prefix "";`)
	cfg.Routes, cfg.Limits.IdleTimeout = nil, 10*time.Second
	holds(t, export(t, "nginx", cfg, Input{}), "keepalive_timeout 8s;")
	holds(t, export(t, "nginx", cfg, Input{Connect: "uwsgi://127.0.0.1:3031"}), "server 127.0.0.1:3031;", "uwsgi_pass", "!$http_upgrade")
}

func TestApache(t *testing.T) {
	holds(t, export(t, "apache", site(), Input{}), "<VirtualHost *:80>", "ServerName shop.example.org", "ServerAlias *.shop.example.org", "AllowEncodedSlashes On", "LimitRequestBody 104857600",
		`ProxyPass "/" "unix:/run/shop.sock|uwsgi://shop/" timeout=75`, "a2enmod proxy proxy_uwsgi headers", "RequestHeader unset X-Forwarded-Host", "!ProxyPreserveHost")
	holds(t, export(t, "apache", site(), Input{Listen: "10.0.0.1:8081", Connect: ":8000"}), "<VirtualHost 10.0.0.1:8081>", "Listen 10.0.0.1:8081", `ProxyPass "/" "http://127.0.0.1:8000/"`, "ProxyPreserveHost On", "X-Forwarded-Proto")
}

// A folder that the web server serves by itself.
func TestStaticPlaces(t *testing.T) {
	for kind, want := range map[string]string{"nginx": `location ^~ "/static/" {` + "\n        alias \"/srv/shop/static/\";", "apache": "Alias \"/static/\" \"/srv/shop/static/\""} {
		f := &File{Name: "shop", Listen: "80", Port: "80", Speaks: "uwsgi", TCP: "127.0.0.1:1", Static: []Static{{URL: "/static/", Dir: "/srv/shop/static"}}}
		var b strings.Builder
		if err := f.write(&b, kind); err != nil || !strings.Contains(b.String(), want) {
			t.Errorf("%v\n%s", err, b.String())
		}
	}
}

func TestWhichStaticPlaces(t *testing.T) {
	cfg := site()
	cfg.Static = []config.Static{{URL: "/media/", Dir: "/srv/media", FileRules: config.FileRules{Missing: "404"}}, {URL: "/", Dir: "/srv/all", FileRules: config.FileRules{Missing: "app"}}, {URL: "/some", Dir: "/srv/some", FileRules: config.FileRules{Missing: "404"}, Hosts: []string{"a.example"}}}
	cfg.Apps = cfg.Apps[:1]
	cfg.Apps[0].Mount = "/shop"
	cfg.Apps[0].Files.Static = []config.Static{{URL: "/static", Dir: "/srv/shop/static", FileRules: config.FileRules{Missing: "404"}}, {URL: "/perhaps", Dir: "/srv/p", FileRules: config.FileRules{Missing: "app"}}}
	holds(t, export(t, "nginx", cfg, Input{}), "location ^~ \"/media/\" {\n        alias \"/srv/media/\";", `location ^~ "/shop/static/" {`, "!/srv/all", "!/srv/some", "!/srv/p/")
	cfg.Apps = append(cfg.Apps, cfg.Apps[0])
	holds(t, export(t, "apache", cfg, Input{}), `Alias "/media/" "/srv/media/"`, "!/srv/shop/static") // of some hosts
}

func TestSystemd(t *testing.T) {
	in := Input{Program: "/usr/local/bin/standpipe", Args: []string{"-c", "/srv/shop/standpipe.toml", "--env", `A=b "c" 5%`}, User: "shop"}
	both := export(t, "systemd", site(), in)
	holds(t, both, "# /etc/systemd/system/shop.service", "# /etc/systemd/system/shop.socket", `ExecStart=/usr/local/bin/standpipe serve -c /srv/shop/standpipe.toml --env "A=b \"c\" 5%%" --bind fd://3 --bind uwsgi+fd://4`,
		"ListenStream=8000\nListenStream=/run/shop.sock\nSocketMode=0660\nSocketGroup=www-data", "TimeoutStopSec=40", "KillMode=mixed", "Delegate=yes", "User=shop", "Type=notify\n", "ExecReload=/usr/local/bin/standpipe reload\n")
	logs := site()
	logs.Logs.Access, logs.Logs.Error, logs.Folders.Spool, logs.Control.Socket, logs.Control.Metrics = "/var/log/shop/access.log", "/var/log/shop/error.log", "/var/spool/my shop", "/run/x/c.sock", "unix:/run/y/m.sock"
	holds(t, export(t, "systemd", logs, in), "\nReadWritePaths=/var/log/shop\nReadWritePaths=/run/x\nReadWritePaths=/run/y\nReadWritePaths=\"/var/spool/my shop\"\n", "PrivateTmp=yes", "ProtectHome=yes", "\nStateDirectory=shop\nStateDirectoryMode=0700\n", "!CacheDirectory")
	stored := site()
	stored.Cache.Dir, stored.Folders.State, stored.ACME.Storage = "/var/cache/my shop", "/srv/state", "/var/lib/certs"
	holds(t, export(t, "systemd", stored, in), "\nStateDirectory=shop certs\n", "\nCacheDirectory=\"my shop\"\nCacheDirectoryMode=0700\n", "\nReadWritePaths=/srv/state\n", "!ReadWritePaths=/var")
	stored.ACME.Storage, stored.Folders.State, stored.Cache.Dir = "redis", "", "/srv/stored"
	holds(t, export(t, "systemd", stored, in), "\nStateDirectory=shop\n", "\nReadWritePaths=/srv/stored\n", "!redis")
	logs.Logs.Access, logs.Logs.Error, logs.Control.Socket, logs.Control.Metrics, logs.Folders.Spool = "-", "/dev/stderr", "off", "127.0.0.1:9", "/tmp/spool"
	logs.Apps[0].Files.Static = []config.Static{{URL: "/s", Dir: "/home/ann/s"}}
	holds(t, export(t, "systemd", logs, in), "\nReadWritePaths=/tmp/spool\n", "!/dev/stderr", "PrivateTmp=no", "ProtectHome=read-only")
	in.Unit = "socket"
	holds(t, export(t, "systemd", site(), in), "ListenStream", "!ExecStart")
	in.Unit, in.User = "service", ""
	cfg := site()
	cfg.Stop.Timeout, cfg.Control.Socket, cfg.Dir = 0, "off", "/home/ann/shop"
	holds(t, export(t, "systemd", cfg, in), "!ListenStream", "TimeoutStopSec=infinity", "ExecReload=/bin/kill -HUP $MAINPID", "ProtectHome=read-only", "!NoNewPrivileges", "!\nUser=", "!StateDirectory")
}

func TestAddressesThatAreHandedOver(t *testing.T) {
	cfg := site()
	cfg.Listen = []config.Listen{{Network: "fd", Address: "3", Protocol: "uwsgi"}}
	for kind, want := range map[string]string{"nginx": "--connect", "apache": "--connect", "systemd": "--bind"} {
		if err := Write(&strings.Builder{}, kind, cfg, Input{Listen: "80"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	holds(t, export(t, "nginx", cfg, Input{Connect: "uwsgi+unix:/run/shop.sock"}), "server unix:/run/shop.sock;")
}

// A release is the tag of the app's image; another version has a placeholder.
func TestImageTag(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{"1.2.3": "1.2.3", "": "0.0.0", "1.2": "0.0.0", "1.2.3-rc.1": "0.0.0", "1.2.3.4": "0.0.0", "dev": "0.0.0"} {
		tag, from := imageTag(version)
		if tag != want || strings.Contains(from, "0.0.0") == (tag == version) {
			t.Errorf("%q: %s, %s", version, tag, from)
		}
		for _, kind := range []string{"docker", "kubernetes"} {
			if text := export(t, kind, site(), Input{Version: version}); !strings.Contains(text, "shop:"+want) || strings.Contains(text, ":latest") {
				t.Errorf("%s: %s", kind, text)
			}
		}
	}
}
