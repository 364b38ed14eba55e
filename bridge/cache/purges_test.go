package cache

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestNormalURL(t *testing.T) {
	for text, want := range map[string]string{
		"https://Shop.Example:443/a?b":  "https://shop.example/a?b",
		"http://shop.example:80":        "http://shop.example/",
		"https://shop.example:80/":      "https://shop.example:80/",
		"http://shop.example:8000?":     "http://shop.example:8000/?",
		"https://shop.example/a/../b#c": "https://shop.example/b",
		"https://shop.example/%7Ea%2Fb": "https://shop.example/~a%2Fb",
		"https://shop.example/café x":   "https://shop.example/caf%C3%A9%20x",
		"https://[2001:DB8::1]:8443/":   "https://[2001:db8::1]:8443/",
		"/a/?q=é y":                     "/a/?q=%C3%A9%20y",
		"/caf%c3%a9?q=%2f|\"":           "/caf%C3%A9?q=%2F%7C%22",
		"/":                             "/",
	} {
		if got, err := NormalURL(text); got != want || err != nil {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "shop.example", "shop.example/a", "ftp://shop.example/", "https:///a", "https:a", "//shop.example/a",
		"https://user@shop.example/", "/a%2", "/a\x00", "/..%2fa", "mailto:a@b"} {
		if got, err := NormalURL(text); !errors.Is(err, ErrPurgeText) {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
}

func TestPurgesAreNamedOneByOne(t *testing.T) {
	now := time.Unix(1, 0)
	p := Purges{URLs: []string{"/a"}, Prefixes: []string{"https://B/"}, Groups: []string{"g", "h"}, Origins: []string{"http://c", "https://c"}, Soft: true, Apps: []string{"shop"}}
	list, err := p.Each(now)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, one := range list {
		if !one.Soft || !one.At.Equal(now) || fmt.Sprint(one.Apps) != "[shop]" || one.Check() != nil {
			t.Errorf("%+v", one)
		}
		got = append(got, one.URL+one.Prefix+one.Group+one.Origin)
	}
	if fmt.Sprint(got) != "[/a https://b/ ghttp://c ghttps://c hhttp://c hhttps://c]" {
		t.Error(got)
	}
	if list, err := (&Purges{All: true}).Each(now); err != nil || len(list) != 1 || !list[0].All {
		t.Error(list, err)
	}
	if list, err := (&Purges{Groups: []string{"g"}, URLs: []string{"a"}}).Each(now); !errors.Is(err, ErrPurgeText) || list != nil {
		t.Error(list, err)
	}
}

func FuzzNormalURL(f *testing.F) {
	for _, text := range []string{"https://Shop.Example:443/a?b#c", "/a/../b%2fc", "/é?ü", "http://[::1]:80/", "//a", "/0/..//", "%"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once, err := NormalURL(text)
		if err != nil {
			return
		}
		if twice, err := NormalURL(once); err != nil || twice != once {
			t.Errorf("%q is %q, and that %q, %v", text, once, twice, err)
		}
	})
}

// Several things at a time are removed in one pass, each entry once.
func TestPurgeEach(t *testing.T) {
	c := New(Options{Memory: 1 << 20, MaxObject: 1 << 10})
	t.Cleanup(c.Close)
	was := time.Now().Add(-time.Minute)
	fill := func() {
		for _, a := range []Answer{
			{URL: "https://a/1", App: "shop", Groups: []string{"g", "h"}}, {URL: "https://a/2", App: "shop", Groups: []string{"h"}},
			{URL: "https://b/1", App: "blog", Groups: []string{"g"}}, {URL: "https://b/new", App: "blog"},
		} {
			a.Key, a.Body, a.Terms.At, a.Terms.Lifetime = urlKey(a.App, a.URL), BytesBody(nil), was, time.Hour
			if a.URL == "https://b/new" {
				a.Terms.At = was.Add(30 * time.Second)
			}
			c.mem.put(&a, func() bool { return true })
		}
	}
	left := func() (urls []string) {
		for _, s := range c.mem.sets.All() {
			if a := s.list[0]; a.Terms.SoftPurged.IsZero() {
				urls = append(urls, a.URL)
			}
		}
		slices.Sort(urls)
		return urls
	}
	for name, want := range map[string]struct {
		p       Purges
		removed int
		left    string
	}{
		"groups":             {Purges{Groups: []string{"g", "h", "none"}}, 3, "[https://b/new]"},
		"groups of an app":   {Purges{Groups: []string{"g", "h"}, Apps: []string{"blog"}}, 1, "[https://a/1 https://a/2 https://b/new]"},
		"groups of a host":   {Purges{Groups: []string{"g"}, Origins: []string{"https://a"}}, 1, "[https://a/2 https://b/1 https://b/new]"},
		"a URL and a group":  {Purges{URLs: []string{"https://a/2", "https://none/"}, Groups: []string{"g"}}, 3, "[https://b/new]"},
		"a path":             {Purges{URLs: []string{"/1"}}, 2, "[https://a/2 https://b/new]"},
		"prefixes":           {Purges{Prefixes: []string{"https://a/", "/2"}}, 2, "[https://b/1 https://b/new]"},
		"all but newer ones": {Purges{All: true}, 3, "[https://b/new]"},
		"softly":             {Purges{Groups: []string{"h"}, Soft: true}, 2, "[https://b/1 https://b/new]"},
		"nothing":            {Purges{}, 0, "[https://a/1 https://a/2 https://b/1 https://b/new]"},
	} {
		fill()
		list, err := want.p.Each(was.Add(10 * time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if n, err := c.purge(t.Context(), list); n != want.removed || err != nil || fmt.Sprint(left()) != want.left {
			t.Errorf("%s: %d %v, left %v; want %d, %s", name, n, err, left(), want.removed, want.left)
		}
		c.mem.sets.InvalidateAll()
	}
}

// What came while the clock was ahead is older than a purge that comes when it has been set back.
func TestOlder(t *testing.T) {
	now := time.Now().Round(0) // as of another process
	for after, want := range map[time.Duration]bool{-time.Second: true, 0: true, time.Hour: true} {
		if Older(now.Add(after), now) != want {
			t.Errorf("%v after the purge: %v", after, !want)
		}
	}
	if Older(now.Add(-time.Second), now.Add(-2*time.Second)) {
		t.Error("what came after the purge counts as older")
	}
}
