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
	if a.Topics != nil {
		b.WriteString("\ntopics:\n")
		wrapped(&b, "   ", strings.Join(a.Topics.Names, ", "))
	}
	fmt.Fprintf(&b, "\n%s help COMMAND or TOPIC says more about one; settings and events of the log have help by their names, too.\n", a.Name)
	_, err := io.WriteString(w, b.String())
	return err
}

// briefHelp is the help of a command that takes the flags of all settings: the ones that are needed first, on one screen.
func (a *App) briefHelp(w io.Writer, c *Command) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s - %s\n\n   %s\n", a.Name, c.Name, c.Usage, strings.TrimSpace(fmt.Sprint(a.Name, " ", c.Name, " [flags] ", c.ArgsUsage)))
	type entry struct{ heading, flag, usage string }
	var entries []entry
	for _, g := range c.First {
		heading := g.Heading
		for _, f := range g.Flags {
			entries = append(entries, entry{heading, flagWith(c.find(f.Name), f.Value), f.Usage})
			heading = ""
		}
	}
	if len(c.First) == 0 && c.Description != "" {
		b.WriteString("\n" + c.Description + "\n")
	}
	for _, f := range c.Flags {
		entries = append(entries, entry{"", flagWith(f, f.Hint), f.Usage})
	}
	wide, flags := 0, 0
	for _, e := range entries {
		wide, flags = max(wide, len(e.heading)), max(flags, min(len(e.flag), briefColumn))
	}
	b.WriteString("\n")
	for _, e := range entries {
		lead := fmt.Sprintf("   %-*s  %-*s  ", wide, e.heading, flags, e.flag)
		if wide == 0 {
			lead = fmt.Sprintf("   %-*s  ", flags, e.flag)
		}
		if len(e.flag) > briefColumn {
			b.WriteString(strings.TrimRight(lead, " ") + "\n")
			lead = strings.Repeat(" ", len(lead)-len(e.flag)+flags)
		}
		wrapped(&b, lead, e.usage)
	}
	all := fmt.Sprint(a.Name, " ", c.Name, " --help all")
	fmt.Fprintf(&b, "\n   %s  every flag: those of all settings, too\n   %-*s  %s\n", all, len(all), a.Name+" help TOPIC", a.firstTopics())
	_, err := io.WriteString(w, b.String())
	return err
}

// briefColumn is how wide the column of flags becomes at most.
const briefColumn = 26

// firstTopics are topics as examples.
func (a *App) firstTopics() string {
	if a.Topics == nil {
		return ""
	}
	return strings.Join(a.Topics.Names[:min(3, len(a.Topics.Names))], ", ") + ", ...; or a setting"
}

// flagWith is a flag with its letter and what stands for its value.
func flagWith(f *Flag, value string) string {
	names := f.names()
	out := "    --" + names[0]
	for _, n := range names {
		if len(n) == 1 {
			out = "-" + n + ", --" + names[0]
		}
	}
	if value != "" {
		out += " " + value
	}
	return out
}

// wrapped writes a text behind lead, in lines that are not too long.
func wrapped(b *strings.Builder, lead, text string) {
	line := lead
	for word := range strings.FieldsSeq(text) {
		if len(line) > len(lead) && len(line)+len(word) > helpWidth {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = strings.Repeat(" ", len(lead))
		}
		line += word + " "
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
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
