package cli

import (
	"context"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Context is what one command line says. Its context.Context ends with the program.
type Context struct {
	context.Context
	App     *App
	Command *Command // nil: help about all
	// Problems are those of the command line of a command with Settings: it reports them with those of the settings.
	Problems schema.Problems
	// Unneeded are the flags of other servers, with dashes, that such a command leaves out because they make no difference.
	Unneeded []string

	help  bool
	all   bool   // help with all flags
	page  string // of a topic; empty: none
	args  []string
	given map[string][]string // by the long name
}

// Arg is an argument that is no flag, from 0 on; empty: it is not there.
func (c *Context) Arg(i int) string {
	if i < len(c.args) {
		return c.args[i]
	}
	return ""
}

// Args are the arguments that are no flags.
func (c *Context) Args() []string { return c.args }

// IsSet reports whether the flag is given. A switch that is off is not.
func (c *Context) IsSet(name string) bool { return len(c.given[name]) > 0 }

// Bool reports whether a switch of the command's own is on.
func (c *Context) Bool(name string) bool { return c.IsSet(name) }

// Strings are all values of a flag, in their order.
func (c *Context) Strings(name string) []string { return c.given[name] }

// String is the last value of a flag, else its value without the flag.
func (c *Context) String(name string) string {
	if given := c.given[name]; len(given) > 0 {
		return given[len(given)-1]
	}
	for _, f := range c.Command.Flags {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}
