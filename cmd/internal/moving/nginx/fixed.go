package nginx

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/bridge/target"
	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// match is which paths a location is for.
type match struct {
	how string // "", "^~", "=", "~" or "~*"
	uri string
}

func matchOf(d directive) match {
	if len(d.args) > 1 {
		return match{d.arg(0), d.arg(1)}
	}
	return match{"", d.arg(0)}
}

func (m match) isRegex() bool { return m.how == "~" || m.how == "~*" }

// regex is the expression as path_regex has it; an error: RE2 does not take it.
func (m match) regex() (string, error) {
	text := withoutLookahead(m.uri)
	if m.how == "~*" {
		text = "(?i)" + text
	}
	_, err := regexp.Compile("(?s:" + text + ")")
	return text, err
}

// lookahead is a (?!TEXT) at the end of an expression.
var lookahead = regexp.MustCompile(`^(.*)\(\?!((?:[A-Za-z0-9_-]|\\?[./])+)\)(?:\.\*)?\$?$`)

// withoutLookahead is an expression that ends with (?!TEXT), which RE2 does not have, in other words: what differs from TEXT in its
// first, its second ... byte.
func withoutLookahead(re string) string {
	parts := lookahead.FindStringSubmatch(re)
	if parts == nil {
		return re
	}
	text := strings.ReplaceAll(parts[2], `\`, "")
	out := ""
	for i := len(text) - 1; i >= 0; i-- {
		c := regexp.QuoteMeta(text[i : i+1])
		if out == "" {
			out = "(?:$|[^" + c + "])"
		} else {
			out = "(?:$|[^" + c + "]|" + c + out + ")"
		}
	}
	return parts[1] + out
}

// path is the path of a route; that of a pattern is in its expression.
func (m match) path() string {
	switch {
	case m.isRegex():
		return "/"
	case m.uri == "" || m.uri[0] != '/':
		return "/" + m.uri
	}
	return m.uri
}

// rank is the order in which nginx decides: whole paths, ^~, patterns, beginnings.
func (m match) rank() int {
	switch m.how {
	case "=":
		return 0
	case "^~":
		return 1
	case "~", "~*":
		return 2
	}
	return 3
}

// set puts the conditions into a route.
func (m match) set(r *draft.Table, at draft.Place) {
	switch {
	case m.isRegex():
		text, _ := m.regex()
		r.Set(at, "path_regex", []string{text})
	case m.how == "=":
		r.Set(at, "path_exact", []string{m.uri})
	default:
		r.Set(at, "path", m.path())
	}
}

// newRoute begins a [[route]].
func newRoute(t *translation, m match, at draft.Place, hosts []string) *place {
	p := &place{table: &draft.Table{}, match: m, path: m.path(), hosts: hosts}
	m.set(p.table, at)
	if len(hosts) > 0 {
		p.table.Set(draft.Place{}, "hosts", hosts)
	}
	addPlace(t, p)
	return p
}

// placeholders are nginx's variables that redirects and rewrites may have here.
var placeholders = strings.NewReplacer("$is_args$args", "?{query}", "$is_args$query_string", "?{query}", "${", "$", "$scheme", "{scheme}", "$http_host", "{host}", "$host", "{host}",
	"$request_uri", "{path}?{query}", "$document_uri", "{path}", "$uri", "{path}", "$query_string", "{query}", "$args", "{query}")

var groupOf = regexp.MustCompile(`\$([1-9])`)

// template is a text of nginx as a template. host takes the place of $server_name.
func template(text, host string) (string, error) {
	if strings.ContainsAny(text, "{}") && !strings.Contains(text, "${") {
		text = strings.NewReplacer("{", "%7B", "}", "%7D").Replace(text)
	}
	text = regexp.MustCompile(`\$\{([a-z_]+|[1-9])\}`).ReplaceAllString(text, "$$$1")
	if host != "" {
		text = strings.ReplaceAll(text, "$server_name", host)
	}
	text = groupOf.ReplaceAllString(placeholders.Replace(text), "{$1}")
	if strings.Contains(text, "$") {
		return "", fmt.Errorf("it has variables that a route does not know")
	}
	return text, nil
}

// makeReturn makes a route of return; nil: it cannot be made, and is told.
func makeReturn(t *translation, m match, d directive, hosts []string) *place {
	code, text := d.arg(0), d.arg(1)
	status, err := strconv.Atoi(code)
	if err != nil { // return URL
		status, text = 302, code
	}
	host := ""
	if len(hosts) > 0 {
		host = hosts[0]
	}
	switch status {
	case 301, 302, 303, 307, 308:
		to, err := template(text, host)
		if err == nil {
			_, err = target.ParseURL(to)
		}
		if err == nil && groupOf.MatchString(text) && !m.isRegex() && t.cond.regex == "" {
			err = fmt.Errorf("its groups belong to no pattern here")
		}
		if err != nil {
			t.d.Missing(d.at, d.String(), "%s; redirect in [[route]] has {scheme}, {host}, {path}, {query} and the groups of path_regex", err.Error())
			return nil
		}
		p := newRoute(t, m, d.at, hosts)
		p.table.Set(d.at, "redirect", to)
		p.table.Set(d.at, "status", status)
		return p
	default:
		if strings.Contains(text, "$") || status < 200 || status > 599 {
			t.d.Missing(d.at, d.String(), "respond in [[route]] has a fixed text, without variables")
			return nil
		}
		p := newRoute(t, m, d.at, hosts)
		p.table.Set(d.at, "respond", status)
		if text != "" {
			p.table.Set(d.at, "body", text)
		}
		return p
	}
}

// answerReturn makes a route of the return of a block, with its fields.
func answerReturn(t *translation, s *scope, m match, d directive, hosts []string) *place {
	p := makeReturn(t, m, d, hosts)
	if p == nil {
		return nil
	}
	if p.table.Has("body") {
		for _, one := range s.list {
			kind := ""
			switch {
			case one.name == "default_type":
				kind = one.arg(0)
			case one.name == "add_header" && strings.EqualFold(one.arg(0), "Content-Type"):
				kind = one.arg(1)
				t.done[one.at] = append(t.done[one.at], one.String())
			}
			if kind != "" && !strings.Contains(kind, "$") {
				p.table.Set(one.at, "content_type", kind)
			}
		}
	}
	t.changes(s, p.table)
	return p
}

// makeRewrites makes routes of the rewrites of a block that redirect; within the location of m, or everywhere. A rewrite that stays
// inside is for the route of pass, if there is one: the requests that it is not for have a route behind it.
func makeRewrites(t *translation, s *scope, m match, pass *place, hosts []string) {
	for _, d := range s.list {
		if d.name != "rewrite" {
			continue
		}
		flag := d.arg(2)
		repl, keep := replacement(d.arg(1))
		to, err := template(repl, "")
		if _, rerr := regexp.Compile("(?s:" + d.arg(0) + ")"); err == nil && rerr != nil {
			err = rerr
		}
		outside := flag == "permanent" || flag == "redirect" || regexp.MustCompile(`^(https?|\$scheme)://`).MatchString(repl)
		var p *place
		switch {
		case err != nil:
		case outside:
			if _, err = target.ParseURL(to + keep); err == nil {
				p = newRoute(t, match{"~", d.arg(0)}, d.at, hosts)
				p.first = true
				p.table.Set(d.at, "redirect", to+keep)
				if flag == "permanent" {
					p.table.Set(d.at, "status", 301)
				}
			}
		case m.isRegex() || flag != "last" && pass == nil && m.uri != "":
			err = fmt.Errorf("it is answered in another way than the location's other requests: write the route that answers")
		case pass == nil || flag == "last" && !sameBlock(to, m):
			err = elsewhere(t, s, d, m, to, keep, hosts)
		default:
			if keep == "?{query}" {
				keep = "" // the query stays by itself
			}
			if _, err = target.ParsePath(to + keep); err == nil {
				p = &place{table: &draft.Table{}, match: m, path: pass.path, hosts: hosts, before: true, passes: true}
				p.table.Copy(pass.table, "strip_prefix", "replace_prefix")
				p.table.Within(pass.table)
				p.table.Set(d.at, "path_regex", []string{d.arg(0)})
				p.table.Set(d.at, "rewrite", to+keep)
				addPlace(t, p)
			}
		}
		switch {
		case err != nil:
			t.d.Missing(d.at, d.String(), "%s", err.Error())
		case outside && m.uri != "" && !m.isRegex():
			p.table.Set(draft.Place{}, "path", m.path())
		}
	}
}

