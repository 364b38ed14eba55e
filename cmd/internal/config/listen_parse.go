package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/address"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// maxUnixPath is the longest path of a unix socket: 108 bytes with the NUL in Linux's sockaddr_un, 104 on the BSDs.
const maxUnixPath = 103

// ParseListen reads one address as written after -b. base is what a relative path is relative to. Errors are the end
// of a sentence and name the address.
func ParseListen(text, base string) (Listen, error) {
	s := strings.TrimSpace(text)
	l := Listen{Protocol: "http"}
	for _, protocol := range []string{"uwsgi", "https", "http"} {
		if rest, ok := strings.CutPrefix(s, protocol+"+"); ok {
			if !strings.HasPrefix(rest, "unix:") && !strings.HasPrefix(rest, "fd://") {
				return l, fmt.Errorf("%q: unix:/path or fd://3 follows %s+; a port is %s://host:port", text, protocol, protocol)
			}
			l.Protocol, l.scheme, s = protocol, protocol, rest
		}
	}
	if scheme, _, ok := strings.Cut(s, "://"); ok {
		switch scheme {
		case "unix", "fd":
		case "http", "https", "uwsgi":
			l.Protocol, l.scheme = scheme, scheme
			s = strings.TrimSuffix(s[len(scheme)+3:], "/")
		case "tcp":
			s = strings.TrimSuffix(s[len(scheme)+3:], "/")
		case "fastcgi":
			return l, fmt.Errorf("%q: %s is not available yet in this release; http, https and uwsgi are", text, scheme)
		default:
			return l, fmt.Errorf("%q: %s is not a protocol that standpipe knows; write host:port, unix:/path or fd://3", text, scheme)
		}
	}
	switch {
	case strings.HasPrefix(s, "unix:"):
		return parseUnix(l, s[len("unix:"):], text, base)
	case strings.HasPrefix(s, "fd://"):
		n, err := strconv.Atoi(s[len("fd://"):])
		if err != nil || n < 0 || n > 1<<20 {
			return l, fmt.Errorf("%q: a descriptor is a number, as fd://3", text)
		}
		if n < 3 {
			return l, fmt.Errorf("%q: 0, 1 and 2 are standard input, output and error; sockets that are passed begin at 3", text)
		}
		l.Network, l.Address = "fd", strconv.Itoa(n)
		return l, nil
	}
	return parseTCP(l, s, text)
}

func parseTCP(l Listen, s, text string) (Listen, error) {
	l.Network = "tcp"
	if s == "" {
		return l, fmt.Errorf("%q has no address; write host:port, :port, unix:/path or fd://3", text)
	}
	if strings.HasPrefix(s, "/") || strings.HasPrefix(s, "./") {
		return l, fmt.Errorf("%q: a socket's path begins with unix:, such as unix:%s", text, s)
	}
	var host, port string
	var err error
	if rest, ok := strings.CutPrefix(s, ":"); ok && !strings.Contains(rest, ":") {
		port = rest
		if rest == "" {
			err = address.ErrPort
		}
	} else if isDigits(s) {
		// A bare port changes the port alone, not the address.
		host, port = "127.0.0.1", s
	} else {
		host, port, err = address.Split(s)
	}
	switch {
	case errors.Is(err, address.ErrPort):
		return l, fmt.Errorf("%q has no port after the colon; was a variable such as $PORT empty?", text)
	case net.ParseIP(s) != nil && err != nil:
		return l, fmt.Errorf("%q: write an IPv6 address in brackets, as [%s]:8000", text, s)
	case err != nil:
		return l, fmt.Errorf("%q is not an address; write host:port, :port, [::1]:port, unix:/path or fd://3: %w", text, err)
	case port == "":
		port = "8000"
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return l, fmt.Errorf("%q: %q is not a port; ports are 0 to 65535", text, port)
	}
	l.Address = net.JoinHostPort(host, strconv.FormatUint(n, 10))
	return l, nil
}

func parseUnix(l Listen, s, text, base string) (Listen, error) {
	l.Network = "unix"
	path, query, _ := strings.Cut(s, "?")
	if strings.HasPrefix(path, "//") {
		path = path[2:]
		if !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
	}
	if path == "" || strings.HasSuffix(path, "/") {
		return l, fmt.Errorf("%q: the socket's path is missing; write unix:/run/shop.sock", text)
	}
	if strings.HasPrefix(path, "@") {
		return l, fmt.Errorf("%q: abstract sockets are not supported, because they have no permissions; write unix:/path", text)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(base, path)
	}
	if err := checkUnixPath(text, path); err != nil {
		return l, err
	}
	l.Address = path
	values, err := url.ParseQuery(query)
	if err != nil {
		return l, fmt.Errorf("%q: what follows the ? is not key=value", text)
	}
	for key, v := range values {
		last := v[len(v)-1]
		switch key {
		case "mode":
			var m fs.FileMode
			if m, err = parseMode(last); err != nil {
				return l, fmt.Errorf("%q: %w", text, err)
			}
			l.Mode = m
		case "user":
			l.User = last
		case "group":
			l.Group = last
		default:
			return l, fmt.Errorf("%q: %q is unknown; mode, user and group may follow the ?", text, key)
		}
	}
	return l, nil
}

// checkUnixPath finds a path that is too long for a socket. text is how it was written.
func checkUnixPath(text, path string) error {
	if len(path) > maxUnixPath {
		return fmt.Errorf("%q: the path is %d bytes long; a unix socket's may have %d", text, len(path), maxUnixPath)
	}
	return nil
}

func isDigits(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

// parseOwn reads addresses of this server, each as Listen.Bare.
func parseOwn(in schema.Input) (list []string, err error) {
	for _, v := range in.List() {
		l, err := ParseListen(v, in.Base)
		if err != nil {
			return nil, err
		}
		list = append(list, l.Bare())
	}
	return list, nil
}

// checkOwn finds addresses in the key listen of a table that this server does not listen on.
func checkOwn(c *Config, row *schema.Row, table string, list []string) {
	for _, at := range list {
		if !slices.ContainsFunc(c.Listen, func(l Listen) bool { return l.Bare() == at }) {
			row.Bad("listen", "%s listen: this server does not listen on %s", table, at)
		}
	}
}
