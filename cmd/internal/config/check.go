package config

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Check finds what needs more than one table: addresses, apps and routes that contradict each other. Every problem is
// found; none stops the search. The tables' own Check methods find the rest.
func (c *Config) Check(r *schema.Row) {
	c.checkListen(r)
	checkDev(c, r)
	c.checkTLS(r)
	c.checkACME(r)
	checkStatics(r, "[[static]]", c.Static, true)
	checkAccess(c, r)
	c.checkInternal(r)
	c.checkNames(r)
	c.checkMounts(r)
	c.checkRoutes(r)
	checkRateLimits(c, r)
	checkCache(c, r)
	checkMemory(c, r)
}

func (c *Config) checkListen(r *schema.Row) {
	seen := make(map[string]bool)
	for i, at := range c.Listen {
		if at.Address == "" {
			continue // a problem says so already
		}
		row := r.Other(listenRow(i))
		if key := at.Network + " " + at.Address; seen[key] && !strings.HasSuffix(at.Address, ":0") {
			row.Bad("address", "duplicate address %s; leave one of them out", at)
		} else {
			seen[key] = true
		}
		for _, before := range c.Listen[:i] {
			switch {
			case runtime.GOOS != "linux": // the BSDs let the more specific one through
			case before.includes(at):
				row.Bad("address", "%s includes %s; leave one of the two out", before, at)
			case at.includes(before):
				row.Bad("address", "%s includes %s; leave one of the two out", at, before)
			}
		}
		if at.scheme != "" && at.scheme != at.Protocol {
			row.Bad("protocol", "protocol is %s, and the address beside it begins with %s; leave one of them out", at.Protocol, at.scheme)
		}
		if at.ProxyProtocol && at.Protocol == "uwsgi" {
			row.Bad("proxy_protocol", "proxy_protocol is for addresses that speak http or https, and %s speaks uwsgi, whose variables name the client", at)
		}
		if at.NoHTTP2 && at.Protocol != "https" {
			row.Bad("http2", "http2 is for addresses that speak https, and %s is not one", at)
		}
		at.checkHTTP3(row)
		if at.H2C && (at.Protocol != "http" || at.Redirect) {
			row.Bad("h2c", "h2c is for addresses that speak http and do not redirect, and %s is not one", at)
		}
		at.checkUnix(row)
	}
}

// checkHTTP3 finds addresses that cannot speak it.
func (l Listen) checkHTTP3(r *schema.Row) {
	switch {
	case !l.HTTP3:
	case l.Protocol != "https":
		r.Bad("http3", "http3 is for addresses that speak https, and %s is not one", l)
	case l.Network == "unix":
		r.Bad("http3", "http3 is for ports, and %s is a unix socket: HTTP/3 goes over UDP", l)
	case l.ProxyProtocol:
		r.Bad("http3", "http3 and proxy_protocol are both on for %s: a PROXY header is in front of TCP connections alone; leave one of them out", l)
	}
}

// checkUnix finds mistakes in what is set for a unix socket.
func (l Listen) checkUnix(r *schema.Row) {
	if l.Network != "unix" {
		if l.Mode != 0 || l.User != "" || l.Group != "" {
			r.Bad("address", "%s: mode, user and group are for unix sockets alone", l)
		}
		return
	}
	if st, err := os.Stat(filepath.Dir(l.Address)); err != nil || !st.IsDir() {
		r.Bad("address", "%s: the folder %s does not exist; make it, or choose another", l, filepath.Dir(l.Address))
	}
	if l.User != "" && !isNumber(l.User) {
		if _, err := user.Lookup(l.User); err != nil {
			r.Bad("address", "%s: there is no user %q on this machine", l, l.User)
		}
	}
	if l.Group != "" && !isNumber(l.Group) {
		if _, err := user.LookupGroup(l.Group); err != nil {
			r.Bad("address", "%s: there is no group %q on this machine", l, l.Group)
		}
	}
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 31)
	return err == nil
}

func (c *Config) checkInternal(r *schema.Row) {
	seen := make(map[string]bool)
	for i, in := range c.Internal {
		if row := r.Other(fmt.Sprintf("internal.%d", i)); seen[in.URL] && row.Given("url") {
			row.Bad("url", "[[internal]] duplicate url %q; leave one of them out", in.URL)
		}
		seen[in.URL] = true
	}
}

func (c *Config) checkNames(r *schema.Row) {
	names := make(map[string]bool)
	for i := range c.Apps {
		name := c.Apps[i].Name
		if row := r.Other(appRow(name)); names[name] && !row.Unsure("name") {
			row.Bad("name", "duplicate app name %q; give each app its own", name)
		}
		names[name] = true
	}
}

// place is what an app or a route answers for.
type place struct{ path, host string }

func placesOf(path string, hosts []string) []place {
	if len(hosts) == 0 {
		return []place{{path, ""}}
	}
	out := make([]place, len(hosts))
	for i, h := range hosts {
		out[i] = place{path, h}
	}
	return out
}

// checkMounts finds apps that would answer for the same place.
func (c *Config) checkMounts(r *schema.Row) {
	first := make(map[place]string)
	for _, a := range c.Apps {
		row := r.Other(appRow(a.Name))
		if row.Unsure("mount", "hosts") {
			continue
		}
		for _, at := range placesOf(a.Mount, a.Hosts) {
			other, taken := first[at]
			if !taken {
				first[at] = a.Name
				continue
			}
			if other == a.Name {
				continue
			}
			where, key := "every host", "mount"
			if at.host != "" {
				where = at.host
			}
			if !row.Given("mount") {
				key = "module"
			}
			row.Bad(key, "apps %q and %q both answer for %s on %s; give one of them another mount or hosts", other, a.Name, a.Mount, where)
		}
	}
}

// checkRoutes finds routes that are never reached, and those that lead back to this server.
func (c *Config) checkRoutes(r *schema.Row) {
	var taken []place // by the routes before, whatever the request
	for i, route := range c.Routes {
		row := r.Other(fmt.Sprintf("route.%d", i))
		checkOwn(c, row, "[[route]]", route.Match.Listen)
		for j, s := range route.Balance.All() {
			for _, at := range c.Listen {
				if route.Match.at(&at) && at.Network == s.At.Network && at.Address == s.At.Address {
					route.Balance.badAddress(row, j, "standpipe itself listens on %s; the request would come back for ever", s.At)
				}
			}
		}
		route.checkApp(row, c.Apps)
		if !slices.ContainsFunc(placesOf(route.Path, route.Hosts), func(at place) bool { return !slices.Contains(taken, at) }) {
			key := "path"
			if !row.Given(key) {
				key = keyOf(route.Handler)
			}
			row.Bad(key, "[[route]] path %s is never reached: a route before it takes all of it", route.Path)
		}
		if route.takesAll() {
			taken = append(taken, placesOf(route.Path, route.Hosts)...)
		}
	}
}
