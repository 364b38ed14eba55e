package compat

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// State says what standpipe has in place of a foreign setting.
type State string

const (
	Ours      State = "ours"       // a flag or key; Message names it where its name differs
	Instead   State = "instead"    // without it something else would happen; Message says what to write
	NotNeeded State = "not needed" // it makes no difference; Message has the reason
	NotYet    State = "not yet"    // Message says what to do meanwhile
)

// Flag is a setting of another server.
type Flag struct {
	Name    string   // in that server's configuration file
	Flags   []string // with their dashes; none: configuration file only
	Switch  bool     // the flags take no value; valid for flags that standpipe does not have
	State   State
	Message string // empty: standpipe has the same
}

// has reports whether one of the flags has the name, which is without dashes.
func (f *Flag) has(name string) bool {
	return slices.ContainsFunc(f.Flags, func(flag string) bool { return strings.TrimLeft(flag, "-") == name })
}

var (
	//go:embed gunicorn.txt
	gunicornText string
	//go:embed others.txt
	othersText string

	gunicorn = sync.OnceValue(func() []Flag { return mustParse(gunicornText) })
	others   = sync.OnceValue(func() []Flag { return mustParse(othersText) })
)

// Explain returns the sentence for a flag of another server, by its name without dashes;
// empty: no server in the tables has it.
func Explain(name string) string {
	f := find(name)
	if f == nil {
		return ""
	}
	if f.State == Ours || f.State == Instead {
		return f.Message
	}
	return string(f.State) + ": " + f.Message
}

// Unneeded is the reason why a flag of another server makes no difference here; empty: it would, or no server in the tables
// has it.
func Unneeded(name string) string {
	if f := find(name); f != nil && f.State == NotNeeded {
		return f.Message
	}
	return ""
}

// Gunicorn looks a setting of gunicorn's configuration file up. known: gunicorn has it.
func Gunicorn(name string) (state State, message string, known bool) {
	for _, f := range gunicorn() {
		if f.Name == name {
			return f.State, f.Message, true
		}
	}
	return "", "", false
}

// TakesValue reports whether a flag of another server takes a value. known: a server in the
// tables has it.
func TakesValue(name string) (value, known bool) {
	f := find(name)
	if f == nil || f.Message == "" {
		return false, false
	}
	return !f.Switch, true
}

func find(name string) *Flag {
	for _, table := range [][]Flag{gunicorn(), others()} {
		for i := range table {
			if table[i].has(name) {
				return &table[i]
			}
		}
	}
	return uwsgiFlag(name)
}

func knownState(s State) bool { return s == Ours || s == Instead || s == NotNeeded || s == NotYet }

func mustParse(text string) []Flag {
	list, err := parse(text)
	if err != nil {
		panic(err) // an embedded file: the tests read it
	}
	return list
}

// parse reads a table of flags; the column of messages may be left out.
func parse(text string) (list []Flag, err error) {
	err = readTable(text, 5, 4, 3, func(columns []string) {
		f := Flag{Name: columns[0], Switch: columns[2] == "switch", State: State(columns[3]), Message: columns[4]}
		if columns[1] != "-" {
			f.Flags = strings.Fields(columns[1])
		}
		list = append(list, f)
	})
	return list, err
}

// GunicornNames are the names of all settings of gunicorn's configuration file.
func GunicornNames() []string {
	var out []string
	for _, f := range gunicorn() {
		out = append(out, f.Name)
	}
	return out
}
