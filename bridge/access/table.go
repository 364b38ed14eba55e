package access

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/netset"
)

// Table is what requests need in one place.
type Table struct {
	// Name is the place, for records and counts: "/admin".
	Name string
	// Match reports whether a request is for the place; nil: every request is.
	Match func(*http.Request) bool
	// Addresses are the rules by address; nil: every client may come.
	Addresses *Addresses
	// Basic asks for a password; nil: none is needed.
	Basic *Basic
	// Forward asks a service; nil: none is asked.
	Forward *Forward
	// Any: one of the three is enough. Otherwise each of them is needed.
	Any bool
}

// pass returns why a request of a client may not pass; nil: it may. Addresses come first, because they cost least.
func (t *Table) pass(rec *httpx.Writer, r *http.Request, client netip.Addr) *refusal {
	if t.Forward != nil {
		t.Forward.strip(r)
	}
	var refused *refusal
	if t.Addresses != nil {
		v := t.Addresses.Judge(client)
		if v.Denied {
			refused = forbidden(v)
		}
		if v.Denied != t.Any {
			return refused
		}
	}
	if t.Basic != nil {
		x := t.Basic.pass(rec, r, client)
		if (x != nil) != t.Any {
			return x
		}
		refused = x
	}
	if t.Forward != nil {
		return t.Forward.pass(rec, r, client)
	}
	return refused
}

// Verdict is what a table says of an address.
type Verdict struct {
	Denied bool
	Rule   string // the rule, for people: "deny 10.0.0.0/8", "deny_files /etc/blocked.txt"; empty: none
	Kind   string // the rule, for counts: "deny"
	listed bool   // a network of a list denies it, not what holds for all others
}

// Addresses are the lists of one table. The most specific network counts; of equal ones deny does.
type Addresses struct {
	set   *netset.Set
	rules []Verdict // by Value - 1
	lists []list
	db    *File[Countries]   // nil: countries do not count
	of    map[string]Verdict // by country
	local Verdict            // for clients on unix sockets
	rest  Verdict            // for what is in no list
}

// list is a file of networks.
type list struct {
	file    *File[netset.Set]
	verdict Verdict
}

// Lists are the settings of Addresses: networks as netset.Parse reads them, "all", or "unix", which is clients on unix
// sockets; paths of files.
type Lists struct {
	Allow, Deny           []string
	AllowFiles, DenyFiles []string
	// Countries, as ISO 3166-1 has them, or UnknownCountry; Database is the path of a database in MaxMind's format.
	AllowCountries, DenyCountries []string
	Database                      string
}

func (l *Lists) empty() bool {
	return len(l.Deny)+len(l.DenyFiles)+len(l.DenyCountries) == 0 && !l.allows()
}

func (l *Lists) allows() bool { return len(l.Allow)+len(l.AllowFiles)+len(l.AllowCountries) > 0 }

const (
	deny, allow = "deny", "allow"
	// notAllowed: there is a list of allowed clients, and the client is not in it.
	notAllowed = "not in allow"
)

// NewAddresses reads lists; nil: there are none.
func NewAddresses(l Lists, files *Opening) (*Addresses, error) {
	if l.empty() {
		return nil, nil
	}
	a := &Addresses{of: map[string]Verdict{}}
	if l.allows() {
		a.rest = Verdict{Denied: true, Rule: notAllowed, Kind: notAllowed}
	}
	a.local = a.rest
	var b netset.Builder
	for i, items := range [][]string{l.Deny, l.Allow} { // of equal networks the smaller value counts
		for _, item := range items {
			if err := a.add(&b, item, i == 0); err != nil {
				return nil, err
			}
		}
	}
	a.set = b.Build()
	for i, paths := range [][]string{l.DenyFiles, l.AllowFiles} {
		kind := []string{deny, allow}[i] + "_files "
		for _, path := range paths {
			f, err := opened(files, "list", path, readSet)
			if err != nil {
				return nil, err
			}
			a.lists = append(a.lists, list{f, Verdict{Denied: i == 0, Rule: kind + path, Kind: kind + path, listed: true}})
		}
	}
	if len(l.AllowCountries)+len(l.DenyCountries) == 0 {
		return a, nil
	}
	for i, codes := range [][]string{l.AllowCountries, l.DenyCountries} {
		kind := []string{allow, deny}[i] + "_countries"
		for _, code := range codes {
			a.of[code] = Verdict{Denied: i == 1, Rule: kind + " " + code, Kind: kind}
		}
	}
	var err error
	a.db, err = opened(files, "countries", l.Database, readCountries)
	return a, err
}

func (a *Addresses) add(b *netset.Builder, item string, denies bool) error {
	v := Verdict{Denied: denies, Rule: allow + " " + item, Kind: allow}
	if denies {
		v.Rule, v.Kind = deny+" "+item, deny
	}
	if item == "unix" || item == "all" && a.local.Rule != deny+" unix" && a.local.Rule != allow+" unix" {
		a.local = v
	}
	if item == "unix" {
		return nil
	}
	if len(a.rules) == 1<<16-1 {
		return fmt.Errorf("there are more than %d networks; put them into a file (%s_files)", len(a.rules), v.Kind)
	}
	v.listed = item != "all"
	a.rules = append(a.rules, v)
	if item == "all" {
		b.AddAll(netset.Value(len(a.rules)))
		return nil
	}
	p, err := netset.Parse(item)
	if err == nil {
		b.Add(p, netset.Value(len(a.rules)))
	}
	return err
}

func readSet(path string, r io.Reader) (*netset.Set, error) {
	var b netset.Builder
	if err := ReadList(path, r, func(p netip.Prefix) { b.Add(p, 1) }); err != nil {
		return nil, err
	}
	return b.Build(), nil
}

// Judge says whether an address may come; an invalid one is a client on a unix socket.
func (a *Addresses) Judge(addr netip.Addr) Verdict {
	if !addr.IsValid() {
		return a.local
	}
	best, found := a.rest, -1
	if m := a.set.Find(addr); m.Value != 0 {
		best, found = a.rules[m.Value-1], int(m.Bits)
	}
	for i := range a.lists {
		m := a.lists[i].file.Load().Find(addr)
		if m.Value == 0 {
			continue
		}
		if bits := int(m.Bits); bits > found || bits == found && a.lists[i].verdict.Denied && !best.Denied {
			best, found = a.lists[i].verdict, bits
		}
	}
	if found > 0 || a.db == nil { // a country is more specific than all addresses
		return best
	}
	if v, ok := a.of[a.db.Load().Of(addr)]; ok {
		return v
	}
	return best
}

// PathUnder reports whether a decoded path is in a place, at a segment's boundary. It reads the path as the most liberal of the
// servers behind does: several slashes are one, and a parameter (;) ends a segment.
func PathUnder(path, place string) bool {
	if place == "" || place == "/" {
		return true
	}
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	if strings.IndexByte(path, ';') >= 0 {
		path = withoutParameters(path)
	}
	rest, ok := strings.CutPrefix(path, place)
	return ok && (rest == "" || rest[0] == '/')
}

func withoutParameters(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i], _, _ = strings.Cut(s, ";")
	}
	return strings.Join(segments, "/")
}
