package nginx

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Any file is read or refused.
func FuzzImport(f *testing.F) {
	for _, text := range []string{
		"server { listen 80; if ($host != a.org) { return 301 http://a.org$request_uri; } location ~ ^/(?<x>.)$ { proxy_pass http://a/$x; } }",
		"map $uri $to { default \"\"; /a /b; ~^/(.*) /$1; } server { if ($to) { return 301 $to; } location / { root x; if (!-f $request_filename) { proxy_pass http://b; } } }",
		"geo $bad { default 0; 10.0.0.0/8 1; } server { if ($bad) { return 403; } location /x { limit_except GET { deny all; } } location = /y { internal; } }",
		"server { rewrite ^/(.*)$ /x?y=$1 last; location ~* \\.php$ { fastcgi_pass a; } location ~ /\\.(?!w) { deny all; } add_header A b always; root x; }",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "include") {
			return // it reads other files
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "site.conf"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := Import(Input{File: "site.conf", Dir: dir, Out: dir})
		if err == nil && d.String() == "" {
			t.Error("nothing was made")
		}
	})
}
