package main

import (
	"fmt"
	"io"

	"github.com/standpipe/standpipe/cmd/internal/admin"
)

// printCache prints what the HTTP cache had for its requests.
func printCache(out io.Writer, list []admin.Cache) {
	for _, c := range list {
		share := "-"
		if all := c.Hits + c.Stale + c.Collapsed + c.Misses + c.Revalidated + c.Passed; all > 0 {
			share = fmt.Sprintf("%.0f %%", 100*float64(c.Hits+c.Stale+c.Collapsed)/float64(all))
		}
		fmt.Fprintf(out, "  cache %s  %s without the app  hits %d  misses %d  stale %d  revalidated %d  collapsed %d  passed %d  answers %d (%s)", printable(c.App), share, c.Hits, c.Misses, c.Stale, c.Revalidated, c.Collapsed, c.Passed, c.Entries, kibi(c.Bytes))
		if c.Evicted > 0 {
			fmt.Fprintf(out, "  evicted %d", c.Evicted)
		}
		fmt.Fprintln(out)
	}
}

func printCacheFiles(out io.Writer, f *admin.CacheFiles) {
	if f == nil {
		return
	}
	fmt.Fprintf(out, "  cache files  %s  %d (%s of %s)", printable(f.State), f.Files, kibi(f.Bytes), kibi(f.Limit))
	for _, n := range []struct {
		what  string
		count int64
	}{{"evicted", f.Evicted}, {"damaged", f.Damaged}, {"not written", f.Dropped}} {
		if n.count > 0 {
			fmt.Fprintf(out, "  %s %d", n.what, n.count)
		}
	}
	fmt.Fprintln(out)
}

// printCacheRedis prints the Redis of the HTTP cache; nil: there is none.
func printCacheRedis(out io.Writer, c *admin.CacheRedis) {
	if c == nil {
		return
	}
	fmt.Fprintf(out, "  cache in redis %s", printable(c.Address))
	if c.Away {
		fmt.Fprint(out, "  away")
	}
	fmt.Fprintf(out, "  found %d of %d  stored %d", c.Found, c.Loads, c.Stored)
	if c.Large > 0 {
		fmt.Fprintf(out, "  too large %d", c.Large)
	}
	if c.Damaged > 0 {
		fmt.Fprintf(out, "  damaged %d", c.Damaged)
	}
	fmt.Fprintln(out)
}
