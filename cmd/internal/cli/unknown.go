package cli

import (
	"fmt"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/compat"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// unknownCommand says what was probably meant.
func (a *App) unknownCommand(name string) string {
	if strings.HasPrefix(name, "-") {
		return fmt.Sprintf("%s comes before the command; write: standpipe serve %s ...", name, name)
	}
	var names []string
	for _, c := range a.Commands {
		names = append(names, c.Name)
	}
	if near := schema.Nearest(name, append(names, "help")); near != "" {
		return fmt.Sprintf("unknown command %q; did you mean %s?", name, near)
	}
	if strings.ContainsAny(name, ":./") {
		return fmt.Sprintf("unknown command %q; did you mean: standpipe serve %s?", name, name)
	}
	return fmt.Sprintf("unknown command %q; the commands are %s and help", name, strings.Join(names, ", "))
}

// unknownTopic says what was probably meant by what follows help.
func (a *App) unknownTopic(name string) string {
	var names []string
	for _, c := range a.Commands {
		names = append(names, c.Name)
	}
	near := schema.Nearest(name, names)
	if near == "" {
		near = a.Topics.Nearest(name)
	}
	if near != "" {
		return fmt.Sprintf("no help about %q; did you mean: standpipe help %s?", name, near)
	}
	return fmt.Sprintf("no help about %q; standpipe help lists the commands and the topics, and settings and events have help by their names", name)
}

// unknownFlag explains a flag that the command does not have: it belongs to another server, or one of ours is near.
func (c *Command) unknownFlag(name string) (where, say string) {
	shown := schema.Dashed(name)
	if c.Settings {
		if say := compat.Explain(name); say != "" {
			return shown, say
		}
	}
	if near := c.nearestFlag(name); near != "" {
		return "", fmt.Sprintf("unknown flag %s; did you mean --%s?", shown, near)
	}
	return "", fmt.Sprintf("unknown flag %s; standpipe %s --help lists the flags", shown, c.Name)
}

// nearestFlag is the flag of the command that was probably meant; empty: none is near.
func (c *Command) nearestFlag(name string) string {
	if len(name) < 2 {
		return ""
	}
	var names []string
	for _, f := range c.flags() {
		for _, n := range f.names() {
			if len(n) > 1 {
				names = append(names, n)
			}
		}
	}
	near := schema.Nearest(name, names)
	for _, n := range names {
		if near == "" && len(name) > 2 && strings.HasPrefix(n, name) {
			near = n
		}
	}
	return near
}

// leftover says that these arguments are too many.
func (c *Command) leftover(left []string) string {
	what := fmt.Sprintf("unexpected argument `%s`", left[0])
	if len(left) > 1 {
		what = fmt.Sprintf("unexpected arguments `%s`", strings.Join(left, "`, `"))
	}
	if c.Most == 0 {
		return fmt.Sprintf("%s: standpipe %s takes no arguments", what, c.Name)
	}
	return what + ": " + c.Extra
}
