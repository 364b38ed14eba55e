package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

const (
	helpColumn = 48 // where the variables begin; a longer flag has its variable two blanks later
	helpWidth  = 100
)

// flagHelp is the help of the settings' flags and of a command's own. One line has a flag's names, a placeholder for its
// value, its variable and whether it may be repeated; the next line says what it does. The template library makes none of
// it.
func flagHelp(own []cli.Flag) string {
	var b strings.Builder
	b.WriteString(settingsHelp())
	ownFlags(&b, own)
	return b.String()
}

// settingsHelp is the same for all commands, which are all made at each start.
var settingsHelp = sync.OnceValue(func() string {
	var b strings.Builder
	b.WriteString("\nFlags come before or after APP.\n\n")
	for _, s := range config.Settings() {
		if len(s.FlagNames()) == 0 {
			continue
		}
		var notes []string
		if n := s.EnvName(); n != "" {
			notes = append(notes, n)
		}
		if s.Repeatable() {
			notes = append(notes, "repeatable")
		}
		usage, _, _ := strings.Cut(strings.ReplaceAll(s.Doc, "`", ""), ". ")
		usage = strings.TrimSuffix(usage, ".")
		if s.Default != "" {
			usage += " (default: " + s.Default + ")"
		}
		helpEntry(&b, s.FlagNames(), s.Placeholder(), strings.Join(notes, ", "), usage)
	}
	return b.String()
})

// ownFlagHelp is the help of a command that has no settings.
func ownFlagHelp(own []cli.Flag) string {
	var b strings.Builder
	b.WriteString("\n")
	ownFlags(&b, own)
	return b.String()
}

func ownFlags(b *strings.Builder, own []cli.Flag) {
	for _, f := range own {
		usage := ""
		if d, ok := f.(cli.DocGenerationFlag); ok {
			usage = d.GetUsage()
		}
		value, notes := "", ""
		if s, ok := f.(*cli.StringFlag); ok {
			value, notes = s.DefaultText, "STANDPIPE_"+strings.ToUpper(s.Name)
		}
		helpEntry(b, f.Names(), value, notes, usage)
	}
	helpEntry(b, []string{"help", "h"}, "", "", "show this help")
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
