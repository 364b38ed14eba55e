package nginx

import (
	"strings"
	"testing"
)

const up = "proxy_pass http://127.0.0.1:1;"

// Tests of if, in a server and in a location.
func TestIf(t *testing.T) {
	for _, c := range []site{
		{"a method", `if ($request_method = TRACE) { return 405; } location / { ` + up + ` }`, nil, []string{"[[route]]\npath = \"/\"\nrespond = 405\nmethods = [\"TRACE\"]\n", "![[route]]\npath = \"/\"\nupstreams = [\"http://127.0.0.1:1\"]\nmethods"}},
		{"other methods", `if ($request_method !~ ^(GET|HEAD|POST)$) { return 405; } location / { ` + up + ` }`, nil,
			[]string{"upstreams = [\"http://127.0.0.1:1\"]\nmethods = [\"GET\", \"HEAD\", \"POST\"]\n\n[[route]]\npath = \"/\"\nrespond = 405\n"}},
		{"another host", `server_name a.org b.org; if ($host != a.org) { return 301 http://a.org$request_uri; } location / { ` + up + ` }`, nil,
			[]string{"hosts = [\"a.org\"]\nupstreams = [\"http://127.0.0.1:1\"]\n\n[[route]]\npath = \"/\"\nredirect = \"http://a.org{path}?{query}\"\nstatus = 301\n"}},
		{"two negations", `if ($request_method !~ ^(GET)$) { return 405; } if ($host != a.org) { return 404; } location / { ` + up + ` }`, nil,
			[]string{"respond = 404\nmethods = [\"GET\"]\n\n[[route]]\npath = \"/\"\nrespond = 405\n"}},
		{"a field", `if ($http_user_agent ~* "bad bot|scrapy" ) { return 403; } location / { ` + up + ` }`, nil, []string{`match_fields = { User-Agent = "~(?i)bad bot|scrapy" }`}},
		{"a field that is missing", `if ($http_x_key = "") { return 401; } location / { ` + up + ` }`, nil, []string{`match_fields = { X-Key = "!*" }`}},
		{"a value that would be a pattern", `if ($http_x_key = "*") { return 401; }`, nil, []string{`match_fields = { X-Key = "~^\\*$" }`}},
		{"a cookie", `if ($cookie_beta != "1") { return 404; }`, nil, []string{`match_fields = { Cookie = "!~(?:^|; *)beta=1(?:;|$)" }`}},
		{"a cookie's pattern", `if ($cookie_ab ~ ^b) { return 404; }`, nil, []string{`match_fields = { Cookie = "~(?:^|; *)ab=(?:b)" }`}},
		{"a parameter", `if ($arg_debug) { return 404; } if ($arg_v = 2) { return 204; }`, nil, []string{`match_query = { debug = "*" }`, `match_query = { v = "2" }`}},
		{"an address", `if ($remote_addr = 192.0.2.7) { return 403; }`, nil, []string{`clients = ["192.0.2.7"]`}},
		{"a path", `if ($request_uri ~ ^/old/(.*)) { return 301 /new/$1; }`, nil, []string{"redirect = \"/new/{1}\"\nstatus = 301\npath_regex = [\"^/old/(.*)\"]"}},
		{"a path with its query", `if ($request_uri ~ \?x=) { return 404; }`, nil, []string{"!respond =", "if ($request_uri ~ \\?x=): it asks for a path with its query"}},
		{"by http", `if ($scheme != "https") { return 404; }`, nil, []string{"respond = 404\nscheme = \"http\""}},
		{"a rewrite", `if ($host = www.a.org) { rewrite ^/(.*)$ http://a.org/$1 permanent; }`, nil, []string{"hosts = [\"www.a.org\"]", "redirect = \"http://a.org/{1}?{query}\""}},
		{"a variable", `if ($http_x) { set $y 1; }`, nil, []string{"if ($http_x): there are no variables"}},
		{"a file", `if (-f /srv/down) { return 503; }`, nil, []string{"!respond =", "standpipe maintenance on"}},
		{"what is not known", `if ($connection_requests) { return 503; }`, nil, []string{"!respond =", "a route has no condition for $connection_requests"}},
		{"preflights", `location /a/ { if ($request_method = OPTIONS) { add_header Access-Control-Allow-Origin *; return 204; } ` + up + ` }`, nil,
			[]string{"[[route]]\npath = \"/a/\"\nrespond = 204\nmethods = [\"OPTIONS\"]\n\n[[route.fields]]\nstatus", "add = { Access-Control-Allow-Origin = \"*\" }\n\n[[route]]\npath = \"/a/\"\nupstreams"}},
		{"another upstream", `location /a/ { if ($http_x_beta) { proxy_pass http://127.0.0.1:2; } ` + up + ` }`, nil,
			[]string{"upstreams = [\"http://127.0.0.1:2\"]\nmatch_fields = { X-Beta = \"*\" }\n\n[[route]]\npath = \"/a/\"\nupstreams = [\"http://127.0.0.1:1\"]\n"}},
		{"what is not a method of a location", `location /a/ { if ($request_method != POST) { return 405; } ` + up + ` }`, nil,
			[]string{"upstreams = [\"http://127.0.0.1:1\"]\nmethods = [\"POST\"]\n\n[[route]]\npath = \"/a/\"\nrespond = 405\n"}},
		{"files first", `root DIR; location / { proxy_set_header X-A b; if (!-f $request_filename) { proxy_pass http://127.0.0.1:1; break; } }`, nil,
			[]string{"dir = \"DIR\"\nurl = \"/\"\nindex = []\nmissing = \"app\"\n", "upstreams = [\"http://127.0.0.1:1\"]\n\n[[route.fields]]\nside = \"request\"\nset = { X-A = \"b\" }"}},
		{"a path of a pattern", `location ~ ^/a { if ($uri ~ b$) { return 404; } ` + up + ` }`, nil, []string{"a route has one `path_regex`"}},
	} {
		c.test(t)
	}
}

