package disk

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/cache"
)

// The answers that the purges of TestPurge are about.
func stored() (list []*cache.Answer) {
	long := "/" + strings.Repeat("long/", 40)
	for i, a := range []struct {
		app, url string
		groups   []string
	}{
		{"shop", "https://a.example/", nil},
		{"shop", "https://a.example/x", []string{"all", "x"}},
		{"shop", "https://a.example/x?q=1", []string{"all"}},
		{"blog", "https://b.example/x", []string{"x"}},
		{"blog", "https://a.example" + long, nil},
		{"shop", "https://a.example" + long + "end", manyGroups("end")},
		{"shop", "http://a.example/x", manyGroups("x")},
		{"shop", "https://a.example.org/x", []string{"all"}},
		{"blog", "https://" + strings.Repeat("h", 100) + ".example/x", []string{"all"}},
	} {
		b := answerOf(i, 1, 100+i*blockLen/2)
		b.App, b.URL, b.Groups = a.app, a.url, a.groups
		list = append(list, b)
	}
	return list
}

func manyGroups(last string) (list []string) {
	for i := range 40 {
		list = append(list, fmt.Sprint("group ", i))
	}
	return append(list, last)
}

// A purge takes what it names and nothing else: as Purge.Matches says. It does so for files that are known, for files that have not
// been read, and while the folder is not there.
func TestPurge(t *testing.T) {
	t.Parallel()
	long := "/" + strings.Repeat("long/", 40)
	for i, p := range []cache.Purge{
		{All: true}, {All: true, Apps: []string{"blog"}},
		{URL: "https://a.example/x"}, {URL: "/x"}, {URL: "https://a.example" + long}, {URL: long + "end"}, {URL: "/x", Apps: []string{"shop", "none"}}, {URL: "nothing"},
		{Prefix: "https://a.example/"}, {Prefix: "https://a.example/x"}, {Prefix: "/"}, {Prefix: "/x"}, {Prefix: long + "e"}, {Prefix: "https://a.example" + long}, {Prefix: "https"},
		{Group: "all"}, {Group: "x"}, {Group: "x", Origin: "https://b.example"}, {Group: "all", Origin: "https://a.example"}, {Group: "end", Origin: "https://a.example"}, {Group: "none"},
		{Group: "all", Apps: []string{"blog"}}, {Group: "group 39"},
	} {
		for _, way := range []string{"known", "read at the start", "asked for at the start", "away"} {
			t.Run(fmt.Sprintf("%d/%s", i, way), func(t *testing.T) {
				t.Parallel()
				p := p
				for _, soft := range []bool{false, true} {
					p.Soft, p.At = soft, time.Time{}
					purgeOnce(t, p, way)
				}
			})
		}
	}
}

func purgeOnce(t *testing.T, p cache.Purge, way string) {
	t.Helper()
	g := newRig(t, Options{})
	list := stored()
	want := map[int]bool{}
	for i, a := range list {
		g.save(a)
		want[i] = p.Matches(a.App, a.URL, a.Groups)
	}
	ctx := context.Background()
	if way == "known" {
		n, err := g.Purge(ctx, p)
		if most := len(list); err != nil || n > most || n != count(want) {
			t.Errorf("%+v, %s: %d were purged, %v", p, way, n, err)
		}
	} else {
		o := g.o
		if way != "away" {
			g.Close()
		}
		b := &rig{t: t, log: g.log, Tier: New(o)}
		if way == "asked for at the start" { // its names are known
			f, err := openFolder(o.Dir)
			if err != nil {
				t.Fatal(err)
			}
			for s := range shards {
				if err := b.keeper.names(f, byte(s)); err != nil {
					t.Fatal(err)
				}
			}
			b.folder.Store(f)
		}
		if _, err := b.Purge(ctx, p); err != nil {
			t.Errorf("%+v, %s: %v", p, way, err)
		}
		if way == "asked for at the start" {
			check(t, b, list, p, way, want)
			b.folder.Load().close()
			b.folder.Store(nil)
			b.known.index = newIndex(b.known.seed)
		}
		b.Start()
		t.Cleanup(func() { b.Close() })
		if way == "away" { // another process has it until now
			g.Close()
		}
		b.until("the folder to be read", func() bool { return b.known.complete.Load() })
		g = b
	}
	check(t, g, list, p, way, want)
	for _, a := range list { // what comes after a purge is not purged
		a.Terms.At = time.Now()
		g.save(a)
	}
	g = g.again()
	check(t, g, list, p, "stored again", nil)
	g.Close()
}