// replacement is what a rewrite makes, and what of the query follows it.
func replacement(text string) (repl, keep string) {
	repl, cut := strings.CutSuffix(text, "?")
	switch {
	case cut:
		return repl, ""
	case strings.Contains(repl, "?"):
		return repl, "&{query}"
	}
	return repl, "?{query}"
}

// sameBlock reports whether the location of m answers the path that a rewrite makes.
func sameBlock(to string, m match) bool {
	return m.how != "=" && strings.HasPrefix(to, strings.TrimSuffix(m.path(), "/")+"/")
}

// deniesAll reports whether a location refuses every client.
func deniesAll(s *scope) (directive, bool) {
	d, ok := s.own("deny")
	_, allows := s.own("allow")
	return d, ok && d.arg(0) == "all" && !allows
}

// makeFiles makes a route of a pattern or of a whole path whose files lie in a folder.
func makeFiles(t *translation, s *scope, d directive, m match, hosts []string) {
	dir, at, rewrite := "", draft.Place{}, ""
	if a, ok := s.own("alias"); ok {
		dir, at = a.arg(0), a.at
		if m.how == "=" {
			dir, rewrite = path.Split(dir)
			rewrite = "/" + rewrite
		} else if before, group, ok := strings.Cut(dir, "$"); ok && len(group) == 1 && strings.HasSuffix(before, "/") {
			dir, rewrite = before, "/{"+group+"}"
		}
	} else if a, ok := s.get("root"); ok {
		dir, at = a.arg(0), a.at
	}
	if dir == "" || strings.Contains(dir, "$") || strings.Contains(rewrite, "$") {
		t.d.Missing(d.at, short("location "+strings.Join(d.args, " ")), "its folder has variables, or no name")
		return
	}
	p := newRoute(t, m, d.at, hosts)
	if rewrite != "" {
		p.table.Set(at, "rewrite", rewrite)
	}
	files := p.table.Add("[route.static]")
	files.Set(at, "dir", cleanDir(t.paths.File(dir)))
	present(t, at, files.Text("dir"))
	ofFolders(s, files)
	setAlways(p.table, t.fields(s, files))
	try, ok := s.get("try_files")
	switch {
	case !ok || last(try) == "=404" || last(try) == "$uri":
	case strings.HasPrefix(last(try), "@"):
		files.Set(try.at, "missing", "app")
	default:
		files.Set(try.at, "missing", "app")
		t.d.Missing(try.at, try.String(), "a name that the folder does not have goes to the routes behind and to the app")
	}
}

