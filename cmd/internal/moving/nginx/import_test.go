package nginx

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// written imports a site, of which DIR is the folder with these files, and returns standpipe.toml without its comments about lines.
func written(t *testing.T, site string, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "site.conf"), []byte(strings.ReplaceAll(site, "DIR", dir)), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := Import(Input{File: "site.conf", Dir: dir, Out: dir})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(strings.ReplaceAll(d.String(), dir, "DIR")) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "#") {
			line, _, _ = strings.Cut(line, "  # site.conf:")
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n") + "\n"
}

// site is a case: directives of a server, and what must be in the file (with !: must not).
type site struct {
	name, server string
	files, want  []string
}

func (c site) test(t *testing.T) {
	t.Run(c.name, func(t *testing.T) {
		text := written(t, "server {\n listen 8080;\n"+c.server+"\n}\n", c.files...)
		for _, want := range c.want {
			want, not := strings.CutPrefix(want, "!")
			if strings.Contains(text, want) == not {
				t.Errorf("%q is wrong in\n%s", want, text)
			}
		}
	})
}

// What clients may not have in nginx, they may not have here.
func TestProtectedLocations(t *testing.T) {
	for _, c := range []site{
		{"internal files", `location /protected/ { internal; alias DIR/files/; } location / { proxy_pass http://127.0.0.1:1; }`, []string{"files/a"},
			[]string{"[[internal]]\n", "dir = \"DIR/files\"\nurl = \"/protected/\"\n", "path = \"/protected/\"\nrespond = 404\n", "![route.static]", "![[static]]"}},
		{"internal page", `error_page 502 /502.html; location = /502.html { internal; root DIR; } location / { proxy_pass http://127.0.0.1:1; }`, nil,
			[]string{"path_exact = [\"/502.html\"]\nrespond = 404\n", "![[internal]]"}},
		{"internal pattern", `location ~ ^/(404|500)\.html$ { internal; root DIR; } location / { proxy_pass http://127.0.0.1:1; }`, nil,
			[]string{`path_regex = ["^/(404|500)\\.html$"]` + "\nrespond = 404\n"}},
		{"dots before another server", `location ~ /\. { deny all; } location / { proxy_pass http://127.0.0.1:1; }`, nil, []string{`path_regex = ["/\\."]` + "\nrespond = 403\n"}},
		{"dots but for one", `location ~ /\.(?!we) { deny all; } location / { proxy_pass http://127.0.0.1:1; }`, nil, []string{`path_regex = ["/\\.(?:$|[^w]|w(?:$|[^e]))"]` + "\nrespond = 403\n"}},
		{"looking ahead in the middle", `location ~ /a(?!b)c { deny all; }`, nil, []string{"!path_regex = ", `location ~ /a(?!b)c: path_regex`}},
		{"denied pattern that passes", `location ~ ^/x { deny all; proxy_pass http://127.0.0.1:1; }`, nil, []string{`path_regex = ["^/x"]` + "\nrespond = 403\n", "!upstreams"}},
		{"networks of a pattern", `location ~ ^/x { allow 10.0.0.0/8; allow 192.0.2.7; deny all; proxy_pass http://127.0.0.1:1; }`, nil,
			[]string{"upstreams = [\"http://127.0.0.1:1\"]\nclients = [\"10.0.0.0/8\", \"192.0.2.7\"]\n\n[[route]]\npath_regex = [\"^/x\"]\nrespond = 403\n"}},
		{"denied networks of a pattern", `location ~ ^/x { deny 10.0.0.0/8; proxy_pass http://127.0.0.1:1; }`, nil,
			[]string{"respond = 403\nclients = [\"10.0.0.0/8\"]\n\n[[route]]\npath_regex = [\"^/x\"]\nupstreams = [\"http://127.0.0.1:1\"]\n"}},
		{"a mixed list of a pattern", `location ~ ^/x { deny 10.1.0.0/16; allow 10.0.0.0/8; deny all; proxy_pass http://127.0.0.1:1; }`, nil,
			[]string{"path_regex = [\"^/x\"]\nrespond = 403\n", "!upstreams", "refused here"}},
		{"a password for a pattern", `location ~ ^/x { auth_basic a; auth_basic_user_file u; proxy_pass http://127.0.0.1:1; }`, nil, []string{"path_regex = [\"^/x\"]\nrespond = 403\n", "!upstreams", "refused here"}},
		{"a password for one path", `location = /x { auth_basic a; auth_basic_user_file u; proxy_pass http://127.0.0.1:1; }`, nil, []string{"[[access]]\npath = \"/x\"\nauth_users", "upstreams"}},
		{"a free path in a closed one", `location /x/ { auth_basic a; auth_basic_user_file u; proxy_pass http://127.0.0.1:1; } location = /x/free { proxy_pass http://127.0.0.1:1; }`, nil,
			[]string{"[[access]]\npath = \"/x\"\nexcept = [\"/x/free\"]\n"}},
		{"one path beside its folder", `location /x/ { auth_basic a; auth_basic_user_file u; proxy_pass http://127.0.0.1:1; } location = /x { return 301 /x/; }`, nil, []string{"[[access]]\npath = \"/x\"\nauth_users"}},
		{"methods", `location /x { limit_except GET POST { deny all; } proxy_pass http://127.0.0.1:1; }`, nil,
			[]string{"methods = [\"GET\", \"POST\"]\n\n[[route]]\npath = \"/x\"\nrespond = 403\n"}},
		{"methods for networks", `location /x { limit_except GET { allow 10.0.0.0/8; deny all; } proxy_pass http://127.0.0.1:1; }`, nil,
			[]string{"methods = [\"GET\"]\n\n[[route]]\npath = \"/x\"\nupstreams = [\"http://127.0.0.1:1\"]\nclients = [\"10.0.0.0/8\"]\n\n[[route]]\npath = \"/x\"\nrespond = 403\n"}},
	} {
		c.test(t)
	}
}

