package config

import (
	"cmp"
	"fmt"
	"maps"
	"os/user"
	"slices"
	"strconv"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Identity is what a process runs as.
type Identity struct {
	Name string // of the user; its number when it has no account
	Home string // its home folder; "/" when it has no account

	UID, GID uint32
	Groups   []uint32 // supplementary
}

func (i *Identity) equal(o *Identity) bool {
	return i.UID == o.UID && i.GID == o.GID && slices.Equal(i.Groups, o.Groups)
}

// String is for messages: "www-data (user 33, group 33)".
func (i *Identity) String() string {
	return fmt.Sprintf("%s (user %d, group %d)", i.Name, i.UID, i.GID)
}

// wanted is what was set of one identity, each with its source.
type wanted struct {
	user, group                           string
	groups                                []string
	userSource, groupSource, groupsSource schema.Source
}

func (w *wanted) none() bool { return w.user == "" && w.group == "" && len(w.groups) == 0 }

// accounts finds out what the server and each app's workers run as.
type accounts struct {
	cfg      *Config
	v        *schema.Values
	machine  *Machine
	tolerant bool // see refuse
	warn     func(format string, args ...any)
}

// find sets the identities in the configuration.
func (f *accounts) find() {
	c, top := f.cfg, f.v.Row("", "")
	server := wanted{user: c.Account.User, group: c.Account.Group, userSource: top.Source("user"), groupSource: top.Source("group")}
	now := f.machine.identity()
	base := now
	if !server.none() {
		id := f.resolve(server, now)
		if id == nil {
			return
		}
		if f.mayBecome(id, "standpipe", server) && !sameUser(id, now) {
			c.Account.Identity, base = id, id
		}
	}
	for i := range c.Apps {
		a := &c.Apps[i]
		f.appIdentity(a, server, now, base)
		f.privileges(a)
		if a.Life.Preload && a.Confine.NeedsRoot && c.Account.Identity != nil {
			// Its template's forks would be our children, and neither this process nor the helper could signal them.
			f.v.Row(appRow(a.Name), "").Bad("preload", "app %q: preload does not go with a user or a limit that needs root once standpipe has dropped its privileges; leave out preload, the app's own setting, or --user", a.Name)
		}
	}
}

// appIdentity finds out what an app's workers run as: now is what this process is, base what the server will be.
func (f *accounts) appIdentity(a *App, server wanted, now, base *Identity) {
	row := f.v.Row(appRow(a.Name), "")
	w := wanted{user: a.Confine.User, group: a.Confine.Group, groups: a.Confine.Groups,
		userSource: row.Source("user"), groupSource: row.Source("group"), groupsSource: row.Source("groups")}
	if w.none() {
		return
	}
	if w.user == "" {
		w.user, w.userSource = server.user, server.userSource
		w.group, w.groupSource = cmp.Or(w.group, server.group), cmp.Or(w.groupSource, server.groupSource)
	}
	id := f.resolve(w, now)
	switch {
	case id == nil:
	case !f.mayBecome(id, fmt.Sprintf("app %q", a.Name), w):
	case id.equal(base), base == now && len(a.Confine.Groups) == 0 && sameUser(id, now):
	default:
		a.Confine.Identity = id
	}
}

// sameUser reports that nothing has to change; the supplementary groups are those that this process was started with.
func sameUser(a, b *Identity) bool { return a.UID == b.UID && a.GID == b.GID }

// mayBecome reports whether this process can become id, and adds a problem if not.
func (f *accounts) mayBecome(id *Identity, name string, w wanted) bool {
	m := f.machine
	if m.UID == 0 || sameUser(id, m.identity()) && len(w.groups) == 0 {
		return true
	}
	src := w.userSource
	if !src.Given() {
		src = w.groupSource
	}
	f.refuse(src, "%s cannot run as %s: standpipe was started as user %d, group %d, and only root can change that", name, id, m.UID, m.GID)
	return false
}

// refuse is for what the configuration asks for and this process cannot do: a problem for a command that serves, a warning
// for one that only reads.
func (f *accounts) refuse(src schema.Source, format string, args ...any) {
	if f.tolerant {
		f.v.Problems.Add(src, format, args...)
		return
	}
	place := src.Position()
	if place != "" {
		place += ": "
	}
	f.warn("%s", place+fmt.Sprintf(format, args...))
}

// resolve looks names up. now is what this process runs as. nil: a problem was added.
func (f *accounts) resolve(w wanted, now *Identity) *Identity {
	id := &Identity{Name: now.Name, Home: now.Home, UID: now.UID, GID: now.GID, Groups: now.Groups}
	if w.user != "" {
		if err := id.setUser(w.user, w.group != ""); err != nil {
			f.v.Problems.Add(w.userSource, "%v", err)
			return nil
		}
	}
	if w.group != "" {
		gid, err := lookupGroup(w.group)
		if err != nil {
			f.v.Problems.Add(w.groupSource, "%v", err)
			return nil
		}
		old := id.GID
		id.GID = gid
		// The user's own group is not asked for any more.
		id.Groups = slices.DeleteFunc(slices.Clone(id.Groups), func(g uint32) bool { return g == old && g != gid })
	}
	if len(w.groups) > 0 {
		groups, err := lookupGroups(w.groups)
		if err != nil {
			f.v.Problems.Add(w.groupsSource, "%v", err)
			return nil
		}
		id.Groups = groups
	}
	slices.Sort(id.Groups)
	id.Groups = slices.Compact(id.Groups)
	return id
}

// setUser looks a user up by name or number. A number without an account needs a group: hasGroup says that one is set.
func (i *Identity) setUser(name string, hasGroup bool) error {
	account, err := user.Lookup(name)
	if err != nil && isNumber(name) {
		account, err = user.LookupId(name)
	}
	switch {
	case err == nil:
		i.Name, i.Home, i.UID, i.GID = account.Username, account.HomeDir, number(account.Uid), number(account.Gid)
		i.Groups = databaseGroups(account)
	case !isNumber(name):
		return fmt.Errorf("there is no user %q on this machine", name)
	case !hasGroup:
		return fmt.Errorf("user %s has no account, so its group is not known; set group too", name)
	default:
		i.Name, i.Home, i.UID, i.Groups = name, "/", number(name), nil
	}
	return nil
}

// lookupGroups looks supplementary groups up; the word none stands for none.
func lookupGroups(names []string) ([]uint32, error) {
	if len(names) == 1 && names[0] == "none" {
		return nil, nil
	}
	out := make([]uint32, len(names))
	for i, name := range names {
		gid, err := lookupGroup(name)
		if err != nil {
			return nil, err
		}
		out[i] = gid
	}
	return out, nil
}

func lookupGroup(name string) (uint32, error) {
	if g, err := user.LookupGroup(name); err == nil {
		return number(g.Gid), nil
	}
	if isNumber(name) {
		return number(name), nil
	}
	return 0, fmt.Errorf("there is no group %q on this machine", name)
}

// databaseGroups are the groups of an account, its own included, as initgroups(3) has them.
func databaseGroups(account *user.User) []uint32 {
	list, err := account.GroupIds()
	if err != nil {
		list = []string{account.Gid}
	}
	out := make([]uint32, len(list))
	for i, g := range list {
		out[i] = number(g)
	}
	return out
}

func number(s string) uint32 {
	n, _ := strconv.ParseUint(s, 10, 32)
	return uint32(n)
}

// identity is what this process runs as.
func (m *Machine) identity() *Identity {
	id := &Identity{Name: strconv.Itoa(m.UID), Home: "/", UID: uint32(m.UID), GID: uint32(m.GID), Groups: m.Groups}
	if account, err := user.LookupId(id.Name); err == nil {
		id.Name, id.Home = account.Username, account.HomeDir
	}
	return id
}

// privileges finds what an app's workers need root for besides their user. Without root it is refused.
func (f *accounts) privileges(a *App) {
	m, c := f.machine, &a.Confine
	row := f.v.Row(appRow(a.Name), "")
	c.NeedsRoot = c.Identity != nil
	if c.Nice != nil && *c.Nice < m.Nice {
		c.NeedsRoot = true
		if m.UID != 0 {
			f.refuse(row.Source("nice"), "app %q: nice %d is a higher priority than standpipe's own, %d, and that needs root", a.Name, *c.Nice, m.Nice)
		}
	}
	limits := c.limits()
	for _, key := range slices.Sorted(maps.Keys(limits)) {
		want := limits[key]
		hard, limited := m.HardLimits[key]
		if want == 0 || !limited || want <= hard {
			continue
		}
		c.NeedsRoot = true
		if m.UID != 0 {
			f.refuse(row.Source(key), "app %q: %s is %d, more than standpipe's own limit of %d, and that needs root", a.Name, key, want, hard)
		}
	}
}