func count(m map[int]bool) (n int) {
	for _, yes := range m {
		if yes {
			n++
		}
	}
	return n
}

// check reports answers that are not as they should be: those of want are purged.
func check(t *testing.T, g *rig, list []*cache.Answer, p cache.Purge, way string, want map[int]bool) {
	t.Helper()
	for i, a := range list {
		found := g.load(i)
		state := "there"
		switch {
		case len(found) == 0:
			state = "gone"
		case !found[0].Terms.SoftPurged.IsZero():
			state = "stale"
		}
		expect := "there"
		if want[i] {
			expect = "gone"
			if p.Soft {
				expect = "stale"
			}
		}
		if state != expect {
			t.Errorf("%+v, %s: %s %v is %s, not %s", p, way, a.URL, a.Groups, state, expect)
		}
	}
}

// Answers that are stored while a purge comes: those that the app was asked for before do not stay.
func TestPurgeWhileStoring(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{})
	at := time.Now().Add(-time.Second)
	if n, err := g.Purge(context.Background(), cache.Purge{URL: urlOf(1), At: at}); n != 0 || err != nil {
		t.Error(n, err)
	}
	for _, c := range []struct {
		began, came time.Duration
		stays       bool
	}{{-2, -1, false}, {-1, 1, false}, {1, 2, true}} {
		a := answerOf(1, 1, 100)
		a.Began, a.Terms.At = at.Add(c.began*time.Millisecond), at.Add(c.came*time.Millisecond)
		g.save(a)
		if got := len(g.load(1)) > 0; got != c.stays {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// What was stored while the clock was ahead is purged when it has been set back, also after a restart.
func TestPurgeAfterClockWasSetBack(t *testing.T) {
	t.Parallel()
	for _, restart := range []bool{false, true} {
		g := newRig(t, Options{})
		a := answerOf(1, 1, 100)
		a.Terms.At = time.Now().Add(time.Hour)
		g.save(a)
		if restart {
			g = g.again()
		}
		if list := g.load(1); len(list) != 1 {
			t.Fatalf("restart %v: %d answers", restart, len(list))
		}
		if n, err := g.Purge(context.Background(), cache.Purge{URL: urlOf(1)}); n != 1 || err != nil || len(g.load(1)) > 0 {
			t.Errorf("restart %v: %d, %v", restart, n, err)
		}
	}
}

// Purges that are too many to be remembered one by one take everything, as long as files are not known.
func TestPurgesAreBounded(t *testing.T) {
	t.Parallel()
	var l purges
	at := time.Now()
	for i := range 3 * mostPurges {
		l.add(cache.Purge{URL: fmt.Sprint(i), At: at.Add(time.Duration(i))}, true)
	}
	old := answerOf(1, 1, 1)
	old.Terms.At = at.Add(-1)
	if p := l.fate(old); len(l.list) > mostPurges || p == nil || !p.All || p.Soft {
		t.Errorf("%d purges, %+v", len(l.list), p)
	}
	l = purges{}
	for i := range 3 * mostPurges {
		l.add(cache.Purge{URL: fmt.Sprint(i), At: at.Add(time.Duration(i) * time.Second)}, false)
	}
	if len(l.list) > 601 || slices.ContainsFunc(l.list, func(p cache.Purge) bool { return p.All }) {
		t.Errorf("%d purges", len(l.list))
	}
}

// A purge that cannot remove its files says so.
func TestPurgeFails(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{})
	g.save(answerOf(1, 1, 100))
	path := g.path(1)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, path+"/x", nil)
	if _, err := g.Purge(context.Background(), cache.Purge{All: true}); err == nil {
		t.Error("no error")
	}
}
