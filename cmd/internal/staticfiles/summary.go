package staticfiles

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// linesMost is the limit of Lines; namedMost is how many folders one of them names.
const (
	linesMost = 5
	namedMost = 2
)

// Lines are at most five lines about folders; those with trouble come first. Folders with
// the same URL and the same reason share one line; if that is still too many, folders with
// the same first segment do. rest is how many folders no line covers.
func Lines(list []Folder) (lines []string, rest int) {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Folder) int { return cmp.Compare(min(len(b.Trouble), 1), min(len(a.Trouble), 1)) })
	var groups [][]Folder
	for _, same := range []func(Folder) string{
		func(x Folder) string { return x.URL },
		func(x Folder) string { return beginning(x.URL) },
		func(Folder) string { return "" },
	} {
		if groups = grouped(list, same); len(groups) <= linesMost {
			break
		}
	}
	for i, g := range groups {
		if i == linesMost-1 && len(groups) > linesMost {
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

// grouped puts together the folders of the same place with the same reason, in the order of
// the first of each.
func grouped(list []Folder, place func(Folder) string) (groups [][]Folder) {
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
func merged(g []Folder) string {
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
	if len(urls) > 1 { // each URL has folders of its own, so a list of them says nothing
		return g[0].line(some(urls), "", kindOf(g[0].How)+plural, " are")
	}
	return g[0].line(urls[0], some(dirs), kindOf(g[0].How), " is")
}

// some names the first items of a list, and says how many more there are.
func some(list []string) string {
	if len(list) <= namedMost+1 {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:namedMost], ", "), len(list)-namedMost)
}
