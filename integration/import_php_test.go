package integration

import (
	"fmt"
	"strings"
	"testing"
)

// A site with PHP by a real nginx, and by standpipe with what import made of its file.
func TestImportedPHPServesTheSame(t *testing.T) {
	t.Parallel()
	_, sock, _ := phpFPM(t)
	root := phpFolder(t)
	port := freePort(t)
	site := fmt.Sprintf(`upstream php { server unix:%[1]s; }
server {
    listen 127.0.0.1:%[2]s;
    root %[3]s;
    index index.php index.html;
    location / { try_files $uri $uri/ /index.php?$args; }
    location ~ \.php(/|$) {
        fastcgi_split_path_info ^(.+?\.php)(/.*)$;
        try_files $fastcgi_script_name =404;
        fastcgi_pass php;
        fastcgi_read_timeout 30s;
        fastcgi_param QUERY_STRING $query_string;
        fastcgi_param REQUEST_METHOD $request_method;
        fastcgi_param CONTENT_TYPE $content_type;
        fastcgi_param CONTENT_LENGTH $content_length;
        fastcgi_param REQUEST_URI $request_uri;
        fastcgi_param DOCUMENT_ROOT $document_root;
        fastcgi_param SCRIPT_NAME $fastcgi_script_name;
        fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
        fastcgi_param SERVER_PROTOCOL $server_protocol;
        fastcgi_param REDIRECT_STATUS 200;
        fastcgi_param APP_ENV imported;
    }
    location ~ /\. { deny all; }
}
`, sock, port, root)
	n := nginx(t, "127.0.0.1:"+port, site)
	dir := project(t, map[string]string{"site.conf": site, "app.py": hello("app")})
	r := run(t, dir, nil, "import", "nginx", "site.conf", "--output", "standpipe.toml")
	if r.code != 0 {
		t.Fatalf("%+v", r)
	}
	text := run(t, dir, nil, "import", "nginx", "site.conf").out
	has(t, text, `root = "`+root, `missing = "/index.php"`, `params = { APP_ENV = "imported" }`, `read_timeout = "30s"`, "![[static]]")
	s := start(t, opts{Dir: dir, Args: []string{"-c", "standpipe.toml"}})
	for _, target := range []string{"/", "/?p=1", "/a/b", "/index.php", "/index.php?p=2", "/wp-admin/", "/wp-admin/admin.css", "/uploads/b.txt", "/uploads/a.jpg", "/pages/", "/status.php?s=404", "/form.php", "/raw.php"} {
		got, want := s.get(target), s.through(n).get(target)
		if got.Status != want.Status || got.Body != want.Body || strings.Split(got.Header.Get("Content-Type"), ";")[0] != strings.Split(want.Header.Get("Content-Type"), ";")[0] && strings.HasSuffix(target, "/") {
			t.Errorf("%s: %d %.200q, nginx: %d %.200q", target, got.Status, got.Body, want.Status, want.Body)
		}
	}
	if got, want := s.post("/raw.php", "text/plain", "abc"), s.through(n).post("/raw.php", "text/plain", "abc"); got.Body != "3" || got.Body != want.Body {
		t.Errorf("%+v %+v", got, want)
	}
}
