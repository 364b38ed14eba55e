package nginx

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// elsewhere makes the route of a rewrite whose path another location answers: it has that location's handler. to is the template of the path,
// with its query; keep is what of the request's query follows.
func elsewhere(t *translation, s *scope, d directive, m match, to, keep string, hosts []string) error {
	server := s
	for server.around != nil && !isServer(server) {
		server = server.around
	}
	path, query, asks := strings.Cut(to, "?")
	l, err := answering(server, path)
	if err != nil {
		return err
	}
	inner := &scope{list: l.block, around: server}
	pass, ok := passOf(inner)
	if _, more := inner.own("rewrite"); !ok || more {
		return fmt.Errorf("it leads to location %s, which is not passed to another server: write the route that answers", strings.Join(l.args, " "))
	}
	made := t.route(inner, pass, match{"~", d.arg(0)}, hosts)
	if made == nil {
		return nil // it is told
	}
	if dest, err := t.targetOf(pass); err == nil && dest.uri != "" && pass.name == "proxy_pass" {
		path = dest.uri + strings.TrimPrefix(path, matchOf(l).uri)
	}
	for _, key := range []string{"strip_prefix", "replace_prefix"} {
		made.table.Unset(key)
	}
	if asks {
		path += "?" + query
	}
	if keep == "?{query}" {
		keep = "" // it stays by itself
	}
	made.table.Set(d.at, "rewrite", path+keep)
	if pass.name == "fastcgi_pass" {
		dir, _, at := scriptsDir(inner, "/")
		if dir == "" || strings.Contains(dir, "$") {
			t.d.Missing(d.at, d.String(), "the folder of the scripts is not known; write root = \"...\" into the route")
		} else {
			made.table.Set(at, "root", t.paths.File(dir))
			setIndex(inner, made.table)
			setParams(t, inner, made.table)
		}
	}
	if m.uri == "" {
		made.first = true
		return nil
	}
	made.match, made.path, made.before = m, m.path(), true
	made.table.Set(draft.Place{}, "path", m.path())
	return nil
}

func isServer(s *scope) bool {
	for _, d := range s.list {
		if d.name == "listen" || d.name == "server_name" {
			return true
		}
	}
	return false
}

// answering is the location of a server that answers a path, which may have {1} in it.
func answering(server *scope, path string) (found directive, err error) {
	fixed, _, open := strings.Cut(path, "{")
	sample := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "x")
	var patterns []directive
	for _, l := range server.list {
		m := matchOf(l)
		switch {
		case l.name != "location" || strings.HasPrefix(m.uri, "@"):
		case m.isRegex():
			patterns = append(patterns, l)
		case m.how == "=":
			if m.uri == path {
				return l, nil
			}
		case strings.HasPrefix(fixed, m.uri):
			if found.name == "" || len(m.uri) > len(matchOf(found).uri) {
				found = l
			}
		case open && strings.HasPrefix(m.uri, fixed):
			return found, fmt.Errorf("several locations may answer it: write the routes that answer")
		}
	}
	if found.name == "" {
		return found, fmt.Errorf("no location answers it: write the route that answers")
	}
	if matchOf(found).how == "^~" {
		return found, nil
	}
	for _, l := range patterns {
		text, err := matchOf(l).regex()
		if err != nil {
			return found, err
		}
		re := regexp.MustCompile("(?s:" + text + ")")
		switch {
		case !open && re.MatchString(path):
			return l, nil
		case !open || !mayMatch(text, fixed) && !re.MatchString(sample):
		default:
			return found, fmt.Errorf("several locations may answer it: write the routes that answer")
		}
	}
	return found, nil
}

// mayMatch reports whether an expression can be found in a path that begins so.
func mayMatch(re, begin string) bool {
	rest, bound := strings.CutPrefix(re, "^")
	if !bound {
		return true
	}
	literal, _ := regexp.MustCompile(rest).LiteralPrefix()
	return strings.HasPrefix(literal, begin) || strings.HasPrefix(begin, literal)
}
