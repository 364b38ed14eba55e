package compose

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/bridge/static"
	"github.com/standpipe/standpipe/cmd/internal/config"
)

// Files is a folder that is served without its app, or is not, for people.
type Files struct {
	App      string // empty: the server's
	URL, Dir string // Dir may be empty with Trouble
	How      string // "declared by Flask", "configured"
	Refused  string // why the app is asked for it; empty: it is not
	Insist   bool   // --static force would serve it
	Trouble  string // why nobody can serve it; empty: somebody can
}

// String is one line for people.
func (x Files) String() string { return x.line(x.URL, x.Dir, x.How, " is") }

func (x Files) line(url, dir, how, verb string) string {
	s := how
	switch {
	case url != "" && dir != "":
		s = fmt.Sprintf("%s -> %s (%s)", url, dir, how)
	case url != "":
		s = fmt.Sprintf("%s (%s)", url, how)
	}
	switch {
	case x.Trouble != "":
		s += ": " + x.Trouble
	case x.Refused != "":
		s += verb + " left to the app: " + x.Refused
	}
	if x.Insist {
		s += "; --static force insists"
	}
	return s
}

// Unservable says which of the folders that the configuration names cannot be served by
// the user that the server runs as.
func Unservable(cfg *config.Config) (list []string) {
	add := func(what, url, dir string) {
		if why := unservable(cfg, dir); why != "" {
			list = append(list, fmt.Sprintf("%s %s: no file of %s can be served: %s", what, url, dir, why))
		}
	}
	for i := range cfg.Apps {
		for _, s := range cfg.Apps[i].Files.Static {
			add(fmt.Sprintf("app %q: static", cfg.Apps[i].Name), s.URL, s.Dir)
		}
	}
	for _, s := range cfg.Static {
		add("[[static]]", s.URL, s.Dir)
	}
	return list
}

func unservable(cfg *config.Config, dir string) string {
	id := identity(cfg.Account.Identity)
	if id == nil {
		return static.Unusable(dir, static.Owner{})
	}
	err := unreachable(dir, *id)
	if err == nil && id.UID != 0 {
		if st, serr := os.Stat(dir); serr == nil && !mayRead(st, *id) {
			err = fmt.Errorf("the mode of %s is %04o", dir, st.Mode().Perm())
		}
	}
	if err != nil {
		return fmt.Sprintf("%s may not enter it: %v", cfg.Account.Identity, err)
	}
	return ""
}

// filesMost bounds the lines about files; namedMost the folders that one of them names.
const (
	filesMost = 5
	namedMost = 2
)

// Lines are at most five lines about files, those that tell of trouble first: what has
// the same URL, then the same beginning, and the same reason is one line. rest is what
// no line is about.
func Lines(list []Files) (lines []string, rest int) {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Files) int { return cmp.Compare(min(len(b.Trouble), 1), min(len(a.Trouble), 1)) })
	var groups [][]Files
	for _, same := range []func(Files) string{
		func(x Files) string { return x.URL },
		func(x Files) string { return beginning(x.URL) },
		func(Files) string { return "" },
	} {
		if groups = grouped(list, same); len(groups) <= filesMost {
			break
		}
	}
	for i, g := range groups {
		if i == filesMost-1 && len(groups) > filesMost {
			for _, g := range groups[i:] {
				rest += len(g)
			}
			break
		}
		lines = append(lines, merged(g))
	}
	return lines, rest
}

// beginning is the first segment of a URL.
func beginning(url string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(url, "/"), "/")
	return first
}

// grouped puts together what is about the same place for the same reason, in the order
// of the first of each.
func grouped(list []Files, place func(Files) string) (groups [][]Files) {
	type key struct{ app, place, reason, how string }
	at := map[key]int{}
	for _, x := range list {
		k := key{x.App, place(x), x.Refused + "\x00" + x.Trouble, kindOf(x.How)}
		i, ok := at[k]
		if !ok {
			i = len(groups)
			at[k] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], x)
	}
	return groups
}

// kindOf is what declares a folder, without its own name: "declared by Flask blueprint".
func kindOf(how string) string {
	if i := strings.Index(how, " blueprint "); i >= 0 {
		return how[:i+len(" blueprint")]
	}
	return how
}

// merged is one line for a group.
func merged(g []Files) string {
	if len(g) == 1 {
		return g[0].String()
	}
	var urls, dirs []string
	for _, x := range g {
		if !slices.Contains(urls, x.URL) {
			urls = append(urls, x.URL)
		}
		if x.Dir != "" && !slices.Contains(dirs, x.Dir) {
			dirs = append(dirs, x.Dir)
		}
	}
	plural := ""
	if strings.HasSuffix(kindOf(g[0].How), "blueprint") {
		plural = "s"
	}
	if len(urls) > 1 { // each has folders of its own: they would be of no use
		return g[0].line(some(urls), "", kindOf(g[0].How)+plural, " are")
	}
	return g[0].line(urls[0], some(dirs), kindOf(g[0].How), " is")
}

// some names the first of a list, and says how many more there are.
func some(list []string) string {
	if len(list) <= namedMost+1 {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:namedMost], ", "), len(list)-namedMost)
}
