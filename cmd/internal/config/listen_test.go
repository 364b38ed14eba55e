package config

import (
	"strings"
	"testing"
)

func TestParseListen(t *testing.T) {
	for text, want := range map[string]string{
		"8000": "127.0.0.1:8000", ":8000": ":8000", "0.0.0.0:80": "0.0.0.0:80", "0.0.0.0": "0.0.0.0:8000", "[::1]:80": "[::1]:80", "[::]": "[::]:8000",
		"localhost:1": "localhost:1", "http://Example.org:80/": "example.org:80", "tcp://:5": ":5", "127.0.0.1:0": "127.0.0.1:0",
		"fd://3": "fd://3", "unix:/run/a.sock": "unix:/run/a.sock", "unix:a.sock": "unix:/base/a.sock", "unix:///run/a": "unix:/run/a",
		"uwsgi://:3031": "uwsgi://:3031", "uwsgi://3031": "uwsgi://127.0.0.1:3031", "uwsgi+unix:/run/a": "uwsgi+unix:/run/a", "uwsgi+unix:///run/a": "uwsgi+unix:/run/a",
		"uwsgi+fd://3": "uwsgi+fd://3", "http+unix:/run/a": "unix:/run/a", "https://Shop:443": "https://shop:443", "https+unix:/a": "https+unix:/a",
	} {
		if got, err := ParseListen(text, "/base"); err != nil || got.String() != want {
			t.Errorf("%q = %q, %v; want %q", text, got, err, want)
		}
	}
	l, err := ParseListen("unix:/run/a.sock?mode=0660&user=www&group=33", "/")
	if err != nil || l.Mode != 0o660 || l.User != "www" || l.Group != "33" || l.Address != "/run/a.sock" {
		t.Errorf("%+v, %v", l, err)
	}
	for text, name := range map[string]string{ // what the error names
		"": "", ":": ":", "0.0.0.0:": "0.0.0.0", "::1": "[::1]:8000", ":99999": "99999", "a:b:c": "a:b:c", "a:http": "http", "/run/x": "unix:", "unix:": "unix:", "unix:@x": "@x",
		"unix:/x?mode=999": "mode", "unix:/x?mdoe=1": "mdoe", "fd://x": "fd://", "fd://1": "3", "uwsgi+:3031": "uwsgi://host:port", "fastcgi://:443": "fastcgi", "ftp://x": "ftp", "*:80": "*",
		"unix:/" + strings.Repeat("x", 200): "201",
	} {
		if l, err := ParseListen(text, "/base"); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%q = %+v, %v; want an error that names %q", text, l, err, name)
		}
	}
}
