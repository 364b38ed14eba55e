package config

import (
	"cmp"
	"fmt"
	"os/user"
	"slices"
	"strconv"
)

// Identity is whom a process runs as.
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
	user, group       string
	groups            []string
	uSrc, gSrc, gsSrc Source
}

func (w *wanted) none() bool { return w.user == "" && w.group == "" && len(w.groups) == 0 }

// identities finds out whom the server and each app's workers run as. nil: nothing is to be changed.
func (l *loader) identities() {
	c := l.cfg
	server := wanted{user: c.Account.User, group: c.Account.Group, uSrc: l.sources.Of("user"), gSrc: l.sources.Of("group")}
	now := l.in.Machine.identity()
	base := now
	if !server.none() {
		id := l.resolve(server, now)
		if id == nil {
			return
		}
		if l.may(id, "standpipe", server) && !sameUser(id, now) {
			c.Account.Identity, base = id, id
		}
	}
	for i := range c.Apps {
		a := &c.Apps[i]
		of := func(key string) Source { return l.sources.Of(appPath(a.Name, key)) }
		own := wanted{user: a.Confine.User, group: a.Confine.Group, groups: a.Confine.Groups, uSrc: of("user"), gSrc: of("group"), gsSrc: of("groups")}
		if own.none() {
			continue
		}
		if own.user == "" {
			own.user, own.uSrc = c.Account.User, server.uSrc
			own.group, own.gSrc = cmp.Or(own.group, c.Account.Group), cmp.Or(own.gSrc, server.gSrc)
		}
		id := l.resolve(own, now)
		switch {
		case id == nil:
		case !l.may(id, fmt.Sprintf("app %q", a.Name), own):
		case id.equal(base), base == now && len(a.Confine.Groups) == 0 && sameUser(id, now):
		default:
			a.Confine.Identity = id
		}
	}
	for i := range c.Apps {
		a := &c.Apps[i]
		l.privileges(a)
		if a.Life.Preload && a.Confine.NeedsRoot && c.Account.Identity != nil {
			// Its template's forks would be ours, and neither we nor the helper could signal them.
			l.bad.add(l.sources.Of(appPath(a.Name, "preload")), "app %q: preload does not go with a user or a limit that needs root once standpipe has given root up; leave out preload, the app's own setting, or --user", a.Name)
		}
	}
}

// sameUser: there is nothing to change; the supplementary groups are what whoever started us wanted.
func sameUser(a, b *Identity) bool { return a.UID == b.UID && a.GID == b.GID }

// may says whether this process can become id, and tells of it if not.
func (l *loader) may(id *Identity, who string, w wanted) bool {
	m := l.in.Machine
	if m.UID == 0 || sameUser(id, m.identity()) && len(w.groups) == 0 {
		return true
	}
	src := w.uSrc
	if !src.Given() {
		src = w.gSrc
	}
	l.refuse(src, "%s cannot run as %s: standpipe was started as user %d, group %d, and only root can change that", who, id, m.UID, m.GID)
	return false
}

// refuse is for what the configuration asks for and this process cannot do: a problem for the one who serves, a warning
// for the one who looks.
func (l *loader) refuse(src Source, format string, args ...any) {
	if l.in.Tolerant {
		l.bad.add(src, format, args...)
		return
	}
	place := src.place()
	if place != "" {
		place += ": "
	}
	l.warn("%s", place+fmt.Sprintf(format, args...))
}

