package compose

import (
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/upstream"
	"github.com/standpipe/standpipe/cmd/internal/config"
)

// An upstream that stays in its route is the same one, with the same transport as long as the settings of that are.
func TestRegistry(t *testing.T) {
	s := newRegistry()
	at := func(name string) config.Upstream {
		return config.Upstream{Scheme: "http", Network: "tcp", Address: name + ":80"}
	}
	to := func(name string, connect time.Duration) upstream.Dialer {
		return upstream.Dialer{Network: "tcp", Address: name + ":80", Timeouts: upstream.Timeouts{Connect: connect}}
	}
	group := func(route string, connect time.Duration, names ...string) *upstream.Group {
		var list []*upstream.Member
		for _, name := range names {
			m := &upstream.Member{}
			d := to(name, connect)
			m.Upstream, m.Transport = s.get(route, at(name), way{Dialer: d}, func() upstream.Transport { return upstream.NewHTTP(d, upstream.HTTPOptions{}) })
			list = append(list, m)
		}
		return upstream.NewGroup(upstream.Options{Members: list})
	}
	first := group("/", 1, "a", "b")
	s.keep([]*upstream.Group{first})
	second, other := group("/", 1, "b", "c"), group("/x", 1, "b")
	if b := second.Members()[0]; b.Upstream != first.Members()[1].Upstream || b.Transport != first.Members()[1].Transport {
		t.Error("b is another one")
	}
	if other.Members()[0].Upstream == second.Members()[0].Upstream {
		t.Error("two routes share an upstream")
	}
	s.keep([]*upstream.Group{second, other})
	third := group("/", 2, "a", "b")
	if third.Members()[0].Upstream == first.Members()[0].Upstream {
		t.Error("a was not forgotten")
	}
	if b := third.Members()[1]; b.Upstream != first.Members()[1].Upstream || b.Transport == first.Members()[1].Transport {
		t.Error("b with another timeout needs another transport, and keeps its state")
	}
	s.keep(nil)
	if len(s.known) != 0 {
		t.Errorf("%v", s.known)
	}
}

func TestRouteNames(t *testing.T) {
	routes := []config.Route{{Path: "/"}, {Path: "/", Hosts: []string{"a.org", "b.org"}}, {Path: "/"}, {Path: "/"}}
	got := routeNames(routes)
	for i, want := range []string{"/", "a.org,b.org/", "/#2", "/#3"} {
		if got[i] != want {
			t.Errorf("%d: %s, want %s", i, got[i], want)
		}
	}
}
