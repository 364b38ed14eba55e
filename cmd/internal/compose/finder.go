package compose

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/upstream"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/dnsnames"
)

// place is where an upstream is: its address, and the host that TLS expects in its certificate and that a check names.
type place struct {
	config.Server
	host string
}

// serverPlace is the place that an address names.
func serverPlace(u config.Upstream) place {
	host, _, _ := net.SplitHostPort(u.Address) // of a unix socket: none
	return place{config.Server{At: u}, host}
}

// lookups are what names have been looked up to. They outlive reloads.
type lookups struct {
	mu sync.Mutex
	by map[config.Upstream]lookup
}

type lookup struct {
	places []place // with the weights of SRV records; else they are 0
	until  time.Time
}

func (a *lookups) get(u config.Upstream) (lookup, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	one, ok := a.by[u]
	return one, ok
}

func (a *lookups) put(u config.Upstream, one lookup) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.by[u] = one
}

// finder finds the upstreams of one route while the server runs: by names that are looked up again when their time is over,
// and by a file that is read again when it changes. One goroutine, from start to stop.
type finder struct {
	p        *parts
	r        *config.Route
	group    *upstream.Group
	members  func(list []place) ([]*upstream.Member, error)
	names    *lookups
	resolver *dnsnames.Resolver

	listed  []config.Server // what the file says
	stamp   string          // of the file's content
	failing map[config.Upstream]bool
	present string // the places that are in force

	end     context.CancelFunc
	running sync.WaitGroup
}

const (
	lookupTimeout = 5 * time.Second
	firstLookup   = time.Second     // how long the start waits where there is no upstream at all
	lookupAgain   = 5 * time.Second // after a failure
	fileTick      = time.Second     // between two looks at a file
)

// isNeeded reports whether anything of the route can change by itself.
func (f *finder) isNeeded() bool {
	return f.r.Balance.Find.File != "" || slices.ContainsFunc(f.servers(), func(s config.Server) bool { return f.r.Balance.Find.NeedsLookup(s.At) })
}

// servers are those of the configuration and of the file, before names are looked up.
func (f *finder) servers() []config.Server { return f.r.Balance.With(f.listed) }

// places are the servers with their names looked up, as far as that is known. A name that was never looked up is left to each
// connection.
func (f *finder) places() (list []place) {
	for _, s := range f.servers() {
		found := []place{serverPlace(s.At)}
		if f.r.Balance.Find.NeedsLookup(s.At) {
			known, ok := f.names.get(s.At)
			switch {
			case ok:
				found = known.places
			case s.At.Network == "srv":
				found = nil
			}
		}
		for _, p := range found {
			p.MaxConns, p.Backup, p.Down = s.MaxConns, s.Backup || p.Backup, s.Down
			p.Weight = s.Weight * max(1, p.Weight)
			if !slices.ContainsFunc(list, func(o place) bool { return o.At == p.At }) {
				list = append(list, p)
			}
		}
	}
	return list[:min(len(list), upstream.Max)]
}

func (f *finder) start() {
	ctx, cancel := context.WithCancel(context.Background())
	f.end = cancel
	if len(f.group.Members()) == 0 { // the first requests need some
		first, done := context.WithTimeout(ctx, firstLookup)
		f.lookUp(first)
		f.apply()
		done()
	}
	f.running.Go(func() { f.run(ctx) })
}

func (f *finder) stop() {
	if f.end != nil {
		f.end()
		f.running.Wait()
	}
}

func (f *finder) run(ctx context.Context) {
	for {
		wait := f.lookUp(ctx)
		if f.r.Balance.Find.File != "" {
			wait = min(wait, fileTick)
		}
		if ctx.Err() != nil {
			return
		}
		f.apply()
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		f.reread()
	}
}

// lookUp looks up the names whose time is over, and returns the time until the next one's is.
func (f *finder) lookUp(ctx context.Context) time.Duration {
	next := time.Hour
	for _, s := range f.servers() {
		if !f.r.Balance.Find.NeedsLookup(s.At) {
			continue
		}
		known, ok := f.names.get(s.At)
		if !ok || !time.Now().Before(known.until) {
			within, cancel := context.WithTimeout(ctx, lookupTimeout)
			places, d, err := f.ask(within, s.At)
			cancel()
			if ctx.Err() != nil {
				return next
			}
			if err != nil {
				f.unresolved(s.At, err)
				next = min(next, lookupAgain)
				continue
			}
			delete(f.failing, s.At)
			known = lookup{places, time.Now().Add(d)}
			f.names.put(s.At, known)
		}
		next = min(next, max(time.Until(known.until), 0))
	}
	return next
}

// ask looks up one name.
func (f *finder) ask(ctx context.Context, u config.Upstream) (list []place, _ time.Duration, err error) {
	if u.Network != "srv" {
		host, port, _ := net.SplitHostPort(u.Address) // it was put together so
		return f.addresses(ctx, u.Scheme, host, port)
	}
	services, least, err := f.resolver.Services(ctx, u.Address)
	if err != nil {
		return nil, 0, err
	}
	for _, s := range services {
		found, d, err := f.addresses(ctx, u.Scheme, s.Host, strconv.Itoa(int(s.Port)))
		if err != nil {
			return nil, 0, err
		}
		for _, p := range found {
			p.Weight, p.Backup = s.Weight, s.Backup
			list = append(list, p)
		}
		least = min(least, d)
	}
	return list, least, nil
}

func (f *finder) addresses(ctx context.Context, scheme, host, port string) (list []place, _ time.Duration, err error) {
	found, d, err := f.resolver.Addresses(ctx, host)
	for _, a := range found {
		list = append(list, place{config.Server{At: config.Upstream{Scheme: scheme, Network: "tcp", Address: net.JoinHostPort(a.String(), port)}}, host})
	}
	return list, d, err
}

// unresolved writes a record for the first of several failures.
func (f *finder) unresolved(u config.Upstream, err error) {
	if !f.failing[u] {
		f.failing[u] = true
		f.p.log.Warn("upstream_unresolved", "route", f.group.Route, "upstream", u.String(), "error", err)
	}
}

// reread reads the file if it has changed. What cannot be read changes nothing.
func (f *finder) reread() {
	path := f.r.Balance.Find.File
	if path == "" {
		return
	}
	stamp := stampOf(path)
	if stamp == f.stamp {
		return
	}
	f.stamp = stamp
	list, err := config.ReadServers(path)
	if err != nil {
		f.p.log.Error("upstreams_file_failed", "route", f.group.Route, "path", path, "error", err)
		return
	}
	f.listed = list
}

// stampOf tells one content of a file from another one.
func stampOf(path string) string {
	st, err := os.Stat(path)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(st.ModTime().UnixNano(), st.Size())
}

// apply puts the places in force, if they are others than before.
func (f *finder) apply() {
	list := f.places()
	now := fmt.Sprintf("%v", list)
	if now == f.present {
		return
	}
	members, err := f.members(list)
	if err != nil {
		return // the same was found at the start, and is a mistake in the check's path
	}
	old := f.group.Members()
	f.group.Update(members)
	f.p.upstreams.drop(old, members)
	if f.present != "" {
		f.p.log.Info("upstreams_changed", "route", f.group.Route, "upstreams", strings.Join(namesOf(members), ", "))
	}
	f.present = now
}

func namesOf(list []*upstream.Member) []string {
	names := make([]string, len(list))
	for i, m := range list {
		names[i] = m.Name
	}
	return names
}
