package nginx

import (
	"fmt"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// readRewrites reads if, return and rewrite of a server, which come before its locations, in the order of the file.
func readRewrites(t *translation, s *scope, redirect *directive, hosts []string) {
	for _, d := range s.list {
		switch {
		case redirect != nil && (d.at == redirect.at && d.name == redirect.name || redirect.name == "if" && (d.name == "return" || d.name == "if")):
		case d.name == "if":
			serverIf(t, s, d, hosts)
		case d.name == "return":
			returns(t, s, d, match{"^~", "/"}, hosts)
		case d.name == "rewrite":
			makeRewrites(t, &scope{list: []directive{d}, around: s}, match{}, nil, hosts)
		}
	}
}

// returns makes routes of a return that comes before every location: one for each value of a variable that a map makes.
func returns(t *translation, s *scope, d directive, m match, hosts []string) {
	make := func(d directive) {
		if p := answerReturn(t, s, m, d, hosts); p != nil {
			p.first = true
		}
	}
	maps := t.vars.in(d.String())
	if len(maps) != 1 {
		make(d)
		return
	}
	list, err := maps[0].choices(d.at)
	if err != nil {
		t.d.Missing(d.at, d.String(), "%s", err.Error())
		return
	}
	maps[0].used = true
	for _, c := range joined(list) {
		if t.demand(c.cond) {
			make(with([]directive{d}, maps[0].name, c.value)[0])
		}
		t.cond = t.base
	}
	make(with([]directive{d}, maps[0].name, maps[0].other)[0])
}

// demand sets the conditions of what is read next, beside those of the server. Not ok: no route can say both.
func (t *translation) demand(c conditions) (ok bool) {
	t.cond, ok = t.base.and(c)
	return ok
}

// serverIf reads an if of a server.
func serverIf(t *translation, s *scope, d directive, hosts []string) {
	what := short("if " + strings.Join(d.args, " "))
	ask, found, err := solved(t, d)
	if err == nil {
		err = answersOnly(d)
	}
	if err == nil && found.not && len(found.any) != 1 {
		err = fmt.Errorf("it is for what none of several conditions holds for: write routes with the conditions, and this one behind them")
	}
	if err != nil {
		t.d.Missing(d.at, what, "%s", err.Error())
		return
	}
	make := func(c conditions, value string) (list []*place, ok bool) {
		from := len(t.places)
		if ok = t.demand(c); ok {
			block := with(d.block, ask.variable, value)
			for _, one := range block {
				if one.name == "return" {
					answerReturn(t, &scope{list: block, around: s}, match{"^~", "/"}, one, hosts)
				}
			}
			makeRewrites(t, &scope{list: block, around: s}, match{}, nil, hosts)
		}
		t.cond = t.base
		return t.places[from:], ok
	}
	if !found.not {
		for _, c := range found.any {
			list, ok := make(c.cond, c.value)
			if !ok {
				t.d.Missing(d.at, what, "no route has both this condition and those around it")
			}
			for _, p := range list {
				p.first = true
			}
		}
		return
	}
	if named := found.any[0].cond.hosts; len(named) > 0 {
		hosts = slices.DeleteFunc(slices.Clone(hosts), func(h string) bool { return slices.Contains(named, h) })
	}
	list, _ := make(conditions{}, "")
	base, ok := t.base.and(found.any[0].cond)
	if !ok {
		t.d.Missing(d.at, what, "no route has both this condition and those around it")
		return
	}
	t.base, t.cond = base, base
	t.tails++
	for _, p := range list {
		p.tail, p.first = t.tails, false
	}
}

// solved reads the test of an if.
func solved(t *translation, d directive) (ask test, found solution, err error) {
	ask, ok := testOf(d.args)
	if !ok {
		return ask, found, fmt.Errorf("its test is not known here")
	}
	if strings.HasPrefix(strings.TrimPrefix(ask.op, "!"), "-") {
		return ask, found, fmt.Errorf("files are asked for by `missing` of a folder; for a maintenance there is `standpipe maintenance on`")
	}
	found, err = t.vars.solve(ask, d.at)
	return ask, found, err
}

// answersOnly is why the block of an if cannot become routes.
func answersOnly(d directive) error {
	for _, one := range d.block {
		switch one.name {
		case "return", "rewrite", "add_header", "access_log", "break":
		default:
			return fmt.Errorf("there are no variables and no settings for some requests: a [[route]] has conditions (%s)", short(one.String()))
		}
	}
	if !slices.ContainsFunc(d.block, func(one directive) bool { return one.name == "return" || one.name == "rewrite" }) {
		return fmt.Errorf("it answers nothing")
	}
	return nil
}

// branches makes the routes of a location that are for some of its requests: those of if, and of variables that a map makes. It returns the
// location as it is for the others, and what follows it.
func branches(t *translation, s *scope, d directive, m match, hosts []string) (rest *scope, behind func(from int)) {
	rest = &scope{list: slices.Clone(s.list), around: s.around}
	var tails []func(from int)
	for _, one := range s.list {
		if one.name != "if" {
			continue
		}
		rest.list = slices.DeleteFunc(rest.list, func(o directive) bool { return o.name == "if" && o.at == one.at && slices.Equal(o.args, one.args) })
		if asked, ok := testOf(one.args); ok && strings.HasPrefix(asked.op, "!-") && asked.variable == "request_filename" && filesFirst(rest, one) {
			continue
		}
		tail, err := branch(t, rest, one, d, m, hosts)
		if err != nil {
			t.d.Missing(one.at, short("if "+strings.Join(one.args, " ")), "%s", err.Error())
		} else if tail != nil {
			tails = append(tails, tail)
		}
	}
	byMap(t, rest, d, m, hosts)
	return rest, func(from int) {
		for _, tail := range slices.Backward(tails) {
			tail(from)
		}
	}
}

// filesFirst reads if (!-f $request_filename) { proxy_pass ... }, which is try_files $uri @other.
func filesFirst(s *scope, one directive) bool {
	if _, ok := passOf(&scope{list: one.block}); !ok {
		return false
	}
	block := slices.DeleteFunc(append(slices.Clone(s.list), one.block...), func(d directive) bool {
		return d.name == "break" || d.name == "root" || d.name == "alias" || d.name == "try_files" || d.name == "location"
	})
	name := "@if:" + one.at.String()
	s.around = &scope{list: []directive{{name: "location", args: []string{name}, block: block, at: one.at}}, around: s.around}
	s.list = append(s.list, directive{name: "try_files", args: []string{"$uri", name}, at: one.at})
	return true
}

// branch makes the routes of one if of a location. behind makes those that come behind the others.
func branch(t *translation, s *scope, one, d directive, m match, hosts []string) (behind func(from int), err error) {
	ask, found, err := solved(t, one)
	if err != nil {
		return nil, err
	}
	for _, inner := range one.block {
		switch inner.name {
		case "return", "rewrite", "add_header", "access_log", "break", "proxy_pass", "uwsgi_pass", "fastcgi_pass", "proxy_set_header", "expires":
		default:
			return nil, fmt.Errorf("there are no variables and no settings for some requests: a [[route]] has conditions (%s)", short(inner.String()))
		}
	}
	tell := func() {
		for _, inner := range one.block {
			if inner.name == "add_header" || inner.name == "proxy_set_header" {
				t.none(inner) // unless it is done
			}
		}
	}
	for _, c := range found.any {
		if c.cond.regex != "" && m.isRegex() || len(c.cond.exact) > 0 && m.how == "=" {
			return nil, fmt.Errorf("a route has one `path_regex`: join the expressions")
		}
	}
	make := func(value string) {
		answerBranch(t, &scope{list: merged(s.list, with(one.block, ask.variable, value)), around: s.around}, d, m, hosts)
	}
	if found.not {
		if len(found.any) != 1 {
			return nil, fmt.Errorf("it is for what none of several conditions holds for: write routes with the conditions, and this one behind them")
		}
		return func(from int) {
			narrow(t, from, found.any[0].cond)
			make("")
			tell()
		}, nil
	}
	for _, c := range found.any {
		from := len(t.places)
		if !t.demand(c.cond) {
			err = fmt.Errorf("no route has both this condition and those around it")
		} else {
			make(c.value)
		}
		t.cond = t.base
		for _, p := range t.places[from:] {
			p.before = true
		}
	}
	tell()
	return nil, err
}

// merged is the block of a location with that of an if in it.
func merged(list, inner []directive) []directive {
	has := func(names ...string) bool {
		return slices.ContainsFunc(inner, func(d directive) bool { return slices.Contains(names, d.name) })
	}
	out := slices.DeleteFunc(slices.Clone(list), func(d directive) bool {
		pass := strings.HasSuffix(d.name, "_pass")
		return d.name == "if" || d.name == "location" || pass && has("proxy_pass", "uwsgi_pass", "fastcgi_pass") || d.name == "return" || d.name == "rewrite" && has("rewrite", "return") ||
			d.name == "add_header" && has("add_header")
	})
	return append(out, inner...)
}

// answerBranch makes the places of a location under some conditions.
func answerBranch(t *translation, s *scope, d directive, m match, hosts []string) {
	if back, ok := s.own("return"); ok {
		answerReturn(t, s, m, back, hosts)
		return
	}
	var pass *place
	to, passes := passOf(s)
	if _, rewrites := s.own("rewrite"); rewrites {
		makeRewrites(t, s, m, nil, hosts)
		return
	}
	if passes {
		if pass = t.route(s, to, m, hosts); pass != nil && to.name == "fastcgi_pass" {
			setParams(t, s, pass.table)
		}
		return
	}
	answer(t, s, d, m, hosts)
}

// byMap makes routes of the lines of a map whose variable a location names.
func byMap(t *translation, s *scope, d directive, m match, hosts []string) {
	text := ""
	for _, one := range s.list {
		switch one.name {
		case "proxy_pass", "uwsgi_pass", "fastcgi_pass", "return", "root", "alias":
			text += one.String() + "\n"
		}
	}
	maps := t.vars.in(text)
	if len(maps) != 1 {
		return // a variable that is left is told where it stands
	}
	by := maps[0]
	list, err := by.choices(d.at)
	if err != nil {
		t.d.Missing(by.d.at, by.title(), "%s", err.Error())
		by.used = true
		return
	}
	by.used = true
	for _, c := range joined(list) {
		if c.cond.regex != "" && m.isRegex() || len(c.cond.exact) > 0 && m.how == "=" || !t.demand(c.cond) {
			t.d.Missing(by.d.at, by.title(), "no route has both the condition for %s and those around it", c.value)
			t.cond = t.base
			continue
		}
		from := len(t.places)
		answerBranch(t, &scope{list: with(s.list, by.name, c.value), around: s.around}, d, m, hosts)
		t.cond = t.base
		for _, p := range t.places[from:] {
			p.before = true
		}
	}
	s.list = with(s.list, by.name, by.other)
	if by.other == "" {
		s.list = slices.DeleteFunc(s.list, func(one directive) bool { return strings.HasSuffix(one.name, "_pass") })
	}
}

func (m *mapped) title() string { return short(m.d.name + " " + strings.Join(m.d.args, " ")) }

// tell names the maps of which nothing was made.
func (v *variables) tell(t *translation, list []directive) {
	for _, m := range v.order {
		if m.used {
			continue
		}
		if uses := usesOf(list, m.name); len(uses) == 0 {
			t.d.Missing(m.d.at, m.title(), "not needed: what uses it is not needed either")
		} else {
			t.none(m.d)
		}
	}
}

// usesOf are the directives that need a variable; what standpipe does by itself does not count. seen are the variables that led here.
func usesOf(list []directive, name string, seen ...string) (out []draft.Place) {
	for _, d := range list {
		made := strings.Trim(d.arg(1), "${}")
		switch {
		case d.name == "log_format" || d.name == "access_log" || d.name == "proxy_set_header" && sentAnyway(d.arg(0)):
		case d.name == "map":
			text := d.arg(0)
			for _, line := range d.block {
				text += " " + line.arg(0)
			}
			if replaceVariable(text, name, "") != text && made != name && !slices.Contains(seen, made) && len(usesOf(list, made, append(seen, name)...)) > 0 {
				out = append(out, d.at)
			}
		default:
			out = append(out, usesOf(d.block, name, seen...)...)
			if replaceVariable(d.String(), name, "") != d.String() {
				out = append(out, d.at)
			}
		}
	}
	return out
}