// Files and their fields.
func TestFolders(t *testing.T) {
	for _, c := range []site{
		{"one file", `location /favicon.ico { alias DIR/static/f.ico; }`, []string{"static/f.ico"}, []string{"path_exact = [\"/favicon.ico\"]\nrewrite = \"/f.ico\"\n", "dir = \"DIR/static\""}},
		{"one file of another machine", `location /favicon.ico { root /srv/elsewhere; }`, nil, []string{"path_exact = [\"/favicon.ico\"]", "dir = \"/srv/elsewhere\"", "the folder /srv/elsewhere: it is not on this machine"}},
		{"a folder with a dot", `location /v1.2 { root DIR; }`, []string{"v1.2/a"}, []string{"dir = \"DIR/v1.2\"\nurl = \"/v1.2\""}},
		{"files alone", `root DIR; location / { try_files $uri @app; } location @app { proxy_pass http://127.0.0.1:1; }`, nil, []string{"index = []\nmissing = \"app\""}},
		{"files and folders", `root DIR; location / { try_files $uri $uri/ @app; } location @app { proxy_pass http://127.0.0.1:1; }`, nil, []string{"index = [\"index.html\"]\nmissing = \"app\""}},
		{"the index by its name", `root DIR; location / { try_files $uri $uri/index.html @app; } location @app { proxy_pass http://127.0.0.1:1; }`, nil, []string{"index = [\"index.html\"]\nmissing = \"app\""}},
		{"fields that files have anyway", `location / { root DIR; add_header X-Content-Type-Options nosniff; add_header Content-Type text/x; add_header X-A b; }`, nil,
			[]string{"headers = { X-A = \"b\" }", "add_header Content-Type text/x: "}},
		{"expires and Cache-Control", `location / { root DIR; expires 1h; add_header Cache-Control "public, immutable"; }`, nil, []string{"cache_control = { \"*\" = \"max-age=3600, public, immutable\" }"}},
		{"expires alone", `location / { root DIR; expires 1h; }`, nil, []string{"cache_control = { \"*\" = \"3600s\" }"}},
		{"expires of another server", `location / { proxy_pass http://127.0.0.1:1; expires 1h; add_header Cache-Control public; }`, nil, []string{"[[route.fields]]\nstatus", "set = { Cache-Control = \"max-age=3600, public\" }", "!add_header Cache-Control"}},
		{"expires of a map", `expires $e; location / { root DIR; }`, nil, []string{"!cache_control =", "expires $e: "}},
	} {
		c.test(t)
	}
}

// A backslash means in texts what it means in nginx.
func TestEscapes(t *testing.T) {
	site{"return", `location = /a { return 200 "a\tb\n\"c\" \d"; } location = /b { return 200 a\'b; } location ~ \.x$ { return 404; }`, nil,
		[]string{`body = "a\tb\n\"c\" \\d"`, `body = "a'b"`, `path_regex = ["\\.x$"]`}}.test(t)
}
