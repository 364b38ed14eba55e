package config

import (
	"maps"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/bridge/cgi"
)

const maxName = 64 // octets of an app's name

// validate checks what one value alone could not tell. Every problem is found; none stops the search.
func (l *loader) validate() {
	l.checkListen()
	l.checkInternal()
	l.checkProxies()
	names := make(map[string]bool)
	for i := range l.cfg.Apps {
		a := &l.cfg.Apps[i]
		if names[a.Name] && !l.unsure(appPath(a.Name, "name")) {
			l.bad.add(l.sources.Of(appPath(a.Name, "name")), "two apps are called %q; give each a name of its own", a.Name)
		}
		names[a.Name] = true
		l.checkApp(a)
	}
	l.checkRoutes()
	l.checkServer()
}

func (l *loader) checkListen() {
	seen := make(map[string]bool)
	for i, at := range l.cfg.Listen {
		src := l.sources.Of(listenPath(i, "address"))
		if at.Address == "" {
			continue // said already
		}
		if key := at.Network + " " + at.Address; seen[key] && !strings.HasSuffix(at.Address, ":0") {
			l.bad.add(src, "%s stands there twice; an address can be listened on once", at)
		} else {
			seen[key] = true
		}
		for _, before := range l.cfg.Listen[:i] {
			switch {
			case runtime.GOOS != "linux": // the BSDs let the more special one through
			case before.includes(at):
				l.bad.add(src, "%s includes %s; leave one of the two out", before, at)
			case at.includes(before):
				l.bad.add(src, "%s includes %s; leave one of the two out", at, before)
			}
		}
		if at.scheme != "" && at.scheme != at.Protocol {
			l.bad.add(l.sources.Of(listenPath(i, "protocol")), "protocol is %s, and the address beside it begins with %s; leave one of them out", at.Protocol, at.scheme)
		}
		if at.Network != "unix" {
			if at.Mode != 0 || at.User != "" || at.Group != "" {
				l.bad.add(src, "%s: mode, user and group are for unix sockets alone", at)
			}
			continue
		}
		if st, err := os.Stat(filepath.Dir(at.Address)); err != nil || !st.IsDir() {
			l.bad.add(src, "%s: the folder %s does not exist; make it, or choose another", at, filepath.Dir(at.Address))
		}
		if at.User != "" && !isNumber(at.User) {
			if _, err := user.Lookup(at.User); err != nil {
				l.bad.add(src, "%s: there is no user %q on this machine", at, at.User)
			}
		}
		if at.Group != "" && !isNumber(at.Group) {
			if _, err := user.LookupGroup(at.Group); err != nil {
				l.bad.add(src, "%s: there is no group %q on this machine", at, at.Group)
			}
		}
	}
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 31)
	return err == nil
}