func cleanDir(dir string) string {
	if dir == "/" {
		return dir
	}
	return strings.TrimSuffix(dir, "/")
}

// asRoute is a folder as a route, which patterns and whole paths can come before.
func (p *place) asRoute() {
	from := p.table
	p.table = &draft.Table{}
	p.match.set(p.table, draft.Place{})
	if len(p.hosts) > 0 {
		p.table.Set(draft.Place{}, "hosts", p.hosts)
	}
	files := p.table.Add("[route.static]")
	files.Copy(from, "url", "hosts")
	if !files.Has("index") && !files.Has("listing") {
		files.Set(draft.Place{}, "index", []string{})
	}
	switch {
	case p.fallback != "":
		files.Set(draft.Place{}, "missing", p.fallback)
	case !p.closed:
		files.Set(draft.Place{}, "missing", "app")
	}
	setAlways(p.table, p.always)
	p.static, p.folder = false, true
}

// foldersAsRoutes makes routes of the folders that patterns and whole paths come before.
func foldersAsRoutes(t *translation) {
	early := slices.ContainsFunc(t.places, func(p *place) bool {
		return !p.cond.none() || len(p.always) > 0 || !p.static && (p.match.rank() < 3 && p.match.how != "^~" || p.first)
	})
	for _, p := range t.places {
		if (early || p.fallback != "") && p.static { // as a route it does not hide those of longer paths
			p.asRoute()
		}
	}
}

// setAlways sets fields of all responses of a route.
func setAlways(r *draft.Table, list []draft.Pair) {
	if len(list) > 0 {
		r.Add("[[route.fields]]").Set(draft.Place{}, "set", list)
	}
}
