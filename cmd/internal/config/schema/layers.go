package schema

import (
	"slices"
	"strings"
)

// Flag is what the command line said with one flag.
type Flag struct {
	Name   string   // the long name without dashes: Setting.FlagNames()[0]
	Values []string // in the order given
}

// Environment is a process's variables by name.
type Environment map[string]string

// NewEnvironment reads NAME=VALUE; the last of a name wins, as in a shell.
func NewEnvironment(list []string) Environment {
	e := make(Environment, len(list))
	for _, kv := range list {
		if name, value, ok := strings.Cut(kv, "="); ok {
			e[name] = value
		}
	}
	return e
}

// layer is what the environment or the command line says, by table.
type layer map[*Scope][]Given

// envLayer reads the variables. An empty variable counts as unset, as in most programs: a compose file that passes one
// through cannot leave it out.
func (s *Schema) envLayer(env Environment, dir string) layer {
	l := make(layer)
	for scope := range s.scopes() {
		for _, one := range scope.Settings {
			name := one.EnvName()
			if name == "" || env[name] == "" {
				continue
			}
			values := []string{env[name]}
			if one.Named() {
				values = splitList(env[name])
			}
			l.add(one, Input{Values: values, Src: Source{Kind: FromEnv, Where: name}, Base: dir})
		}
	}
	return l
}

func (s *Schema) flagLayer(flags []Flag, dir string) layer {
	l := make(layer)
	for _, f := range flags {
		one := s.Flag(f.Name)
		if one == nil || one.scope == s.Command || len(f.Values) == 0 {
			continue
		}
		l.add(one, Input{Values: f.Values, Exact: one.Whole, Src: Source{Kind: FromFlag, Where: "--" + one.FlagNames()[0]}, Base: dir})
	}
	return l
}

func (l layer) add(s *Setting, in Input) {
	if !s.Named() {
		l[s.scope] = append(l[s.scope], Given{Setting: s, In: in})
		return
	}
	for _, v := range in.Values {
		g := Given{Setting: s, In: in}
		if name, value, ok := strings.Cut(v, "="); ok {
			g.For, v = name, value
		}
		g.In.Values = []string{v}
		l[s.scope] = append(l[s.scope], g)
	}
}

// general is what the layer says about all rows of a table, own what it says about the row of this name.
func (l layer) general(scope *Scope) []Given { return l.of(scope, "") }

func (l layer) own(scope *Scope, name string) []Given {
	if name == "" {
		return nil
	}
	return l.of(scope, name)
}

func (l layer) of(scope *Scope, name string) []Given {
	return slices.DeleteFunc(slices.Clone(l[scope]), func(g Given) bool { return g.For != name })
}
