package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/standpipe/standpipe/cmd/internal/compat"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/exit"
)

// arrange makes a command line that the cli library reads in full: the library stops at the first argument that is not a
// flag, and ignores the rest. So flags go first, in the form --name=value, then "--", then APP. An argument that is neither
// a flag, a value nor APP is a problem; all of them are found, and a command that reads the settings reports them together
// with those of the settings. Flags may have gunicorn's forms: -w 4, -w4, -w=4, --workers 4, --workers=4.
func arrange(app *cli.App, args []string) (arranged []string, problems schema.Problems, err error) {
	if len(args) < 2 {
		return []string{app.Name, "help"}, nil, nil
	}
	name, rest := args[1], args[2:]
	switch name {
	case "help", "h", "-h", "--help", "-help":
		return append([]string{app.Name, "help"}, rest...), nil, nil
	case "-v", "--version", "-version":
		name = "version"
	}
	i := slices.IndexFunc(app.Commands, func(c *cli.Command) bool { return c.Name == name })
	if i < 0 {
		return nil, nil, usageError("%s", unknownCommand(app, name))
	}
	a := arranger{command: app.Commands[i], out: []string{app.Name, name}}
	a.run(rest)
	if slices.Contains(a.out, "--help") {
		return []string{app.Name, name, "--help", "--"}, nil, nil
	}
	most := 1
	switch {
	case a.command.Category == forRunning:
		if err := checkArguments(a.command, a.left); err != nil && !a.unsure {
			a.problem("", "%s", err.Error())
		}
		most = len(a.left)
	case name == "version":
		most = 0
	case name == "export": // the kind of file comes first
		most = 2
	}
	if len(a.left) > most {
		if !a.unsure {
			a.problem("", "%s", leftover(name, a.left[most:], most))
		}
		a.left = a.left[:most]
	}
	if len(a.problems) > 0 && !hasSettings(a.command) {
		return nil, nil, exit.With(exit.Usage, a.problems)
	}
	return append(append(a.out, "--"), a.left...), a.problems, nil
}

// hasSettings reports whether the command takes the flags of the settings.
func hasSettings(c *cli.Command) bool { return c.Category == "" && c.Name != "version" }

func usageError(format string, args ...any) error {
	return exit.With(exit.Usage, fmt.Errorf(format, args...))
}

type arranger struct {
	command  *cli.Command
	out      []string // flags
	left     []string // arguments that are not flags
	problems schema.Problems
	unsure   bool // a flag is unknown, so the word after it may be its value or an argument
}

func (a *arranger) problem(where, format string, args ...any) {
	a.problems = append(a.problems, schema.Problem{Where: where, Message: fmt.Sprintf(format, args...)})
}

func (a *arranger) run(args []string) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			a.left = append(a.left, args...)
			return
		case strings.HasPrefix(arg, "--"):
			name, value, has := strings.Cut(arg[2:], "=")
			args = args[a.flag(name, value, has, args):]
		case len(arg) > 1 && arg[0] == '-':
			value := strings.TrimPrefix(arg[2:], "=")
			args = args[a.flag(arg[1:2], value, len(arg) > 2, args):]
		case arg == "" && a.command.Name == "explain": // the same as no argument
		case arg == "" && len(a.left) == 0:
			a.problem("", "APP is empty (an unset variable?); omit it, or name a module such as shop.wsgi:application")
		default:
			a.left = append(a.left, arg)
		}
	}
}

// flag takes one flag. value is what was attached to it (has); otherwise it is the next argument, and used is 1.
func (a *arranger) flag(name, value string, has bool, next []string) (used int) {
	if name == "help" || name == "h" {
		a.out = append(a.out, "--help")
		return 0
	}
	f := a.find(name)
	if f == nil {
		where, say := unknownFlag(a.command, name)
		a.problem(where, "%s", say)
		if !has && a.swallows(name, next) {
			return 1
		}
		return 0
	}
	long := "--" + f.Names()[0]
	isSwitch := false
	if _, isSwitch = f.(*cli.BoolFlag); !isSwitch {
		s := config.FindFlag(f.Names()[0])
		isSwitch = s != nil && s.Kind == schema.Switch
	}
	if isSwitch && !has { // without a value it is on; a word for on or off after it is its value
		value, has = "on", true
		if len(next) > 0 {
			if _, err := schema.ParseSwitch(next[0]); err == nil {
				value, used = next[0], 1
			}
		}
	}
	if _, ok := f.(*cli.BoolFlag); ok {
		switch on, err := schema.ParseSwitch(value); {
		case err != nil:
			a.problem(long, "%q is not on or off; %s alone is on", value, long)
		case on:
			a.out = append(a.out, long)
		}
		return used
	}
	if !has {
		// An argument that begins with a dash is the next flag, except for the dash alone, which is standard output, and
		// a negative number, which is a wrong value.
		if len(next) == 0 || len(next[0]) > 1 && next[0][0] == '-' && (next[0][1] < '0' || next[0][1] > '9') {
			a.problem("", "%s needs a value; write %s=VALUE", schema.Dashed(name), long)
			return 0
		}
		value, used = next[0], 1
	}
	a.out = append(a.out, long+"="+value)
	return used
}

// swallows reports whether the first word of next is probably the value of a flag that the command does not have. Then it
// is not a problem of its own.
func (a *arranger) swallows(name string, next []string) bool {
	if len(next) == 0 || len(next[0]) > 1 && next[0][0] == '-' {
		return false
	}
	if value, known := compat.TakesValue(name); known {
		return value
	}
	a.unsure = true
	if near := a.find(nearestFlag(a.command, name)); near != nil {
		s := config.FindFlag(near.Names()[0])
		return s == nil || s.Kind != schema.Switch
	}
	return len(next) > 1 // the last word is more likely APP
}

func (a *arranger) find(name string) cli.Flag {
	for _, f := range a.command.Flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func unknownCommand(app *cli.App, name string) string {
	if strings.HasPrefix(name, "-") {
		return fmt.Sprintf("%s comes before the command; write: standpipe serve %s ...", name, name)
	}
	var names []string
	for _, c := range app.Commands {
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

// unknownFlag explains a flag that the command does not have: it belongs to another server, or one of ours is near.
func unknownFlag(c *cli.Command, name string) (where, say string) {
	shown := schema.Dashed(name)
	if hasSettings(c) {
		if say := compat.Explain(name); say != "" {
			return shown, say
		}
	}
	if near := nearestFlag(c, name); near != "" {
		return "", fmt.Sprintf("unknown flag %s; did you mean --%s?", shown, near)
	}
	return "", fmt.Sprintf("unknown flag %s; standpipe %s --help lists the flags", shown, c.Name)
}

// nearestFlag is the flag of the command that was probably meant; empty: none is near.
func nearestFlag(c *cli.Command, name string) string {
	if len(name) < 2 {
		return ""
	}
	var names []string
	for _, f := range c.Flags {
		for _, n := range f.Names() {
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

func leftover(command string, left []string, most int) string {
	what := fmt.Sprintf("unexpected argument `%s`", left[0])
	if len(left) > 1 {
		what = fmt.Sprintf("unexpected arguments `%s`", strings.Join(left, "`, `"))
	}
	if most == 0 {
		return fmt.Sprintf("%s: standpipe %s takes no arguments", what, command)
	}
	if command == "explain" {
		return what + ": only one EVENT or CODE is allowed"
	}
	if command == "compress" {
		return what + ": only one DIR is allowed"
	}
	return what + ": only one APP is allowed; --app name=...,module=... names each of several apps"
}