// inHTTP is a case whose directives stand in http.
func inHTTP(t *testing.T, name, text string, want ...string) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		out := written(t, text)
		for _, w := range want {
			w, not := strings.CutPrefix(w, "!")
			if strings.Contains(out, w) == not {
				t.Errorf("%q is wrong in\n%s", w, out)
			}
		}
	})
}

// Variables that map and geo make.
func TestMaps(t *testing.T) {
	server := func(text string) string { return "\nserver { listen 8080; " + text + " }\n" }
	inHTTP(t, "redirects", `map $uri $to { /a /b; /c /b; ~^/d/(?<x>.*)$ https://e.org/$x; }`+server(`if ($to) { return 301 $to; } location / { `+up+` }`),
		"redirect = \"/b\"\nstatus = 301\npath_exact = [\"/a\", \"/c\"]", "redirect = \"https://e.org/{1}\"\nstatus = 301\npath_regex = [\"^/d/(?<x>.*)$\"]", "!map $uri")
	inHTTP(t, "one redirect for all", `map $uri $to { default https://a.org; /x https://b.org; }`+server(`return 301 $to;`), "redirect = \"https://b.org\"\nstatus = 301\npath_exact = [\"/x\"]", "path = \"/\"\nredirect = \"https://a.org\"")
	inHTTP(t, "blocked networks", `geo $bad { default 0; 192.0.2.0/24 1; 198.51.100.0/24 1; }`+server(`if ($bad) { return 403; } location / { `+up+` }`), "respond = 403\nclients = [\"192.0.2.0/24\", \"198.51.100.0/24\"]")
	inHTTP(t, "allowed networks", `geo $good { default 0; 10.0.0.0/8 1; }`+server(`if ($good = 0) { return 403; } location / { `+up+` }`), "upstreams = [\"http://127.0.0.1:1\"]\nclients = [\"10.0.0.0/8\"]\n\n[[route]]\npath = \"/\"\nrespond = 403")
	inHTTP(t, "networks within networks", `geo $bad { default 0; 10.0.0.0/8 1; 10.1.0.0/16 0; }`+server(`if ($bad) { return 403; }`), "!respond =", "if ($bad): lines of its map that say no")
	inHTTP(t, "upstreams by cookie", `map $cookie_ab $pool { default a; b b; } upstream a { server 127.0.0.1:1; } upstream b { server 127.0.0.1:2; }`+server(`location / { proxy_pass http://$pool; }`),
		"upstreams = [\"http://127.0.0.1:2\"]\nmatch_fields = { Cookie = \"~(?:^|; *)ab=b(?:;|$)\" }\n\n[[route]]\npath = \"/\"\nupstreams = [\"http://127.0.0.1:1\"]\n")
	inHTTP(t, "upstreams by host", `map $host $at { hostnames; .c.org 127.0.0.1:3; a.org 127.0.0.1:1; }`+server(`location / { proxy_pass http://$at; }`), "hosts = [\"a.org\"]\nupstreams = [\"http://127.0.0.1:1\"]\n\n[[route]]\npath = \"/\"\nhosts = [\"c.org\", \"*.c.org\"]\nupstreams = [\"http://127.0.0.1:3\"]")
	inHTTP(t, "what WebSocket needs", `map $http_upgrade $up { default upgrade; '' close; }`+server(`location / { proxy_set_header Connection $up; `+up+` }`), "map $http_upgrade $up: not needed")
	inHTTP(t, "log lines", `map $request_uri $a { default $request_uri; } map $a $b { default $a; ~x y; } log_format f '$b';`+server(`location / { `+up+` }`), "map $request_uri $a: not needed", "map $a $b: not needed")
	inHTTP(t, "a circle", `map $b $a { default x; } map $a $b { default y; }`+server(`location / { return 301 $b; }`), "return 301 y: ")
	inHTTP(t, "two variables at a time", `map $host$uri $to { a.org/x /y; }`+server(`if ($to) { return 301 $to; }`), "!redirect =", "it looks at several variables")
	inHTTP(t, "a field", `map $http_origin $o { default ""; ~^https://a $http_origin; }`+server(`location / { add_header Access-Control-Allow-Origin $o; `+up+` }`), "map $http_origin", "add_header Access-Control-Allow-Origin $o: ")
	inHTTP(t, "a variable without a map", server(`location / { proxy_pass http://$nothing; }`), "proxy_pass http://$nothing: it has variables")
}

