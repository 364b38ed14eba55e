package chain

import (
	"net"
	"net/http"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// HSTS is the stage that sets the field Strict-Transport-Security of answers over https, unless an
// app sets one (RFC 6797 7.2). It comes after the stage that knows what a trusted proxy says.
func HSTS(value string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return &hsts{[]string{value}, next} }
}

type hsts struct {
	value []string // shared by all answers, which do not change it
	next  http.Handler
}

func (s *hsts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if httpx.Of(w).Scheme == "https" {
		w.Header()["Strict-Transport-Security"] = s.value
	}
	s.next.ServeHTTP(w, r)
}

// RedirectHTTPS is the stage that sends requests to https, with a 308: the method and the body
// stay. port is that of https. Requests that came by https, as a trusted proxy says, go on.
func RedirectHTTPS(port string, pages *httpx.Pages) func(http.Handler) http.Handler {
	if port == "443" {
		port = ""
	}
	return func(next http.Handler) http.Handler { return &redirect{port, pages, next} }
}

type redirect struct {
	port  string // empty: the usual one
	pages *httpx.Pages
	next  http.Handler
}

func (s *redirect) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := httpx.Of(w)
	if n.Scheme == "https" {
		s.next.ServeHTTP(w, r)
		return
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if n.Source = "server"; host == "" || strings.ContainsAny(host, "/\\@?#") {
		s.pages.Write(w, r, http.StatusBadRequest, "", 0)
		return
	}
	if s.port != "" {
		host = net.JoinHostPort(host, s.port)
	} else if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	target := r.URL.EscapedPath()
	if !strings.HasPrefix(target, "/") {
		target = "/"
	}
	if r.URL.RawQuery != "" {
		target += "?" + r.URL.RawQuery
	}
	w.Header()["Location"] = []string{"https://" + host + target}
	w.Header()["Content-Length"] = []string{"0"}
	w.WriteHeader(http.StatusPermanentRedirect)
}
