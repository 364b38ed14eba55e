package cgi

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/shim/wire"
)

// gatewayVars is what nginx's uwsgi_params send for a plain GET; more are added behind.
func gatewayVars(more ...string) []wire.Var {
	var list []wire.Var
	for _, kv := range append([]string{"QUERY_STRING=a=b", "REQUEST_METHOD=GET", "CONTENT_TYPE=", "CONTENT_LENGTH=", "REQUEST_URI=/x%2Fy?a=b", "PATH_INFO=/x/y",
		"DOCUMENT_ROOT=/srv", "SERVER_PROTOCOL=HTTP/1.1", "REQUEST_SCHEME=http", "REMOTE_ADDR=192.0.2.7", "REMOTE_PORT=4711", "SERVER_PORT=80", "SERVER_NAME=shop.example",
		"HTTP_HOST=shop.example:8080", "HTTP_USER_AGENT=t"}, more...) {
		name, value, _ := strings.Cut(kv, "=")
		list = append(list, wire.Var{Name: name, Value: value})
	}
	return list
}

func TestRequestOfVariables(t *testing.T) {
	r, g, err := Request(gatewayVars("HTTP_X_A=1", "HTTP_X_A=2", "HTTP_COOKIE=a=1", "HTTP_COOKIE=b=2", "SSL_CLIENT_S_DN=CN=me", "SSL_CLIENT_S_DN=CN=you", "HTTPS=on"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Method != "GET" || r.URL.Path != "/x/y" || r.URL.RawPath != "" || r.URL.RawQuery != "a=b" || r.RequestURI != "/x%2Fy?a=b" || r.Host != "shop.example:8080" ||
		r.ContentLength != 0 || r.Header.Get("Content-Type") != "" {
		t.Errorf("%+v", r)
	}
	if g.RemoteAddr != "192.0.2.7" || g.RemotePort != "4711" || g.Scheme != "https" || g.ServerName != "shop.example" || g.ServerPort != "80" || g.ScriptName != "" {
		t.Errorf("%+v", g)
	}
	if got := fmt.Sprint(g.Extra); got != "[{DOCUMENT_ROOT /srv 0} {REQUEST_SCHEME http 0} {SSL_CLIENT_S_DN CN=you 0}]" {
		t.Errorf("extra: %s", got)
	}
	m := vars(t, r, &Info{Scheme: g.Scheme, RemoteAddr: g.RemoteAddr, ServerName: "inner", ServerPort: g.ServerPort, Named: true, Extra: g.Extra})
	for name, want := range map[string]string{"HTTP_X_A": "1, 2", "HTTP_COOKIE": "a=1; b=2", "HTTP_HOST": "shop.example:8080", "SERVER_NAME": "inner", "PATH_INFO": "/x/y",
		"REQUEST_URI": "/x%2Fy?a=b", "SSL_CLIENT_S_DN": "CN=you", "HTTPS": "on", "CONTENT_LENGTH": ""} {
		if m[name] != want {
			t.Errorf("%s is %q, want %q", name, m[name], want)
		}
	}
}

// What a variable must not do by way of the server in front.
func TestVariablesThatNeverPass(t *testing.T) {
	r, g, err := Request(gatewayVars("UWSGI_FILE=/tmp/evil.py", "UWSGI_SCRIPT=evil", "UWSGI_MODULE=evil", "UWSGI_SETENV=evil", "UWSGI_SCHEME=https", "wsgi.input=evil",
		"wsgi.url_scheme=evil", "standpipe.request_id=evil", "PATH=evil", "HTTP_PROXY=evil", "lower=evil", "WITH-DASH=evil", "SP ACE=evil", "HTTP_lower=evil", "HTTP_=evil",
		"HTTP_TRANSFER_ENCODING=evil", "HTTP_CONTENT_TYPE=evil", "HTTP_CONTENT_LENGTH=evil", "HTTP_EXPECT=evil", "RAW_URI=evil", "X\xff=evil"))
	if err != nil {
		t.Fatal(err)
	}
	if g.Scheme != "https" {
		t.Errorf("UWSGI_SCHEME: %q", g.Scheme)
	}
	for name, value := range vars(t, r, &Info{Scheme: g.Scheme, Extra: g.Extra}) {
		if strings.Contains(value, "evil") || strings.HasPrefix(name, "UWSGI_") {
			t.Errorf("%s is %q", name, value)
		}
	}
	if r.TransferEncoding != nil || r.ContentLength != 0 {
		t.Errorf("%+v", r)
	}
}

func TestPathsOfVariables(t *testing.T) {
	for _, c := range []struct{ script, info, path, scriptName, pathInfo string }{
		{"", "/a%2fb", "/a%2fb", "", "/a%2fb"}, // never decoded again
		{"", "//a/../b", "//a/../b", "", "//a/../b"},
		{"", "", "/", "", "/"},
		{"/shop", "/cart", "/shop/cart", "/shop", "/cart"},
		{"/shop/", "/cart", "/shop/cart", "/shop", "/cart"},
		{"/shop", "", "/shop", "/shop", ""},
		{"/", "/x", "/x", "", "/x"},
	} {
		r, g, err := Request(gatewayVars("SCRIPT_NAME="+c.script, "PATH_INFO="+c.info))
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		for _, mount := range []string{"", "/shop"} { // the deeper place counts
			in := &Info{}
			if strings.HasPrefix(c.path, mount) {
				in.ScriptName = mount
			}
			in.Relay(g.ScriptName, false, nil)
			m := vars(t, r, in)
			script, info := c.scriptName, c.pathInfo
			if in.ScriptName == "/shop" {
				script, info = "/shop", strings.TrimPrefix(c.path, "/shop")
			}
			if r.URL.Path != c.path || m["SCRIPT_NAME"] != script || m["PATH_INFO"] != info {
				t.Errorf("%+v under %q: path %q, SCRIPT_NAME %q, PATH_INFO %q", c, mount, r.URL.Path, m["SCRIPT_NAME"], m["PATH_INFO"])
			}
		}
	}
}

func TestVariablesThatAreNoRequest(t *testing.T) {
	for _, c := range []struct{ more, fault string }{
		{"REQUEST_METHOD=", "REQUEST_METHOD"},
		{"REQUEST_METHOD=GE T", "REQUEST_METHOD"},
		{"SERVER_PROTOCOL=FTP", "SERVER_PROTOCOL"},
		{"PATH_INFO=a", "PATH_INFO"},
		{"SCRIPT_NAME=a", "SCRIPT_NAME"},
		{"CONTENT_LENGTH=1", "CONTENT_LENGTH"}, // the first is empty
		{"HTTP_X_A=a\nb", "HTTP_X_A"},
		{"HTTP_X_A=a\x00b", "HTTP_X_A"},
		{"CONTENT_TYPE=a\rb", "CONTENT_TYPE"},
		{"HTTP_HOST=other", "HTTP_HOST"},
		{"HTTP_HOST=a b", "HTTP_HOST"},
	} {
		_, _, err := Request(gatewayVars(c.more))
		var ve *VarsError
		if !errors.As(err, &ve) || !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%q: %v, want %q", c.more, err, c.fault)
		}
	}
	for _, length := range []string{"-1", "+1", "1 ", "0x1", "1,1", "9223372036854775808", "1\n"} {
		list := gatewayVars()
		for i := range list {
			if list[i].Name == "CONTENT_LENGTH" {
				list[i].Value = length
			}
		}
		if _, _, err := Request(list); err == nil {
			t.Errorf("CONTENT_LENGTH %q was taken", length)
		}
	}
	if _, _, err := Request([]wire.Var{{Name: "REQUEST_METHOD", Value: "GET"}}); err == nil || !strings.Contains(err.Error(), "uwsgi_params") {
		t.Errorf("no PATH_INFO: %v", err)
	}
}