// Paths that are written again.
func TestRewrites(t *testing.T) {
	for _, c := range []site{
		{"another location's", `rewrite ^/p/(\d+)$ /page?id=$1 last; location /page { ` + up + ` } location / { proxy_pass http://127.0.0.1:2; }`, nil,
			[]string{"[[route]]\npath_regex = [\"^/p/(\\\\d+)$\"]\nupstreams = [\"http://127.0.0.1:1\"]\nrewrite = \"/page?id={1}&{query}\"\n"}},
		{"from a location", `location /d/ { rewrite ^/d/(.*)$ /page/$1 last; } location /page/ { ` + up + ` }`, nil, []string{"path = \"/d/\"\npath_regex = [\"^/d/(.*)$\"]\nupstreams = [\"http://127.0.0.1:1\"]\nrewrite = \"/page/{1}\""}},
		{"with a path behind the address", `location /d/ { rewrite ^/d/(.*)$ /page/$1 last; } location /page/ { proxy_pass http://127.0.0.1:1/v2/; }`, nil, []string{"rewrite = \"/v2/{1}\"", "!replace_prefix = \"/v2\"\nrewrite"}},
		{"of several locations", `rewrite ^/p/(.*)$ /page/$1 last; location /page/ { ` + up + ` } location /page/x/ { proxy_pass http://127.0.0.1:2; }`, nil, []string{"!rewrite =", "several locations may answer it"}},
		{"with a pattern that may answer", `rewrite ^/p/(.*)$ /page/$1 last; location /page/ { ` + up + ` } location ~ \.php$ { deny all; }`, nil, []string{"!rewrite =", "several locations may answer it"}},
		{"with patterns of other paths", `rewrite ^/p/(.*)$ /page/$1 last; location /page/ { ` + up + ` } location ~ ^/api/ { deny all; }`, nil, []string{"rewrite = \"/page/{1}\""}},
		{"that nothing answers", `rewrite ^/p/(.*)$ /page/$1 last; location /x { ` + up + ` }`, nil, []string{"!rewrite =", "no location answers it"}},
		{"groups by name", `location ~ ^/u/(?<user>[a-z]+)/(.*)$ { proxy_pass http://127.0.0.1:1/users/$user/$2$is_args$args; }`, nil, []string{"upstreams = [\"http://127.0.0.1:1\"]\nrewrite = \"/users/{1}/{2}\""}},
		{"the request's own path", `location / { proxy_pass http://127.0.0.1:1$request_uri; }`, nil, []string{"upstreams = [\"http://127.0.0.1:1\"]\n", "!rewrite ="}},
	} {
		c.test(t)
	}
}

