package config

import (
	"os/user"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// account skips where the system has no such user.
func account(t *testing.T, name string) (uid, gid uint32) {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		t.Skipf("SKIP[no-account]: %v", err)
	}
	return number(u.Uid), number(u.Gid)
}

func TestIdentities(t *testing.T) {
	uid, gid := account(t, "daemon")
	p := newProject(t, "app.py")
	p.toml(`
user = "daemon"
[[app]]
name = "same"
module = "app"
[[app]]
name = "too"
module = "app"
mount = "/too"
user = "daemon"
[[app]]
name = "number"
module = "app"
mount = "/number"
user = 23456
group = 34567
groups = ["34569", "34568", "34568"]
[[app]]
name = "alone"
module = "app"
mount = "/alone"
groups = ["none"]
[[app]]
name = "nice"
module = "app"
mount = "/nice"
nice = -3
umask = 0o027
limit_nofile = 5000
`)
	cfg, _ := p.load()
	if id := cfg.Account.Identity; id == nil || id.UID != uid || id.GID != gid || !slices.Contains(id.Groups, gid) || id.Name != "daemon" {
		t.Fatalf("%+v", id)
	}
	by := map[string]*App{}
	for i := range cfg.Apps {
		by[cfg.Apps[i].Name] = &cfg.Apps[i]
	}
	for _, name := range []string{"same", "too", "nice"} {
		if by[name].Confine.Identity != nil {
			t.Errorf("%s: %+v", name, by[name].Confine.Identity)
		}
	}
	want := Identity{Name: "23456", Home: "/", UID: 23456, GID: 34567, Groups: []uint32{34568, 34569}}
	if id := by["number"].Confine.Identity; id == nil || !id.equal(&want) || id.Home != "/" || !by["number"].Confine.NeedsRoot {
		t.Errorf("%+v", id)
	}
	if id := by["alone"].Confine.Identity; id == nil || id.UID != uid || len(id.Groups) != 0 {
		t.Errorf("%+v", id)
	}
	if a := by["nice"]; !a.Confine.NeedsRoot || *a.Confine.Nice != -3 || *a.Confine.Umask != 0o027 || by["same"].Confine.NeedsRoot {
		t.Errorf("%+v", a)
	}
}

// Only root may become somebody else, rise, or be given more; who only looks is warned.
func TestWhatNeedsRoot(t *testing.T) {
	account(t, "daemon")
	for _, c := range []struct {
		flag, value, want string
	}{
		{"user", "daemon", "--user: daemon"},
		{"group", "daemon", "--group:"},
		{"nice", "-1", "nice -1"},
		{"limit-nofile", "2000", "limit_nofile 2000 1000"},
		{"limit-cpu", "1m1ms", "limit_cpu 61 60"},
		{"user", "23456", ""},
		{"nice", "1", ""},
		{"limit-nofile", "1000", ""},
	} {
		p := newProject(t, "app.py")
		p.in.App = "app"
		p.in.Machine.UID, p.in.Machine.GID = 23456, 34567
		p.in.Machine.HardLimits = map[string]int64{"limit_nofile": 1000, "limit_cpu": 60}
		p.flag(c.flag, c.value)
		if c.value == "23456" {
			p.flag("group", "34567")
		}
		cfg, _ := p.load()
		if c.want == "" != (len(cfg.Warnings) == 0) || c.want != "" && !names(cfg.Warnings[0], c.want) {
			t.Errorf("%s %s: warnings %q", c.flag, c.value, cfg.Warnings)
		}
		if cfg.Account.Identity != nil {
			t.Errorf("%s %s: %+v", c.flag, c.value, cfg.Account.Identity)
		}
		p.in.Tolerant = true
		if c.want == "" {
			p.load()
		} else {
			p.wrong(c.want)
		}
	}
}

func TestConfineValues(t *testing.T) {
	for v, want := range map[string]int64{"1.5": 150, "150%": 150, "0": 0, "0.25": 25, "12.4%": 12} {
		if n, err := parseCPUs(v); err != nil || n != want {
			t.Errorf("%q: %d %v", v, n, err)
		}
	}
	for _, v := range []string{"", "%", "-1", "x", "NaN", "Inf", "0.001", "1e9"} {
		if n, err := parseCPUs(v); err == nil {
			t.Errorf("%q was taken as %d", v, n)
		}
	}
}

// Where the kernel would kill all of us together, workers have a fence; one of the
// user's own, and a control group's, stay.
func TestFence(t *testing.T) {
	files := fstest.MapFS{
		"proc/self/cgroup":                         {Data: []byte("0::/pod/c1\n")},
		"sys/fs/cgroup/pod/c1/memory.max":          {Data: []byte("1073741824\n")},
		"sys/fs/cgroup/pod/memory.oom.group":       {Data: []byte("1\n")},
		"sys/fs/cgroup/pod/c1/memory.oom.group":    {Data: []byte("0\n")},
		"sys/fs/cgroup/pod/c1/cgroup.controllers":  {Data: []byte("memory\n")},
		"sys/fs/cgroup/other/c1/memory.oom.group":  {Data: []byte("1\n")},
		"sys/fs/cgroup/pod/c1/more/memory.current": {Data: []byte("1\n")},
	}
	m := measureAt(files, 4)
	if !m.OOMGroup || !m.Limited || m.Memory != 1<<30 {
		t.Fatalf("%+v", m)
	}
	delete(files, "sys/fs/cgroup/pod/memory.oom.group")
	if again := measureAt(files, 4); again.OOMGroup {
		t.Error("another group's setting counts")
	}
	m.OwnRSS = 24 << 20
	p := newProject(t, "app.py")
	p.in.Machine = &m
	p.toml(`
[[app]]
name = "a"
module = "app"
workers = "1..3"
[[app]]
name = "b"
module = "app"
mount = "/b"
workers = 2
hard_rss = "1GiB"
[[app]]
name = "c"
module = "app"
mount = "/c"
workers = 5
memory_max = "100MiB"
`)
	cfg, src := p.load()
	if want := int64((1<<30-24<<20)/10) / 100 * 85; cfg.Apps[0].Life.HardRSS != want || cfg.Apps[1].Life.HardRSS != 1<<30 || cfg.Apps[2].Life.HardRSS != 0 {
		t.Errorf("%d (not %d), %d, %d", cfg.Apps[0].Life.HardRSS, want, cfg.Apps[1].Life.HardRSS, cfg.Apps[2].Life.HardRSS)
	}
	if len(cfg.Warnings) != 1 || !strings.Contains(cfg.Warnings[0], "memory.oom.group") || !strings.Contains(src.Of("app.a.hard_rss").Where, "85 %") {
		t.Errorf("%q", cfg.Warnings)
	}
	m.OOMGroup = false
	if cfg, _ := p.load(); cfg.Apps[0].Life.HardRSS != 0 || len(cfg.Warnings) != 0 {
		t.Errorf("%d %q", cfg.Apps[0].Life.HardRSS, cfg.Warnings)
	}
}
