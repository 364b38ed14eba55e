package compat

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

var (
	//go:embed uwsgi.txt
	uwsgiText string
	//go:embed uwsgi-options.txt
	uwsgiOptionsText string

	//go:embed nginx.txt
	nginxText string

	uwsgi = sync.OnceValue(func() []optionRow { return mustParseRows(uwsgiText) })
	nginx = sync.OnceValue(func() []optionRow { return mustParseRows(nginxText) })
	// uwsgiOptions are uWSGI's own options, each with whether it takes a value.
	uwsgiOptions = sync.OnceValue(func() map[string]bool {
		out := make(map[string]bool)
		for line := range strings.Lines(uwsgiOptionsText) {
			if f := strings.Fields(line); len(f) == 2 && f[0] != "#" {
				out[f[0]] = f[1] == "required"
			}
		}
		return out
	})
)

// optionRow is a row of a table: options that one sentence is about.
type optionRow struct {
	names   []string // one that ends in * is all that begin so
	state   State
	message string
}

// Nginx looks a directive of nginx up. known: the table has it.
func Nginx(name string) (state State, message string, known bool) {
	for _, row := range nginx() {
		if row.has(name) {
			return row.state, row.message, true
		}
	}
	return "", "", false
}

// Uwsgi looks an option of uWSGI up. known: uWSGI has it.
func Uwsgi(name string) (state State, message string, known bool) {
	if _, known = uwsgiOptions()[name]; !known {
		return "", "", false
	}
	for _, row := range uwsgi() {
		if row.has(name) {
			return row.state, row.message, true
		}
	}
	return "", "", false
}

func (r *optionRow) has(name string) bool {
	return slices.ContainsFunc(r.names, func(n string) bool {
		begin, all := strings.CutSuffix(n, "*")
		return n == name || all && strings.HasPrefix(name, begin)
	})
}

// uwsgiFlag is an option of uWSGI as a flag; nil: it has none of that name.
func uwsgiFlag(name string) *Flag {
	state, message, known := Uwsgi(name)
	if !known {
		return nil
	}
	if state == Ours {
		state, message = Instead, "write "+message
	}
	return &Flag{Name: name, Flags: []string{"--" + name}, Switch: !uwsgiOptions()[name], State: state, Message: message}
}

func mustParseRows(text string) []optionRow {
	list, err := parseRows(text)
	if err != nil {
		panic(err) // an embedded file: the tests read it
	}
	return list
}

func parseRows(text string) (list []optionRow, err error) {
	err = readTable(text, 3, 3, 1, func(columns []string) {
		list = append(list, optionRow{strings.Fields(columns[0]), State(columns[1]), columns[2]})
	})
	return list, err
}

// UwsgiTakesValue reports whether an option of uWSGI takes a value: others are switches.
func UwsgiTakesValue(name string) bool { return uwsgiOptions()[name] }
