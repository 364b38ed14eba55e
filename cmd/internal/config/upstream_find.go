package config

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/address"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Find is how a route's upstreams are found while the server runs. Its keys are the route's.
type Find struct {
	Resolve    bool     `key:"resolve"`        // each address of a name is an upstream
	DNSServers []string `key:"dns_servers"`    // host:port; none: the system's
	File       string   `key:"upstreams_file"` // empty: none

	listed []Server // what the file says
}

// Settings are those of [[route]] that are about finding upstreams.
func (*Find) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "resolve", Kind: schema.Switch, Default: "off", Reload: true},
		{Key: "dns_servers", Kind: schema.List, Derived: "those of the system", Reload: true},
		{Key: "upstreams_file", Kind: schema.Path, Derived: "none", Reload: true},
	}}
}

// Check finds mistakes in the values.
func (f *Find) Check(row *schema.Row) {
	for i, s := range f.DNSServers {
		host, err := address.WithPort(s, "53")
		if _, bad := netip.ParseAddrPort(host); err != nil || bad != nil {
			row.Bad("dns_servers", "dns_servers: %q is not an address; write 192.0.2.53 or 192.0.2.53:5353", s)
			continue
		}
		f.DNSServers[i] = host
	}
}

// read reads the file.
func (f *Find) read(row *schema.Row) {
	if f.File == "" {
		return
	}
	var err error
	if f.listed, err = ReadServers(f.File); err != nil {
		row.Bad("upstreams_file", "upstreams_file %v", err)
	}
}

// NeedsLookup reports whether the address has to be looked up while the server runs.
func (f *Find) NeedsLookup(u Upstream) bool {
	if u.Network == "srv" {
		return true
	}
	host, _, err := net.SplitHostPort(u.Address)
	if !f.Resolve || u.Network != "tcp" || err != nil {
		return false
	}
	_, err = netip.ParseAddr(host)
	return err != nil
}

// Listed are the upstreams of the file, as it was when the configuration was read.
func (f *Find) Listed() []Server { return f.listed }

// maxServersFile bounds a file of upstreams; bytes.
const maxServersFile = 1 << 20

// ReadServers reads a file of upstreams: one in a line, with the keys of [[route.upstream]] behind it. The error is the end of
// a sentence.
func ReadServers(path string) ([]Server, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	defer f.Close()
	return parseServers(io.LimitReader(f, maxServersFile), path)
}

func parseServers(r io.Reader, path string) (list []Server, err error) {
	scanner := bufio.NewScanner(r)
	for n := 1; scanner.Scan(); n++ {
		line, _, _ := strings.Cut(scanner.Text(), "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		s := Server{Weight: 1}
		if s.At, err = ParseUpstream(words[0], filepath.Dir(path)); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		for _, word := range words[1:] {
			if err := s.word(word); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", path, n, err)
			}
		}
		if list = append(list, s); len(list) > maxUpstreams {
			return nil, fmt.Errorf("%s:%d: there are more than %d upstreams", path, n, maxUpstreams)
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

// word sets what a word behind an address says.
func (s *Server) word(word string) (err error) {
	key, value, _ := strings.Cut(word, "=")
	switch {
	case word == "backup":
		s.Backup = true
	case word == "down":
		s.Down = true
	case key == "weight":
		if s.Weight, err = schema.ParseInt(value); err == nil && (s.Weight < 1 || s.Weight > maxWeight) {
			return fmt.Errorf("weight is %d; it is 1 to %d", s.Weight, maxWeight)
		}
	case key == "max_conns":
		s.MaxConns, err = schema.ParseInt(value)
	default:
		return fmt.Errorf("%q is not weight=N, max_conns=N, backup or down", word)
	}
	if err != nil {
		return fmt.Errorf("%s %q %w", key, value, err)
	}
	return nil
}