// resolve looks names up. now is whom we are. nil: a problem was told.
func (l *loader) resolve(w wanted, now *Identity) *Identity {
	id := &Identity{Name: now.Name, Home: now.Home, UID: now.UID, GID: now.GID, Groups: now.Groups}
	if w.user != "" {
		account, err := user.Lookup(w.user)
		if err != nil && isNumber(w.user) {
			account, err = user.LookupId(w.user)
		}
		switch {
		case err == nil:
			id.Name, id.Home, id.UID, id.GID = account.Username, account.HomeDir, number(account.Uid), number(account.Gid)
			id.Groups = databaseGroups(account)
		case !isNumber(w.user):
			l.bad.add(w.uSrc, "there is no user %q on this machine", w.user)
			return nil
		case w.group == "":
			l.bad.add(w.uSrc, "user %s has no account, so its group is not known; set group too", w.user)
			return nil
		default:
			id.Name, id.Home, id.UID, id.Groups = w.user, "/", number(w.user), nil
		}
	}
	if w.group != "" {
		gid, err := lookupGroup(w.group)
		if err != nil {
			l.bad.add(w.gSrc, "%v", err)
			return nil
		}
		old := id.GID
		id.GID = gid
		// The user's own group goes with the account: it was not asked for.
		id.Groups = slices.DeleteFunc(slices.Clone(id.Groups), func(g uint32) bool { return g == old && g != gid })
	}
	if len(w.groups) > 0 {
		id.Groups = nil
		for _, name := range w.groups {
			if name == "none" && len(w.groups) == 1 {
				break
			}
			gid, err := lookupGroup(name)
			if err != nil {
				l.bad.add(w.gsSrc, "%v", err)
				return nil
			}
			id.Groups = append(id.Groups, gid)
		}
	}
	slices.Sort(id.Groups)
	id.Groups = slices.Compact(id.Groups)
	return id
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

// identity is whom this process runs as.
func (m *Machine) identity() *Identity {
	id := &Identity{Name: strconv.Itoa(m.UID), Home: "/", UID: uint32(m.UID), GID: uint32(m.GID), Groups: m.Groups}
	if account, err := user.LookupId(id.Name); err == nil {
		id.Name, id.Home = account.Username, account.HomeDir
	}
	return id
}

// privileges finds what an app's workers need root for besides their user, and refuses it to everybody else.
func (l *loader) privileges(a *App) {
	m := l.in.Machine
	of := func(key string) Source { return l.sources.Of(appPath(a.Name, key)) }
	a.Confine.NeedsRoot = a.Confine.Identity != nil
	if a.Confine.Nice != nil && *a.Confine.Nice < m.Nice {
		a.Confine.NeedsRoot = true
		if m.UID != 0 {
			l.refuse(of("nice"), "app %q: nice %d is before standpipe's own, %d, and that needs root", a.Name, *a.Confine.Nice, m.Nice)
		}
	}
	for _, r := range []struct {
		key  string
		want int64
	}{{"limit_as", a.Confine.LimitAS}, {"limit_nofile", int64(a.Confine.LimitNofile)}, {"limit_nproc", int64(a.Confine.LimitNproc)}, {"limit_cpu", seconds(a.Confine.LimitCPU)}} {
		hard, limited := m.HardLimits[r.key]
		if r.want == 0 || !limited || r.want <= hard {
			continue
		}
		a.Confine.NeedsRoot = true
		if m.UID != 0 {
			l.refuse(of(r.key), "app %q: %s is %d, more than standpipe's own limit of %d, and that needs root", a.Name, r.key, r.want, hard)
		}
	}
}

// fence arms hard_rss where the kernel, short of memory, would kill standpipe together with the worker that grew:
// memory.oom.group is set for us or above us, as Kubernetes does it.
func (l *loader) fence() {
	m, workers, unfenced := l.in.Machine, 0, 0
	if !m.OOMGroup || !m.Limited {
		return
	}
	free := func(a *App) bool {
		return a.Confine.MemoryMax == 0 && !l.sources.Of(appPath(a.Name, "hard_rss")).Given()
	}
	for i := range l.cfg.Apps {
		workers += l.cfg.Apps[i].Workers.Max
		if free(&l.cfg.Apps[i]) {
			unfenced++
		}
	}
	share := (m.Memory - m.OwnRSS) / int64(max(workers, 1)) / 100 * 85
	if unfenced == 0 || share <= 0 {
		return
	}
	for i := range l.cfg.Apps {
		if a := &l.cfg.Apps[i]; free(a) && (a.Life.MaxRSS == 0 || a.Life.MaxRSS <= share) {
			a.Life.HardRSS = share
			l.sources.put(appPath(a.Name, "hard_rss"), Source{FromDerived, "memory.oom.group: 85 % of (limit - standpipe) / workers"})
		}
	}
	l.warn("memory.oom.group is set for this control group: short of memory, the kernel would kill standpipe and all workers at once; a worker above %s is killed before that (hard_rss; memory_max is better where control groups are delegated)", roughSize(share))
}
