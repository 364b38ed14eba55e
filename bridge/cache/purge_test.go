package cache

import "testing"

func TestPurgeMatches(t *testing.T) {
	const url, app = "https://shop.example/a/b?q=1", "shop"
	groups := []string{"g", "h"}
	for name, c := range map[string]struct {
		p    Purge
		want bool
	}{
		"all":                    {Purge{All: true}, true},
		"all of the app":         {Purge{All: true, Apps: []string{"blog", "shop"}}, true},
		"all of another app":     {Purge{All: true, Apps: []string{"blog"}}, false},
		"the URL":                {Purge{URL: url}, true},
		"the URL, another app":   {Purge{URL: url, Apps: []string{"blog"}}, false},
		"without the query":      {Purge{URL: "https://shop.example/a/b"}, false},
		"another scheme":         {Purge{URL: "http://shop.example/a/b?q=1"}, false},
		"its path":               {Purge{URL: "/a/b?q=1"}, true},
		"another path":           {Purge{URL: "/b?q=1"}, false},
		"a prefix":               {Purge{Prefix: "https://shop.example/a"}, true},
		"the host as a prefix":   {Purge{Prefix: "https://shop.example/"}, true},
		"another prefix":         {Purge{Prefix: "https://shop.example/b"}, false},
		"a path as a prefix":     {Purge{Prefix: "/a/"}, true},
		"another path as prefix": {Purge{Prefix: "/b"}, false},
		"a group":                {Purge{Group: "h"}, true},
		"another group":          {Purge{Group: "i"}, false},
		"a group of its origin":  {Purge{Group: "g", Origin: "https://shop.example"}, true},
		"a group of another one": {Purge{Group: "g", Origin: "https://shop.example:8443"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.p.Matches(app, url, groups); got != c.want {
				t.Error(got)
			}
		})
	}
}
