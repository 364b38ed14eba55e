package cli

import (
	"context"
	"io"
	"slices"

	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// App is the table of commands.
type App struct {
	Name, Usage string
	Commands    []*Command
	// Out is standard output. Err is for warnings and progress; errors are returned.
	Out, Err io.Writer
	// Topics are what help shows beside the commands; nil: nothing.
	Topics *Topics
}

// Topics are the pages of help.
type Topics struct {
	Names   []string
	Page    func(name string) (page string, ok bool) // a topic, or what else has a page
	Nearest func(name string) string                 // what was probably meant; empty: nothing is near
	Show    func(w io.Writer, page string) error
}

// Command is one command. Its Action gets what the command line says.
type Command struct {
	Name, Usage string
	Category    string          // the heading in the list of commands; empty: none
	ArgsUsage   string          // "[APP]"
	Words       func() []string // what completion offers as the first argument, beside the words of ArgsUsage; nil: nothing
	Description string
	Flags       []*Flag
	Settings    bool        // it takes the flags of all settings too
	First       []FlagGroup // the settings' flags that its help shows; --help all shows all of them
	Action      func(*Context) error

	// Arguments checks the arguments; nil: there may be Most, and Extra says what a longer list is told.
	Arguments func(args []string) error
	Most      int
	Extra     string
	Blank     bool // an empty argument is as none; else it is a problem
}

// Flag is a flag of a command. It takes a value, unless it is a Switch.
type Flag struct {
	Name   string // with two dashes
	Short  string // with one dash; empty: none
	Usage  string
	Hint   string // what stands for the value in help
	Env    string // the variable that the command reads too; empty: none
	Value  string // without the flag
	Switch bool   // without a value it is on

	setting *schema.Setting // whose flag it is; nil: the command's own
}

// FlagGroup is a few flags of settings under a heading.
type FlagGroup struct {
	Heading string
	Flags   []BriefFlag
}

// BriefFlag is a setting's flag as a first-time reader needs it.
type BriefFlag struct{ Name, Value, Usage string }

// flagOf is the flag of a setting that has one.
func flagOf(s *schema.Setting) *Flag {
	return &Flag{Name: s.FlagNames()[0], Switch: s.Kind == schema.Switch, setting: s}
}

// names are all names, the long one first.
func (f *Flag) names() []string {
	if f.setting != nil {
		return f.setting.FlagNames()
	}
	if f.Short != "" {
		return []string{f.Name, f.Short}
	}
	return []string{f.Name}
}

// flags are the settings' flags, where the command takes them, and its own.
func (c *Command) flags() []*Flag {
	if !c.Settings {
		return c.Flags
	}
	var out []*Flag
	for _, s := range config.Settings() {
		if len(s.FlagNames()) > 0 {
			out = append(out, flagOf(s))
		}
	}
	return append(out, c.Flags...)
}

// find returns the flag of that name without dashes; nil: there is none.
func (c *Command) find(name string) *Flag {
	for _, f := range c.Flags {
		if slices.Contains(f.names(), name) {
			return f
		}
	}
	if c.Settings {
		if s := config.FindFlag(name); s != nil {
			return flagOf(s)
		}
	}
	return nil
}

func (a *App) command(name string) *Command {
	i := slices.IndexFunc(a.Commands, func(c *Command) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return a.Commands[i]
}

// Run reads a command line without the program's name and runs its command. Errors of the command line have the exit code
// for wrong usage.
func (a *App) Run(ctx context.Context, args []string) error {
	c, err := a.Read(ctx, args)
	switch {
	case err != nil:
		return err
	case c.help && c.Command == nil:
		return a.help(a.Out)
	case c.help && c.Command.Settings && !c.all:
		return a.briefHelp(a.Out, c.Command)
	case c.help:
		return a.commandHelp(a.Out, c.Command)
	case c.page != "":
		return a.Topics.Show(a.Out, c.page)
	}
	return c.Command.Action(c)
}
