package nginx

import (
	"slices"
	"strings"

	"github.com/standpipe/standpipe/bridge/fields"
	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// fieldVariables are nginx's variables that a field's value may have here.
var fieldVariables = strings.NewReplacer("${remote_addr}", "{client}", "$remote_addr", "{client}", "$http_host", "{host}", "$host", "{host}", "$request_id", "{id}", "$scheme", "{scheme}")

// usualStatuses are those of responses that add_header without always is for.
var usualStatuses = []string{"200", "201", "204", "206", "301-304", "307-308"}

// single are fields that a message has once.
var single = []string{"content-type", "location", "etag", "last-modified", "cache-control", "expires"}

// ofFields are directives that a location has of the blocks around it, if it has none of the name itself.
var ofFields = []string{"add_header", "proxy_set_header", "proxy_hide_header"}

// fieldsOf are those that hold in a scope.
func fieldsOf(s *scope) (out []directive) {
	for _, name := range ofFields {
		for around := s; around != nil; around = around.around {
			own := slices.DeleteFunc(slices.Clone(around.list), func(d directive) bool { return d.name != name })
			if len(own) > 0 {
				out = append(out, own...)
				break
			}
		}
	}
	return out
}

// change is a directive about a field.
type change struct {
	op, name, value string
	response, usual bool // usual: for some statuses alone
}

// changeOf reads such a directive. Not ok: it is none, or there is no table for it.
func changeOf(d directive) (c change, ok bool) {
	c = change{op: "set", name: d.arg(0), response: true}
	switch {
	case d.name == "add_header" && (len(d.args) == 2 || len(d.args) == 3 && d.arg(2) == "always"):
		c.op, c.value, c.usual = "add", fieldVariables.Replace(d.arg(1)), len(d.args) == 2
	case d.name == "proxy_set_header" && len(d.args) == 2:
		c.value, c.response = fieldVariables.Replace(d.arg(1)), false
	case d.name == "proxy_hide_header" && len(d.args) == 1:
	default:
		return c, false
	}
	if c.value == "" && d.name != "add_header" {
		c.op = "remove"
	}
	_, err := fields.ParseValue(c.value)
	return c, err == nil && fields.MayChange(c.name, c.response) == nil && !strings.Contains(c.value, "$") && !strings.EqualFold(c.name, "Strict-Transport-Security") &&
		!(c.op == "add" && (c.value == "" || slices.Contains(single, strings.ToLower(c.name))))
}

// changes makes [[route.fields]] of the fields of a location.
func (t *translation) changes(s *scope, route *draft.Table) {
	type kind struct{ response, usual bool }
	for _, k := range []kind{{false, false}, {true, false}, {true, true}} {
		if !k.response && (route.Has("redirect") || route.Has("respond")) {
			continue
		}
		values := map[string][]draft.Pair{}
		var hidden []string
		var at draft.Place
		seen := map[string]bool{}
		for _, d := range fieldsOf(s) {
			c, ok := changeOf(d)
			name := strings.ToLower(c.name)
			if !ok || (kind{c.response, c.usual}) != k || seen[name] {
				continue
			}
			seen[name], at = true, d.at
			t.done[d.at] = append(t.done[d.at], d.String())
			if c.op == "remove" {
				hidden = append(hidden, c.name)
			} else {
				values[c.op] = append(values[c.op], draft.Pair{Name: c.name, Value: c.value})
			}
		}
		if k.response && k.usual {
			if age, where := expires(t, s); age != "" {
				values["set"], seen["cache-control"], at = append(values["set"], draft.Pair{Name: "Cache-Control", Value: besides(t, s, maxAge(age))}), true, where
			}
		}
		if len(seen) == 0 {
			continue
		}
		table := route.Add("[[route.fields]]")
		if !k.response {
			table.Set(at, "side", "request")
		}
		if k.usual {
			table.Set(at, "status", usualStatuses)
		}
		if len(hidden) > 0 {
			table.Set(at, "remove", hidden)
		}
		for _, op := range []string{"set", "add"} {
			if len(values[op]) > 0 {
				table.Set(at, op, values[op])
			}
		}
	}
}

// besides is a value of Cache-Control with what add_header adds to it.
func besides(t *translation, s *scope, value string) string {
	for _, d := range fieldsOf(s) {
		if d.name == "add_header" && strings.EqualFold(d.arg(0), "Cache-Control") && !strings.Contains(d.arg(1), "$") {
			value += ", " + d.arg(1)
			t.done[d.at] = append(t.done[d.at], d.String())
		}
	}
	return value
}
