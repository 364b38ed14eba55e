package compose

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/access"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/maintain"
	"github.com/standpipe/standpipe/bridge/route"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
)

// Access is what outlives reloads of access control: the deny list of this hour, the counts, the files.
type Access struct {
	Denied  *access.Denied
	Records *access.Records
	// Maintenance is what is under maintenance.
	Maintenance *maintain.List
	files       *access.Files
	hashing     *access.Hashing
	log         *logfile.Log

	handing atomic.Bool // another process has a copy of what commands have set

	// lists are what commands have set; see keptLists.
	lists []*keptList
}

// keptDenied is the name of the deny list in what Server.Keep returns.
const keptDenied = "denied"

// keptMaintenance is that of the list of what is under maintenance.
const keptMaintenance = "maintenance"

func newAccess(cfg *config.Config, log *logfile.Log, kept func(string) []byte) *Access {
	a := &Access{Denied: access.NewDenied(), Records: access.NewRecords(log), files: access.NewFiles(log), hashing: access.NewHashing(), log: log}
	a.Maintenance = maintain.NewList(log)
	a.lists = []*keptList{
		{name: keptDenied, list: a.Denied, notWritten: "deny_list_not_written", lost: "deny_list_lost"},
		{name: keptMaintenance, list: a.Maintenance, notWritten: "maintenance_not_written", lost: "maintenance_lost"},
	}
	for _, k := range a.lists {
		k.log = log
		k.load(kept(k.name), cfg.Folders.State)
	}
	if n := a.Denied.Len(); n > 0 {
		log.Info("deny_list_kept", "networks", n)
	}
	return a
}

// Persist writes what commands have set for the next start, as far as it has changed and no other process has it. It reports
// whether all of it outlives a restart.
func (a *Access) Persist() bool { return a.save(0) }

// save is Persist, but for lists that were written less than pause ago.
func (a *Access) save(pause time.Duration) bool {
	all := true
	for _, k := range a.lists {
		all = k.save(!a.HandingOver(), pause) && all
	}
	return all
}

// HandOver says whether another process has a copy of what commands have set, which changes of this one do not reach.
func (a *Access) HandOver(yes bool) { a.handing.Store(yes) }

// HandingOver reports that.
func (a *Access) HandingOver() bool { return a.handing.Load() }

// Look reads files that have changed, and ends what is over in the deny list. It is called about twice a second, by one
// goroutine.
func (a *Access) Look(now time.Time) {
	a.files.Look()
	a.Denied.Sweep(now)
	a.Maintenance.Sweep(now)
	a.save(savePause)
}

// savePause is how long what the server itself has denied waits for its file: an attack may have it deny many clients.
const savePause = 5 * time.Second

// accessRules are the rules of one site.
type accessRules struct {
	opening *access.Opening
	all     access.Options         // of tables for every address
	own     map[int]access.Options // of addresses that have others too, by their index
	trusted func(netip.Addr) bool
	asked   []*access.Forward
}

// close closes the connections to services.
func (r *accessRules) close() {
	for _, f := range r.asked {
		f.Close()
	}
}

// rules makes those of the site. With a trace no password is needed and no service asked.
func (a *Access) rules(t *site, pages *httpx.Pages, tr *trace) (*accessRules, error) {
	trust, err := trustOf(t.cfg)
	if err != nil {
		return nil, err
	}
	r := &accessRules{opening: a.files.Open(), own: map[int]access.Options{}, trusted: trust.Peer}
	r.all = access.Options{Denied: a.Denied, Records: a.Records, Pages: pages}
	tables := make([]*access.Table, len(t.cfg.Access))
	for i := range t.cfg.Access {
		c := &t.cfg.Access[i]
		if tables[i], err = a.table(t.cfg, c, r.opening); err != nil {
			return nil, fmt.Errorf("[[access]] %s: %w", c.Place(), err)
		}
		tr.access(tables[i], c)
		if f := tables[i].Forward; f != nil {
			r.asked = append(r.asked, f)
		}
		if len(c.On) == 0 {
			r.all.Tables = append(r.all.Tables, tables[i])
		}
	}
	for at := range t.listen {
		o := r.all
		o.Tables = nil
		for i, table := range tables {
			if t.cfg.Access[i].At(&t.listen[at]) {
				o.Tables = append(o.Tables, table)
			}
		}
		if len(o.Tables) > len(r.all.Tables) {
			r.own[at] = o
		}
	}
	return r, nil
}

// of are the rules of an address, by its index.
func (r *accessRules) of(at int) access.Options {
	if own, ok := r.own[at]; ok {
		return own
	}
	return r.all
}

// stage is the stage of the tables of an address, by its index; -1: of those for all. nil: there are none.
func (r *accessRules) stage(at int) func(http.Handler) http.Handler {
	o := r.of(at)
	return on(len(o.Tables) > 0, access.New(o))
}

func (a *Access) table(cfg *config.Config, c *config.Access, files *access.Opening) (*access.Table, error) {
	match, err := placeOf(c)
	if err != nil {
		return nil, err
	}
	t := &access.Table{Name: c.Place(), Match: match, Any: c.Satisfy == "any"}
	t.Addresses, err = access.NewAddresses(access.Lists{Allow: c.Allow, Deny: c.Deny, AllowFiles: c.AllowFiles, DenyFiles: c.DenyFiles,
		AllowCountries: c.AllowCountries, DenyCountries: c.DenyCountries, Database: cfg.Geo.File}, files)
	if err == nil && c.Users != "" {
		t.Basic, err = access.NewBasic(access.BasicOptions{File: c.Users, Realm: c.Realm, Pass: c.Pass, Hashing: a.hashing}, files)
	}
	if c.Forward != "" {
		t.Forward = access.NewForward(access.ForwardOptions{URL: c.Forward, Fields: c.ForwardFields, Timeout: c.ForwardTimeout})
	}
	return t, err
}

// placeOf tells which requests a table is for; nil: for all.
func placeOf(c *config.Access) (func(*http.Request) bool, error) {
	if c.Path == "/" && len(c.Hosts) == 0 && len(c.Except) == 0 {
		return nil, nil
	}
	hosts := make([]route.Pattern, len(c.Hosts))
	for i, name := range c.Hosts {
		p, err := route.NewPattern("", name)
		if err != nil {
			return nil, err
		}
		hosts[i] = p
	}
	return func(r *http.Request) bool {
		return access.PathUnder(r.URL.Path, c.Path) &&
			(len(hosts) == 0 || slices.ContainsFunc(hosts, func(p route.Pattern) bool { return p.Match(r) })) &&
			!slices.ContainsFunc(c.Except, func(p string) bool { return access.PathUnder(r.URL.Path, p) })
	}, nil
}

// closes reports connections that are not served at all; see listen.Limits. at is the listener's address.
func (l *Listeners) closes(at net.Addr, client netip.Addr) bool {
	rules := l.sites.current.Load().access
	if rules.trusted(client) {
		return false
	}
	o := rules.of(slices.IndexFunc(l.open, func(ln net.Listener) bool { return at != nil && ln.Addr() == at }))
	return access.Closes(&o, client)
}
