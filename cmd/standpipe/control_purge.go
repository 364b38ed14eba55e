package main

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/cli"
)

const purgeDescription = `Removes what the HTTP cache has stored, from memory, from files and from Redis, and prints how many entries these were. A URL
is as clients write it, and means all its variants; one that begins with / means every host. --prefix is the beginning of such URLs,
--group a name that the app gave by Cache-Groups, Surrogate-Key or Cache-Tag. Several may be given. With --soft the entries become
stale: they are served once more while a new answer is fetched, and while the app is down, where it allows that.`

func purgeFlags() []*cli.Flag {
	return []*cli.Flag{
		{Name: "prefix", Hint: "URL", Usage: "all URLs that begin so: https://shop.example/products/, or /products/ on every host"},
		{Name: "group", Hint: "NAME", Usage: "all entries of this group"},
		{Name: "all", Usage: "everything", Switch: true},
		{Name: "soft", Usage: "the entries become stale instead", Switch: true},
		{Name: "app", Hint: "NAME", Usage: "only entries of this app"},
		jsonFlag(),
	}
}

// checkPurge checks the arguments: URLs, or none with a flag.
func checkPurge(args []string) error {
	for _, text := range args {
		if strings.HasPrefix(text, "/") || strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://") {
			continue
		}
		if u, err := url.Parse("https://" + text); err == nil && strings.Contains(u.Hostname(), ".") {
			return cli.UsageError("%q has no scheme; write: standpipe purge https://%s, or standpipe purge %s for every host", text, text, u.RequestURI())
		}
		return cli.UsageError("%q is no URL; write: standpipe purge https://shop.example/, or standpipe purge --group %s", text, text)
	}
	return nil
}

// purge removes entries of the HTTP cache.
func purge(s *controller) error {
	p := &admin.Purge{URLs: s.line.Args(), Prefixes: s.line.Strings("prefix"), Groups: s.line.Strings("group"), All: s.line.Bool("all"), Soft: s.line.Bool("soft")}
	if err := checkPurge(p.Prefixes); err != nil {
		return err
	}
	switch n := len(p.URLs) + len(p.Prefixes) + len(p.Groups); {
	case p.All && n > 0:
		return cli.UsageError("--all is everything; it goes with no URL, --prefix or --group")
	case !p.All && n == 0:
		return cli.UsageError("write: standpipe purge URL, standpipe purge --group NAME, standpipe purge --prefix URL, or standpipe purge --all")
	}
	d, err := s.client.Post(s.ctx, "/v1/purge", admin.Order{App: s.line.String("app"), Purge: p})
	if err != nil {
		return err
	}
	removed := 0
	if d.Removed != nil {
		removed = *d.Removed
	}
	if s.line.Bool("json") {
		return writeJSON(s.line.App.Out, purged{removed, p.Soft, !d.NoCache})
	}
	entries := "entries"
	if removed == 1 {
		entries = "entry"
	}
	text := fmt.Sprintf("%d %s removed", removed, entries)
	switch {
	case d.NoCache && p.All && s.line.String("app") == "":
		text += ": no app and no route has cache = \"on\""
	case d.NoCache:
		text += ": the cache is off there"
	case p.Soft:
		text = fmt.Sprintf("%d %s made stale", removed, entries)
	case removed == 0:
		for _, u := range p.URLs {
			if all, ok := strings.CutSuffix(u, "*"); ok {
				text += ": the * is meant as it is; all URLs that begin so are --prefix " + all
				break
			}
		}
	}
	return s.say("%s", text)
}

// purged is the JSON of the command.
type purged struct {
	Removed int  `json:"removed"`
	Soft    bool `json:"soft"`
	Cache   bool `json:"cache"` // it is on
}