func (l *loader) checkApp(a *App) {
	of := func(key string) Source { return l.sources.Of(appPath(a.Name, key)) }
	if !goodName(a.Name) {
		l.bad.add(of("name"), "%q is not an app's name; use up to %d letters, digits, dots, dashes and underscores", a.Name, maxName)
	}
	for _, p := range a.PythonPath {
		if _, err := os.Stat(p); err != nil && !(a.unread && beneath(p, a.Dir)) {
			l.bad.add(of("pythonpath"), "app %q: pythonpath %s %v", a.Name, p, reason(err))
		}
	}
	for _, p := range a.Files.SendfileRoots {
		if err := checkFolder(p); err != nil && !(a.Broken != nil && beneath(p, a.Dir)) {
			l.bad.add(of("sendfile_roots"), "app %q: sendfile_roots: %v", a.Name, err)
		}
	}
	if _, err := cgi.Underscores(a.Requests.UnderscoreFields); err != nil {
		l.bad.add(of("underscore_fields"), "app %q: underscore_fields: %v", a.Name, err)
	}
	if a.Workers.Min < 1 && of("workers").Given() {
		l.bad.add(of("workers"), "app %q: workers is %d; it is 1 or more", a.Name, a.Workers.Min)
	}
	if a.Workers.Max > 1024 {
		l.bad.add(of("workers"), "app %q: workers is %d; more than 1024 is taken for a mistake", a.Name, a.Workers.Max)
	}
	if a.Life.Preload && a.Life.Surge.None {
		l.bad.add(l.sources.Of(appPath(a.Name, "surge")), "app %q has preload and surge = \"none\": the template that imports the next version lives beside the workers of the last one; leave one of them out", a.Name)
	}
	if a.Life.Preload && runtime.GOOS != "linux" {
		l.bad.add(of("preload"), "app %q: preload works on Linux only; leave it out", a.Name)
	}
	if a.Life.HardRSS > 0 && a.Life.MaxRSS > a.Life.HardRSS {
		l.bad.add(of("max_rss"), "app %q: max_rss is more than hard_rss: the worker would be killed before it is replaced", a.Name)
	}
	for _, path := range a.Life.Warmup {
		if !strings.HasPrefix(path, "/") || strings.ContainsFunc(path, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
			l.bad.add(of("warmup"), "app %q: warmup %q is not a path; write /health", a.Name, path)
		} else if a.Mount != "/" && path != a.Mount && !strings.HasPrefix(path, a.Mount+"/") {
			l.bad.add(of("warmup"), "app %q: warmup %q lies outside of its mount; write %s/health", a.Name, path, a.Mount)
		}
	}
	if a.Workers.Threads < 1 || a.Workers.Threads > 4096 {
		l.bad.add(of("threads"), "app %q: threads is %d; it is 1 to 4096", a.Name, a.Workers.Threads)
	}
	if a.Workers.Gevent < 0 || a.Workers.Gevent > 10000 {
		l.bad.add(of("gevent"), "app %q: gevent is %d; it is 1 to 10000, or 0 for no gevent", a.Name, a.Workers.Gevent)
	}
	if a.Requests.Prefetch > maxPrefetch {
		l.bad.add(of("prefetch"), "app %q: prefetch is %d; it is 0 to %d", a.Name, a.Requests.Prefetch, maxPrefetch)
	}
	if a.Workers.Gevent > 0 && a.Workers.Threads > 1 {
		l.bad.add(of("gevent"), "app %q: gevent is %d and threads is %d; a worker runs its requests as greenlets or on threads, so leave one of them out", a.Name, a.Workers.Gevent, a.Workers.Threads)
	}
	if why := badMount(a.Mount); why != "" {
		l.bad.add(of("mount"), "app %q: mount %q %s", a.Name, a.Mount, why)
	}
	for _, h := range a.Hosts {
		if why := badHost(h); why != "" {
			l.bad.add(of("hosts"), "app %q: host %q %s", a.Name, h, why)
		}
	}
	if why := notAnApp(a); why != "" && a.Broken == nil {
		l.bad.add(of("module"), "%s", why)
	}
	if strings.ContainsAny(a.Module, "\x00\n\r") {
		l.bad.add(of("module"), "app %q: the module's name holds a control character", a.Name)
	}
}

func nameRune(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_'
}

func goodName(s string) bool {
	return s != "" && len(s) <= maxName && s[0] != '.' && s[0] != '-' && !strings.ContainsFunc(s, func(c rune) bool { return !nameRune(c) })
}

// badMount says what is wrong with a mount; empty: nothing.
func badMount(m string) string {
	switch {
	case !strings.HasPrefix(m, "/"):
		return "does not begin with a slash; write /" + m
	case strings.Contains(m, "//"):
		return "has an empty segment; write one slash"
	case strings.ContainsAny(m, "?#"):
		return "holds a ? or #; a mount is a path alone"
	case strings.ContainsFunc(m, func(c rune) bool { return c <= ' ' || c == 0x7f }):
		return "holds a blank or a control character"
	case slices.ContainsFunc(strings.Split(m, "/"), func(s string) bool { return s == "." || s == ".." }):
		return "has a . or .. segment; write the path that clients ask for"
	}
	return ""
}

// badHost says what is wrong with a host pattern; empty: nothing.
func badHost(h string) string {
	if _, err := netip.ParseAddr(strings.Trim(h, "[]")); err == nil {
		if h == "0.0.0.0" || strings.Trim(h, "[]") == "::" {
			return "is an address to listen on, not one that a client asks for; that is -b " + h + ":8000"
		}
		return ""
	}
	name := strings.TrimPrefix(h, "*.")
	switch {
	case strings.Contains(h, "://"):
		return "is a URL; write the host's name alone"
	case strings.Contains(name, ":"):
		return "has a port; leave it out, a request's port does not count"
	case strings.Contains(name, "*"):
		return "has a * in the wrong place; only *.example.org is possible"
	case name == "" || len(name) > 253:
		return "is not a host's name"
	}
	for _, label := range strings.Split(name, ".") {
		bad := func(c rune) bool { return !(nameRune(c) && c != '.') && c < 0x80 }
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, bad) {
			return "is not a host's name"
		}
		if strings.ContainsFunc(label, func(c rune) bool { return c >= 0x80 }) {
			return "has letters outside of ASCII; write it as clients send it, in the xn-- form"
		}
	}
	return ""
}

