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
	Scheme  string // "http", "https", "h2c", "uwsgi" or "fastcgi"
	Network string // "tcp", "unix" or "srv"
	Address string // host:port, an absolute path, or the name of SRV records
}

// String is the upstream as one would write it.
func (u Upstream) String() string {
	if u.Network == "unix" {
		return u.Scheme + "+unix:" + u.Address
	}
	if u.Network == "srv" {
		return "srv+" + u.Scheme + "://" + u.Address
	}
	return u.Scheme + "://" + u.Address
}

// ParseUpstream reads one address. base is what a relative path is relative to. Errors are the end of a sentence and name
// the address.
func ParseUpstream(text, base string) (Upstream, error) {
	forms := "write http://host:port, https://host:port, h2c://host:port, http+unix:/path, uwsgi://host:port, uwsgi+unix:/path, fastcgi://host:port or fastcgi+unix:/path"
	scheme, path, isUnix := strings.Cut(text, "+unix:")
	if isUnix && slices.Contains([]string{"http", "h2c", "uwsgi", "fastcgi"}, scheme) {
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
	if rest, ok := strings.CutPrefix(text, "srv+"); ok {
		return parseService(text, rest)
	}
	scheme, at, ok := strings.Cut(text, "://")
	if !ok || !slices.Contains([]string{"http", "https", "h2c", "uwsgi", "fastcgi"}, scheme) {
		return Upstream{}, fmt.Errorf("%q is not an upstream; %s", text, forms)
	}
	at = strings.TrimSuffix(at, "/")
	if strings.ContainsAny(at, "/?#@ \\") {
		return Upstream{}, fmt.Errorf("%q: only host and port may follow %s://; a route has no other path of its own", text, scheme)
	}
	port := map[string]string{"http": "80", "https": "443", "h2c": "80"}[scheme]
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

// parseService reads an address of which SRV records say host and port.
func parseService(text, rest string) (Upstream, error) {
	scheme, name, ok := strings.Cut(rest, "://")
	if !ok || scheme != "http" && scheme != "https" {
		return Upstream{}, fmt.Errorf("%q: SRV records are for HTTP; write srv+http://_http._tcp.example.org or srv+https://_https._tcp.example.org", text)
	}
	if name = strings.TrimSuffix(name, "/"); name == "" || strings.ContainsAny(name, ":/?#@ \\[]") {
		return Upstream{}, fmt.Errorf("%q: only a name may follow srv+%s://, without a port: the records have it", text, scheme)
	}
	return Upstream{scheme, "srv", strings.ToLower(name)}, nil
}
