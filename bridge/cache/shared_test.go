package cache

import (
	"context"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/cache/rules"
)

// What was stamped before trust was lost, while it was, or before it came back, does not hold.
func TestTrust(t *testing.T) {
	t.Parallel()
	var tr trust
	alone := tr.stamp()
	if !tr.holds(alone) {
		t.Error("memory without a shared tier is not trusted")
	}
	tr.set(false)
	away := tr.stamp()
	if tr.holds(alone) || tr.holds(away) {
		t.Error("trusted although changes are not heard")
	}
	tr.set(false)
	tr.set(true)
	if tr.holds(alone) || tr.holds(away) || !tr.holds(tr.stamp()) {
		t.Error("after changes are heard again")
	}
	heard := tr.stamp()
	tr.set(true)
	if tr.holds(heard) || !tr.holds(tr.stamp()) {
		t.Error("a loss and a return in one")
	}
	k, other := Key{7}, Key{8}
	n, m := tr.moment(k), tr.moment(other)
	tr.changed(k)
	if tr.moment(k) == n || tr.moment(other) != m {
		t.Error("changes")
	}
	tr.purged()
	if tr.moment(other) == m {
		t.Error("purges")
	}
}

// slowTier is one whose Load takes until it is told to go on.
type slowTier struct {
	loading, goOn chan struct{}
	answers       []*Answer
}

func (s *slowTier) Name() string { return "slow" }
func (s *slowTier) Load(ctx context.Context, k Key) ([]*Answer, error) {
	select {
	case s.loading <- struct{}{}:
		<-s.goOn
	default:
	}
	return s.answers, nil
}
func (s *slowTier) Save(context.Context, *Answer) error       { return nil }
func (s *slowTier) Remove(context.Context, Key) error         { return nil }
func (s *slowTier) Purge(context.Context, Purge) (int, error) { return 0, nil }
func (s *slowTier) Close() error                              { return nil }
func (s *slowTier) Create() (*os.File, error)                 { return nil, os.ErrInvalid }
func (s *slowTier) Ready() bool                               { return true }

func (s *slowTier) WriteFailed(error) {}

// What was loaded, fetched or validated across a purge, or a change elsewhere, does not stay; who asks after a purge does not join a fetch from before it.
func TestAcrossPurge(t *testing.T) {
	t.Parallel()
	url := "http://h/p"
	k := Key{1}
	old := &Answer{Key: k, App: "shop", URL: url, Status: 200, Terms: rules.Terms{At: time.Now(), Lifetime: time.Hour, Explicit: true}, Body: BytesBody([]byte("old"))}
	for name, change := range map[string]func(c *Cache){
		"purge":  func(c *Cache) { _, _ = c.Purge(t.Context(), Purge{URL: url}) },
		"forget": func(c *Cache) { c.Forget(k) },
		"follow": func(c *Cache) { c.Follow(Purge{Prefix: "/"}) },
		"trust":  func(c *Cache) { c.Trust(false); c.Trust(true) },
	} {
		tier := &slowTier{loading: make(chan struct{}), goOn: make(chan struct{}), answers: []*Answer{old}}
		c := New(Options{Memory: 64 << 20, MaxObject: 1 << 20, Tiers: []Tier{tier}})
		done := make(chan struct{})
		go func() { defer close(done); c.load(t.Context(), k, nil) }()
		<-tier.loading
		change(c)
		close(tier.goOn)
		<-done
		if c.mem.get(k) != nil {
			t.Errorf("%s: what was loaded before stays in memory", name)
		}
		c.load(t.Context(), k, nil)
		if c.mem.get(k) == nil {
			t.Errorf("%s: what is loaded after it does not", name)
		}
		c.Close()
	}

	asked := make(chan chan string)
	g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		say := make(chan string)
		asked <- say
		w.Header().Set("Cache-Control", "max-age=0")
		w.Header().Set("ETag", `"v"`)
		if body := <-say; body == "304" {
			w.WriteHeader(304)
		} else {
			w.Header().Set("Cache-Control", "max-age=600")
			_, _ = io.WriteString(w, body)
		}
	})
	bodies := make(chan string, 2)
	get := func() { bodies <- g.get("/p").body }
	go get()
	first := <-asked
	if _, err := g.cache.Purge(t.Context(), Purge{Prefix: "/"}); err != nil {
		t.Fatal(err)
	}
	go get()
	second := <-asked // it does not wait for the first
	first <- "before"
	if b := <-bodies; b != "before" {
		t.Error(b)
	}
	second <- "after"
	if b := <-bodies; b != "after" {
		t.Error(b)
	}
	if b := g.get("/p").body; b != "after" {
		t.Errorf("%q is stored", b)
	}
	go func() { bodies <- g.get("/p", "Cache-Control: no-cache").body }()
	third := <-asked
	if _, err := g.cache.Purge(t.Context(), Purge{URL: "http://" + g.addr + "/p"}); err != nil {
		t.Fatal(err)
	}
	third <- "304"
	if b := <-bodies; b != "after" {
		t.Error(b)
	}
	go get()
	fourth := <-asked // what was validated across the purge is not stored
	fourth <- "new"
	if b := <-bodies; b != "new" {
		t.Error(b)
	}
}