// checkRoutes finds apps that would answer for the same place.
func (l *loader) checkRoutes() {
	type place struct{ mount, host string }
	first := make(map[place]string)
	for _, a := range l.cfg.Apps {
		if l.unsure(appPath(a.Name, "mount"), appPath(a.Name, "hosts")) {
			continue
		}
		hosts := a.Hosts
		if len(hosts) == 0 {
			hosts = []string{""}
		}
		for _, h := range hosts {
			at := place{a.Mount, h}
			other, taken := first[at]
			if !taken {
				first[at] = a.Name
				continue
			}
			if other == a.Name {
				continue
			}
			where := "every host"
			if h != "" {
				where = h
			}
			src := l.sources.Of(appPath(a.Name, "mount"))
			if !src.Given() {
				src = l.sources.Of(appPath(a.Name, "module"))
			}
			l.bad.add(src, "apps %q and %q both answer for %s on %s; give one of them another mount or hosts", other, a.Name, a.Mount, where)
		}
	}
}

func (l *loader) checkServer() {
	c := l.cfg
	of := l.sources.Of
	if c.Limits.MaxBody > 0 && c.Limits.BufferBody > c.Limits.MaxBody && of("limits.buffer_body").Given() && !l.unsure("limits.buffer_body", "limits.max_body") {
		l.bad.add(of("limits.buffer_body"), "buffer_body %s is more than max_body %s; lower it", FormatSize(c.Limits.BufferBody), FormatSize(c.Limits.MaxBody))
	}
	if c.Limits.SpoolTotal > 0 && c.Limits.SpoolTotal < c.Limits.BufferBody && !l.unsure("limits.buffer_body", "limits.spool_total") {
		l.bad.add(of("limits.spool_total"), "spool_total %s is less than buffer_body %s: no body would ever go to a file; raise it", FormatSize(c.Limits.SpoolTotal), FormatSize(c.Limits.BufferBody))
	}
	if c.Limits.MaxHead > 0 && c.Limits.MaxHead < 1<<10 {
		l.bad.add(of("limits.max_head"), "max_head is %s, too small for any browser; it is 1KiB to 512KiB", FormatSize(c.Limits.MaxHead))
	}
	// The worker protocol has a ceiling of 1 MiB for one request's environ.
	if c.Limits.MaxHead == 0 || c.Limits.MaxHead > 512<<10 {
		l.bad.add(of("limits.max_head"), "max_head is %s; it is 1KiB to 512KiB, because a head is held in memory", FormatSize(c.Limits.MaxHead))
	}
	if strings.ContainsFunc(c.Responses.ServerHeader, func(r rune) bool { return r < ' ' || r > '~' }) {
		l.bad.add(of("server_header"), "server_header %q holds what may not stand in a field (RFC 9110 5.5)", c.Responses.ServerHeader)
	}
	if total := of("stop.stop_timeout"); total.Given() && of("stop.graceful_timeout").Given() && c.Stop.Timeout > 0 && !l.unsureStop() &&
		(c.Stop.Graceful == 0 || c.Stop.Graceful+c.Stop.Delay+c.Stop.TermGrace > c.Stop.Timeout) {
		l.bad.add(of("stop.graceful_timeout"), "shutdown_delay %s + graceful_timeout %s + term_grace %s do not fit into stop_timeout %s; leave one of the two out, and it follows",
			FormatDuration(c.Stop.Delay), FormatDuration(c.Stop.Graceful), FormatDuration(c.Stop.TermGrace), FormatDuration(c.Stop.Timeout))
	}
	for _, status := range slices.Sorted(maps.Keys(c.Responses.ErrorPages)) {
		path := c.Responses.ErrorPages[status]
		if st, err := os.Stat(path); err != nil {
			l.bad.add(of("error_page"), "the page for %d, %s, %v", status, path, reason(err))
		} else if !st.Mode().IsRegular() || st.Size() > maxFile {
			l.bad.add(of("error_page"), "the page for %d, %s, is not a file of at most %s", status, path, FormatSize(maxFile))
		}
	}
	if c.Folders.Spool != "" {
		if st, err := os.Stat(c.Folders.Spool); err != nil {
			l.bad.add(of("spool_dir"), "the folder %s %v", c.Folders.Spool, reason(err))
		} else if !st.IsDir() {
			l.bad.add(of("spool_dir"), "%s is not a folder", c.Folders.Spool)
		}
	}
	for _, log := range []struct{ key, path string }{{"log.access_log", c.Logs.Access}, {"log.error_log", c.Logs.Error}} {
		key, path := log.key, log.path
		if path == "-" || path == "off" || path == "" {
			continue
		}
		if st, err := os.Stat(filepath.Dir(path)); err != nil || !st.IsDir() {
			l.bad.add(of(key), "%s: the folder %s does not exist; make it, or choose another", path, filepath.Dir(path))
		} else if st, err := os.Stat(path); err == nil && st.IsDir() {
			l.bad.add(of(key), "%s is a folder; name a file", path)
		}
	}
}

// maxPrefetch: more would only wait longer behind one that turns out slow.
const maxPrefetch = 64