// Which server answers for which hosts and schemes.
func TestServers(t *testing.T) {
	inHTTP(t, "hosts that no server names", `server { listen 80; server_name a.org; location / { return 200 a; } } server { listen 80; server_name b.org; location /x { return 200 b; } }`,
		"[[route]]\npath = \"/x\"\nhosts = [\"b.org\"]\nrespond = 200", "[[route]]\npath = \"/\"\nhosts = [\"b.org\"]\nrespond = 404\n\n[[route]]\npath = \"/\"\nrespond = 200\nbody = \"a\"")
	inHTTP(t, "default_server", `server { listen 80; server_name a.org; location / { return 200 a; } } server { listen 80 default_server; server_name b.org; location / { return 200 b; } }`,
		"hosts = [\"a.org\"]\nrespond = 200\nbody = \"a\"", "!hosts = [\"b.org\"]")
	inHTTP(t, "a closed server does not take all hosts", `server { listen 80; server_name a.org; allow 10.0.0.0/8; deny all; location / { return 200 a; } } server { listen 80; server_name b.org; location / { return 200 b; } }`,
		"hosts = [\"a.org\"]\nrespond = 200", "hosts = [\"a.org\"]\nallow = [\"10.0.0.0/8\"]", "Requests for hosts that no server names")
	inHTTP(t, "certbot", `server { listen 443 ssl; server_name a.org b.org; ssl_certificate a.pem; ssl_certificate_key a.key; location / { return 200 a; } }
server { if ($host = a.org) { return 301 https://$host$request_uri; } if ($host = b.org) { return 301 https://$host$request_uri; } listen 80; server_name a.org b.org; return 404; }`,
		"address = \":80\"\nprotocol = \"http\"\nredirect_https = true", "!respond = 404", "!redirect =")
	inHTTP(t, "one name goes to https", `server { listen 443 ssl; server_name a.org; ssl_certificate a.pem; ssl_certificate_key a.key; location / { return 200 s; } } server { listen 80; server_name b.org; location / { return 200 b; } }
server { listen 80; server_name a.org; return 301 https://$host$request_uri; }`,
		"redirect = \"https://{host}{path}?{query}\"\nstatus = 301\nscheme = \"http\"", "body = \"s\"\nscheme = \"https\"", "body = \"b\"\nscheme = \"http\"", "!redirect_https")
	inHTTP(t, "two addresses", `server { listen 8080; location / { return 200 a; } } server { listen 127.0.0.1:8081; location / { return 200 b; } }`,
		"body = \"a\"\nlisten = [\":8080\"]", "body = \"b\"\nlisten = [\"127.0.0.1:8081\"]", "!server: ")
	inHTTP(t, "an address of one server alone", `server { listen 8080; listen 8081; server_name a.org; location / { return 200 a; } } server { listen 8080; server_name b.org; allow 10.0.0.0/8; deny all; location / { return 200 b; } }`,
		"path = \"/\"\nhosts = [\"b.org\"]\nrespond = 200\nbody = \"b\"\nlisten = [\":8080\"]", "path = \"/\"\nrespond = 200\nbody = \"a\"\n", "!body = \"a\"\nlisten", "hosts = [\"b.org\"]\nlisten = [\":8080\"]\nallow = [\"10.0.0.0/8\"]")
	inHTTP(t, "the same name with other rules", `server { listen 8080; server_name a.org; location / { return 200 a; } } server { listen 8081; server_name a.org; deny all; location / { return 200 b; } }`,
		"[[access]]\nlisten = [\":8081\"]\ndeny = [\"all\"]", "!another server of the same name")
	inHTTP(t, "https without a certificate", `server { listen 8080; location / { return 200 a; } } server { listen 8081; return 301 https://$host$request_uri; }`, "redirect = \"https://{host}{path}?{query}\"\nstatus = 301\nscheme = \"http\"\nlisten = [\":8081\"]", "body = \"a\"\nlisten = [\":8080\"]")
	inHTTP(t, "fields that locations inherit", `add_header X-A a always; server { listen 80; add_header X-B "b" always; proxy_set_header X-Up c; location /x { `+up+` } location /y { add_header X-C c always; proxy_set_header X-D d; `+up+` } }`,
		"path = \"/x\"\nupstreams = [\"http://127.0.0.1:1\"]\n\n[[route.fields]]\nside = \"request\"\nset = { X-Up = \"c\" }\n\n[[route.fields]]\nadd = { X-B = \"b\" }\n",
		"path = \"/y\"\nupstreams = [\"http://127.0.0.1:1\"]\n\n[[route.fields]]\nside = \"request\"\nset = { X-D = \"d\" }\n\n[[route.fields]]\nadd = { X-C = \"c\" }\n", "!add_header X-B", "add_header X-A a always: ")
	inHTTP(t, "fields of all answers of a folder", `server { listen 80; add_header X-B b always; root DIR; }`, "[[route.fields]]\nset = { X-B = \"b\" }")
	inHTTP(t, "a text with its type", `server { listen 80; location = /h { default_type application/json; return 200 "{}"; } }`, "body = \"{}\"\ncontent_type = \"application/json\"")
}
