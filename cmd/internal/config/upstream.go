package config

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/address"
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
	host, port, err := address.Split(at)
	if err != nil {
		return Upstream{}, fmt.Errorf("%q: %w", text, err)
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "h2c": "80"}[scheme]
	}
	if port == "" {
		return Upstream{}, fmt.Errorf("%q has no port; %s", text, forms)
	}
	n, err := address.Port(port)
	if err != nil {
		return Upstream{}, fmt.Errorf("%q: %w", text, err)
	}
	return Upstream{scheme, "tcp", net.JoinHostPort(host, strconv.Itoa(int(n)))}, nil
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
	if err := address.Name(name); err != nil {
		return Upstream{}, fmt.Errorf("%q: %w", text, err)
	}
	return Upstream{scheme, "srv", strings.ToLower(name)}, nil
}
