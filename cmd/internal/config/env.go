package config

import (
	"fmt"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// EnvVar is one variable for an app's workers. In a list a later one of the same name wins.
type EnvVar struct {
	Name, Value string
	Source      schema.Source
}

// setEnv adds to the variables of the layers before; the later one of a name wins.
func setEnv(a *App, in schema.Input) error {
	for _, v := range in.Values {
		name, value, ok := strings.Cut(v, "=")
		if !ok {
			return fmt.Errorf("%q has no =; write NAME=VALUE", v)
		}
		if err := checkEnvName(name); err != nil {
			return err
		}
		if strings.ContainsRune(value, 0) {
			return fmt.Errorf("the value of %s contains a NUL", name)
		}
		a.Env = append(a.Env, EnvVar{name, value, in.Src})
	}
	return nil
}

func checkEnvName(name string) error {
	if name == "" || strings.ContainsAny(name, "=\x00 \t\r\n") {
		return fmt.Errorf("%q is not a variable's name", name)
	}
	return nil
}

// effectiveEnv are the app's own variables, each name once.
func (a *App) effectiveEnv() []EnvVar {
	last := make(map[string]int, len(a.Env))
	for i, v := range a.Env {
		last[v.Name] = i
	}
	out := make([]EnvVar, 0, len(last))
	for i, v := range a.Env {
		if last[v.Name] == i {
			out = append(out, v)
		}
	}
	return out
}

// Environ is the app's own variables as NAME=VALUE, each name once.
func (a *App) Environ() []string {
	list := a.effectiveEnv()
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = v.Name + "=" + v.Value
	}
	return out
}

func (a *App) shownEnv() []schema.Item {
	list := a.effectiveEnv()
	out := make([]schema.Item, len(list))
	for i, v := range list {
		out[i] = schema.Item{Name: v.Name, Value: Masked(v.Name, v.Value), Source: v.Source}
	}
	return out
}
