package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/compat"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/exit"
)

// Read reads a command line. Flags stand before or after the arguments, and may have gunicorn's forms: -w 4, -w4, -w=4,
// --workers 4, --workers=4. An argument that is neither a flag, a value nor one that the command takes is a problem; all of
// them are found.
func (a *App) Read(ctx context.Context, args []string) (*Context, error) {
	c := &Context{Context: ctx, App: a, given: map[string][]string{}}
	if len(args) == 0 {
		c.help = true
		return c, nil
	}
	name, rest := args[0], args[1:]
	switch name {
	case "help", "h", "-h", "--help", "-help":
		c.help = true
		return c, c.topic(rest)
	case "-v", "--version", "-version":
		name = "version"
	}
	if c.Command = a.command(name); c.Command == nil {
		return nil, UsageError("%s", a.unknownCommand(name))
	}
	r := reader{Context: c}
	r.run(rest)
	if c.help { // whatever else there is
		c.args, c.Problems = nil, nil
		return c, nil
	}
	if err := r.tooMany(); err != nil && !r.unsure {
		r.problem("", "%s", err.Error())
	}
	if len(c.Problems) > 0 && !c.Command.Settings {
		return nil, exit.With(exit.Usage, c.Problems)
	}
	return c, nil
}

// topic reads what follows help.
func (c *Context) topic(args []string) error {
	args = slices.DeleteFunc(slices.Clone(args), func(s string) bool { return s == "help" || s == "h" || s == "-h" || s == "--help" })
	switch {
	case len(args) == 0:
		return nil
	case len(args) > 1 && args[1] == "all" && c.App.command(args[0]) != nil:
		c.all = true
	case len(args) > 1:
		return UsageError("unexpected argument `%s`; write: standpipe help %s", args[1], args[0])
	}
	topics := c.App.Topics
	if c.Command = c.App.command(args[0]); c.Command != nil {
		if topics != nil && !c.all && slices.Contains(topics.Names, args[0]) {
			return c.topicAndCommand(args[0])
		}
		return nil
	}
	if topics != nil {
		if page, ok := topics.Page(args[0]); ok {
			c.help, c.page = false, page
			return nil
		}
		return UsageError("%s", c.App.unknownTopic(args[0]))
	}
	return UsageError("%s", c.App.unknownCommand(args[0]))
}

// topicAndCommand makes one page of a topic and of the command with its name.
func (c *Context) topicAndCommand(name string) error {
	page, _ := c.App.Topics.Page(name)
	var b strings.Builder
	if err := c.App.commandHelp(&b, c.Command); err != nil {
		return err
	}
	c.help, c.page = false, page+"\n## The command\n\n```text\n"+b.String()+"```\n"
	return nil
}

// UsageError is an error with the exit code for wrong usage.
func UsageError(format string, args ...any) error {
	return exit.With(exit.Usage, fmt.Errorf(format, args...))
}

// reader reads what follows the command's name.
type reader struct {
	*Context
	unsure bool // a flag is unknown, so the word after it may be its value or an argument
}

func (r *reader) problem(where, format string, args ...any) {
	r.Problems = append(r.Problems, schema.Problem{Where: where, Message: fmt.Sprintf(format, args...)})
}

func (r *reader) run(args []string) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			r.args = append(r.args, args...)
			return
		case strings.HasPrefix(arg, "--"):
			name, value, has := strings.Cut(arg[2:], "=")
			args = args[r.flag(name, value, has, args):]
		case len(arg) > 1 && arg[0] == '-':
			value := strings.TrimPrefix(arg[2:], "=")
			args = args[r.flag(arg[1:2], value, len(arg) > 2, args):]
		case arg == "" && r.Command.Blank:
		case arg == "" && len(r.args) == 0:
			r.problem("", "APP is empty (an unset variable?); omit it, or name a module such as shop.wsgi:application")
		default:
			r.args = append(r.args, arg)
		}
	}
}

// flag takes one flag. value is what was attached to it (has); otherwise it is the next argument, and used is 1.
func (r *reader) flag(name, value string, has bool, next []string) (used int) {
	if name == "help" || name == "h" {
		r.help = true
		r.all = value == "all" || len(next) > 0 && next[0] == "all"
		return 0
	}
	f := r.Command.find(name)
	if f == nil {
		if r.Command.Settings && compat.Unneeded(name) != "" {
			r.Unneeded = append(r.Unneeded, schema.Dashed(name))
		} else {
			where, say := r.Command.unknownFlag(name)
			r.problem(where, "%s", say)
		}
		if !has && r.swallows(name, next) {
			return 1
		}
		return 0
	}
	long := "--" + f.names()[0]
	if f.Switch && !has { // without a value it is on; a word for on or off after it is its value
		value, has = "on", true
		if len(next) > 0 {
			if _, err := schema.ParseSwitch(next[0]); err == nil {
				value, used = next[0], 1
			}
		}
	}
	if f.Switch && f.setting == nil {
		switch on, err := schema.ParseSwitch(value); {
		case err != nil:
			r.problem(long, "%q is not on or off; %s alone is on", value, long)
		case on:
			r.given[f.Name] = []string{"on"}
		default:
			delete(r.given, f.Name)
		}
		return used
	}
	if !has {
		// An argument that begins with a dash is the next flag, except for the dash alone, which is standard output, and
		// a negative number, which is a wrong value.
		if len(next) == 0 || len(next[0]) > 1 && next[0][0] == '-' && (next[0][1] < '0' || next[0][1] > '9') {
			r.problem("", "%s needs a value; write %s=VALUE", schema.Dashed(name), long)
			return 0
		}
		value, used = next[0], 1
	}
	r.given[f.Name] = append(r.given[f.Name], value)
	return used
}

// swallows reports whether the first word of next is probably the value of a flag that the command does not have. Then it
// is not a problem of its own.
func (r *reader) swallows(name string, next []string) bool {
	if len(next) == 0 || len(next[0]) > 1 && next[0][0] == '-' {
		return false
	}
	if value, known := compat.TakesValue(name); known {
		return value
	}
	r.unsure = true
	if near := r.Command.find(r.Command.nearestFlag(name)); near != nil {
		return !near.Switch
	}
	return len(next) > 1 // the last word is more likely APP
}

// tooMany checks the arguments. What is too much is dropped.
func (r *reader) tooMany() error {
	c, args := r.Command, r.args
	if c.Arguments != nil {
		return c.Arguments(args)
	}
	if len(args) <= c.Most {
		return nil
	}
	r.args = args[:c.Most]
	return fmt.Errorf("%s", c.leftover(args[c.Most:]))
}
