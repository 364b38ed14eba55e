package cache

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Purges is what one order names: several things at a time.
type Purges struct {
	// URLs and Prefixes are absolute, or begin with "/" and mean every scheme and host.
	URLs, Prefixes []string
	// Groups are cache groups, of the Origins; without one, of any origin.
	Groups, Origins []string
	// All means everything.
	All bool
	// Soft: the Answers become stale.
	Soft bool
	// Apps are those whose Answers are meant; empty: all.
	Apps []string
	// IgnoreQuery are parameters that URLs are stored without, as StageOptions has them.
	IgnoreQuery []string
}

// ErrPurgeText: a URL or a prefix of a Purges is none. Nothing is removed then.
var ErrPurgeText = errors.New("not a URL")

// ErrOff: there is no cache for what a Purges names.
var ErrOff = errors.New("the cache is off")

// Each returns what p names, one by one. Errors are ErrPurgeText.
func (p *Purges) Each(now time.Time) ([]Purge, error) {
	common := Purge{Soft: p.Soft, Apps: p.Apps, At: now}
	var list []Purge
	add := func(change func(*Purge)) {
		one := common
		change(&one)
		list = append(list, one)
	}
	for _, text := range p.URLs {
		u, err := NormalURL(text)
		if err != nil {
			return nil, err
		}
		u = withoutIgnored(u, p.IgnoreQuery)
		add(func(one *Purge) { one.URL = u })
	}
	for _, text := range p.Prefixes {
		u, err := NormalURL(text)
		if err != nil {
			return nil, err
		}
		add(func(one *Purge) { one.Prefix = u })
	}
	for _, name := range p.Groups {
		for _, origin := range p.Origins {
			add(func(one *Purge) { one.Group, one.Origin = name, origin })
		}
		if len(p.Origins) == 0 {
			add(func(one *Purge) { one.Group = name })
		}
	}
	if p.All {
		add(func(one *Purge) { one.All = true })
	}
	return list, nil
}

// PurgeEach removes all that p names, and returns how many Answers these were. Errors are ErrPurgeText, and those of the tiers.
func (c *Cache) PurgeEach(ctx context.Context, p Purges) (removed int, err error) {
	list, err := p.Each(time.Now())
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return c.purge(ctx, list)
}

// NormalURL is an absolute URL, or one that begins with "/", as keys have it: host in lower case, no port that the scheme has
// anyway, no dot segments, no fragment, everything encoded. Errors are ErrPurgeText.
func NormalURL(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: %q", ErrPurgeText, text)
	case u.User != nil, u.Opaque != "", strings.HasPrefix(text, "//"), u.Scheme == "" && !strings.HasPrefix(text, "/"),
		u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https", u.Scheme != "" && u.Host == "":
		return "", fmt.Errorf("%w: %q; it begins with https://, http:// or /", ErrPurgeText, text)
	}
	if u.Path == "" {
		u.Path = "/"
	}
	if !httpx.CleanPath(u) {
		return "", fmt.Errorf("%w: %q hides a segment \"..\"", ErrPurgeText, text)
	}
	if u.Scheme == "" && strings.HasPrefix(u.Path, "//") { // of /a/..//b: it would name a host
		return "", fmt.Errorf("%w: %q begins with two slashes without its segments \"..\"; write the whole URL", ErrPurgeText, text)
	}
	var b []byte
	if u.Scheme != "" {
		b = append(b, originOfHost(u.Scheme, u.Host)...)
	}
	b, _ = appendSpelled(b, httpx.RawPath(u))
	if u.RawQuery != "" || u.ForceQuery {
		b, _ = appendSpelled(append(b, '?'), u.RawQuery)
	}
	return string(b), nil
}

// withoutIgnored is a URL without the parameters that are ignored: it is stored without them.
func withoutIgnored(u string, ignore ignored) string {
	at, query, _ := strings.Cut(u, "?")
	kept, changed := ignore.filter(query)
	switch {
	case !changed:
		return u
	case kept == "":
		return at
	}
	return at + "?" + kept
}

// originOfHost is scheme://host as keys have it.
func originOfHost(scheme, host string) string {
	port := ":80"
	if scheme == "https" {
		port = ":443"
	}
	return scheme + "://" + strings.ToLower(strings.TrimSuffix(host, port))
}
