package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

const (
	helpColumn = 48 // where the variables begin; a longer flag has its variable two blanks later
	helpWidth  = 100
)

// help lists the commands under their headings.
func (a *App) help(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s - %s\n\n   %[1]s COMMAND [flags] [arguments]\n", a.Name, a.Usage)
	wide := 0
	for _, c := range a.Commands {
		wide = max(wide, len(c.Name))
	}
	for _, heading := range a.headings() {
		b.WriteString("\n" + heading + ":\n")
		for _, c := range a.Commands {
			if c.heading() == heading {
				fmt.Fprintf(&b, "   %-*s  %s\n", wide, c.Name, c.Usage)
			}
		}
	}
	fmt.Fprintf(&b, "\n%s help COMMAND, or %[1]s COMMAND --help, says more about one.\n", a.Name)
	_, err := io.WriteString(w, b.String())
	return err
}

// commandHelp is the help of a command. One line has a flag's names, a placeholder for its value, its variable and whether
// it may be repeated; the next lines say what it does.
func (a *App) commandHelp(w io.Writer, c *Command) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s - %s\n\n   %[1]s %[2]s [flags]", a.Name, c.Name, c.Usage)
	if c.ArgsUsage != "" {
		b.WriteString(" " + c.ArgsUsage)
	}
	b.WriteString("\n")
	if c.Description != "" {
		b.WriteString("\n" + c.Description + "\n")
	}
	if c.Settings {
		b.WriteString("\nFlags come before or after APP.\n")
	}
	b.WriteString("\n")
	for _, f := range c.flags() {
		if f.setting != nil {
			settingHelp(&b, f.setting)
		} else {
			helpEntry(&b, f.names(), f.Hint, f.Env, f.Usage)
		}
	}
	helpEntry(&b, []string{"help", "h"}, "", "", "show this help")
	_, err := io.WriteString(w, b.String())
	return err
}

// summary is the first sentence about a setting.
func summary(s *schema.Setting) string {
	first, _, _ := strings.Cut(strings.ReplaceAll(s.Doc, "`", ""), ". ")
	return strings.TrimSuffix(first, ".")
}

func settingHelp(b *strings.Builder, s *schema.Setting) {
	var notes []string
	if n := s.EnvName(); n != "" {
		notes = append(notes, n)
	}
	if s.Repeatable() {
		notes = append(notes, "repeatable")
	}
	usage := summary(s)
	if s.Default != "" {
		usage += " (default: " + s.Default + ")"
	}
	helpEntry(b, s.FlagNames(), s.Placeholder(), strings.Join(notes, ", "), usage)
}

func helpEntry(b *strings.Builder, names []string, value, notes, usage string) {
	// The one-letter name goes first, as everywhere.
	names = slices.Clone(names)
	slices.SortStableFunc(names, func(a, b string) int { return min(len(a), 2) - min(len(b), 2) })
	for i, n := range names {
		names[i] = schema.Dashed(n)
	}
	line := "   " + strings.Join(names, ", ")
	if value != "" {
		line += " " + value
	}
	if notes != "" {
		line = fmt.Sprintf("%-*s  %s", helpColumn-2, line, notes)
	}
	b.WriteString(line + "\n")
	line = "       "
	for word := range strings.FieldsSeq(usage) {
		if len(line)+1+len(word) > helpWidth {
			b.WriteString(line + "\n")
			line = "       "
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}
