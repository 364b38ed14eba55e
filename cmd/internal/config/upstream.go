package config

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Upstream is the address of another server.
type Upstream struct {
	Scheme  string // "http", "https", "uwsgi" or "fastcgi"
	Network string // "tcp" or "unix"
	Address string // host:port, or an absolute path
}

// String is the upstream as one would write it.
func (u Upstream) String() string {
	if u.Network == "unix" {
		return u.Scheme + "+unix:" + u.Address
	}
	return u.Scheme + "://" + u.Address
}

// ParseUpstream reads one address. base is what a relative path is relative to. Errors are the end of a sentence and name
// the address.
func ParseUpstream(text, base string) (Upstream, error) {
	forms := "write http://host:port, https://host:port, http+unix:/path, uwsgi://host:port, uwsgi+unix:/path, fastcgi://host:port or fastcgi+unix:/path"
	scheme, path, isUnix := strings.Cut(text, "+unix:")
	if isUnix && slices.Contains([]string{"http", "uwsgi", "fastcgi"}, scheme) {
		path = strings.TrimPrefix(path, "//")
		switch {
		case path == "" || strings.HasSuffix(path, "/") || strings.Contains(path, "?"):
			return Upstream{}, fmt.Errorf("%q: the socket's path is missing, or not one; write %s+unix:/run/shop.sock", text, scheme)
		case !filepath.IsAbs(path):
			path = filepath.Join(base, path)
		}
		if err := checkUnixPath(text, path); err != nil {
			return Upstream{}, err
		}
		return Upstream{scheme, "unix", path}, nil
	}
	scheme, at, ok := strings.Cut(text, "://")
	if !ok || !slices.Contains([]string{"http", "https", "uwsgi", "fastcgi"}, scheme) {
		return Upstream{}, fmt.Errorf("%q is not an upstream; %s", text, forms)
	}
	at = strings.TrimSuffix(at, "/")
	if strings.ContainsAny(at, "/?#@ \\") {
		return Upstream{}, fmt.Errorf("%q: only host and port may follow %s://; a route has no other path of its own", text, scheme)
	}
	port := map[string]string{"http": "80", "https": "443"}[scheme]
	host := strings.Trim(at, "[]")
	if a, err := netip.ParseAddr(at); err == nil && a.Is6() {
		return Upstream{}, fmt.Errorf("%q: write an IPv6 address in brackets", text)
	}
	if h, p, err := net.SplitHostPort(at); err == nil {
		host, port = h, p
	} else if port == "" || strings.Contains(host, ":") && !strings.HasPrefix(at, "[") {
		return Upstream{}, fmt.Errorf("%q has no port; %s", text, forms)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return Upstream{}, fmt.Errorf("%q: %q is not a port; ports are 1 to 65535", text, port)
	}
	if host == "" {
		return Upstream{}, fmt.Errorf("%q has no host", text)
	}
	return Upstream{scheme, "tcp", net.JoinHostPort(strings.ToLower(host), strconv.FormatUint(n, 10))}, nil
}
