package nginx

import "testing"

// Settings that are one for all requests here.
func TestSettingsOfAll(t *testing.T) {
	for _, c := range []site{
		{"a log of one location", `location = /favicon.ico { access_log off; root DIR; } location / { ` + up + ` }`, []string{"favicon.ico"}, []string{"!access_log =", "access_log off: it is one for all"}},
		{"the log of a server", `access_log off; location / { ` + up + ` }`, nil, []string{"access_log = \"off\""}},
		{"bodies", `client_max_body_size 1m; location /up/ { client_max_body_size 2g; ` + up + ` } location / { client_max_body_size 10m; ` + up + ` }`, nil,
			[]string{"max_body = \"2GiB\"", "client_max_body_size 1m: `max_body` is one for all", "client_max_body_size 10m: `max_body` is one for all"}},
		{"bodies without a limit", `client_max_body_size 0; location / { client_max_body_size 10m; ` + up + ` }`, nil, []string{"max_body = \"0\"", "client_max_body_size 10m: "}},
		{"an error page", `root DIR; error_page 502 504 /50x.html; error_page 404 /none.html; error_page 403 = @x; location / { ` + up + ` } location = /50x.html { root DIR/pages; }`, []string{"pages/50x.html"},
			[]string{"error_page = { 502 = \"DIR/pages/50x.html\", 504 = \"DIR/pages/50x.html\" }", "error_page 404 /none.html: ", "error_page 403 = @x: "}},
		{"the client in a field of its own", `location / { proxy_set_header X-Real-IP $remote_addr; proxy_set_header Host $host; ` + up + ` }`, nil, []string{"side = \"request\"\nset = { X-Real-IP = \"{client}\" }", "!proxy_set_header X-Real-IP"}},
		{"Debian's parameters", `location / { include proxy_params; ` + up + ` }`, nil, []string{"set = { X-Real-IP = \"{client}\" }", "!the upstream gets the client's Host"}},
		{"the upstream's own host", `location / { ` + up + ` }`, nil, []string{"the upstream gets the client's Host"}},
		{"fields that are not sent", `location / { proxy_set_header X-Forwarded-Port $server_port; proxy_set_header X-Forwarded-Ssl on; proxy_set_header X-Request-Start "t=${msec}"; ` + up + ` }`, nil,
			[]string{"proxy_set_header X-Forwarded-Port: not yet", "set = { X-Forwarded-Ssl = \"on\" }", "request_start = true", "!proxy_set_header X-Request-Start"}},
		{"an app below a path", `location /shop/ { uwsgi_pass 127.0.0.1:1; uwsgi_param SCRIPT_NAME /shop; uwsgi_param X_EXTRA yes; }`, nil, []string{"strip_prefix = true", "!uwsgi_param SCRIPT_NAME", "uwsgi_param X_EXTRA: "}},
		{"a location of error_page", `location / { error_page 404 = @x; ` + up + ` } location @x { proxy_pass http://127.0.0.1:2; }`, nil, []string{"location @x: no try_files leads there"}},
		{"a location of try_files", `root DIR; location / { try_files $uri @x; } location @x { proxy_pass http://127.0.0.1:2; }`, nil, []string{"!location @x:", "http://127.0.0.1:2"}},
		{"fields of an if that no route can have", `location / { if ($request_method = OPTIONS) { add_header Content-Length 0; add_header X-A b; return 204; } ` + up + ` }`, nil, []string{"add_header Content-Length 0: ", "add = { X-A = \"b\" }", "!add_header X-A b: "}},
		{"the status of nginx", `root DIR; location /status { stub_status; allow 127.0.0.1; deny all; } location / { ` + up + ` }`, nil, []string{"path = \"/status\"\nrespond = 404\n", "![route.static]", "stub_status: "}},
		{"another protocol", `root DIR; location /g { grpc_pass 127.0.0.1:1; }`, nil, []string{"path = \"/g\"\nrespond = 404\n", "grpc_pass 127.0.0.1:1: "}},
		{"what has no effect", `location / { root DIR; index x.html; ` + up + ` } location = /a { alias DIR/b; return 404; }`, nil, []string{"root DIR: not needed", "index x.html: not needed", "alias DIR/b: not needed"}},
		{"what is not read", `location / { types { } proxy_cache_lock on; limit_req_log_level warn; ` + up + ` }`, nil, []string{"types: not needed", "proxy_cache_lock on: not needed", "limit_req_log_level warn: not needed"}},
		{"an answer before the rules", `location ~ ^/v { deny all; return 404; }`, nil, []string{"respond = 404", "!respond = 403"}},
		{"the question of auth_request", `location /a { auth_request /auth; ` + up + ` } location = /auth { internal; proxy_pass http://127.0.0.1:2/check; } location / { ` + up + ` }`, nil,
			[]string{"path_exact = [\"/auth\"]\nrespond = 404\n", "forward_auth = \"http://127.0.0.1:2/check\""}},
		{"PHP behind files alone", `root DIR; location / { try_files $uri /index.php$is_args$args; } location ~ ^/index\.php(/|$) { fastcgi_pass 127.0.0.1:9; internal; }`, nil, []string{"missing = \"/index.php\"", "index = []"}},
		{"PHP behind folders", `root DIR; index index.php; location / { try_files $uri $uri/ /index.php?$args; } location ~ \.php$ { fastcgi_pass 127.0.0.1:9; }`, nil, []string{"missing = \"/index.php\"", "index = [\"index.php\"]"}},
	} {
		c.test(t)
	}
	inHTTP(t, "a server without a name that a host can be", `server { listen 80; server_name a.org; location / { return 200 a; } } server { listen 80; server_name ~^x; location / { return 200 b; } }`, "body = \"a\"", "!body = \"b\"", "server: it is left out")
	inHTTP(t, "the only server", `server { listen 80; server_name ~^x; location / { return 200 b; } }`, "body = \"b\"")
}
