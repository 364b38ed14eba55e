package events

import (
	_ "embed"
	"fmt"
	"io"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/exit"
)

// pageHead is the beginning of docs/logs.md, up to the tables.
//
//go:embed page.md
var pageHead string

// Field is a field of an event, with its meaning.
type Field struct {
	Name  string `json:"name"`
	Means string `json:"means"`
}

// Explained returns the event's fields with their meanings.
func (e Event) Explained() []Field {
	list := make([]Field, len(e.Fields))
	for i, name := range e.Fields {
		list[i] = Field{name, fields[name]}
	}
	return list
}

// Explain writes the entry of the event for people.
func (e Event) Explain(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n\n  %s\n\n  What to do: %s\n", e.Name, e.Levels, e.Message, e.Do)
	if len(e.Fields) > 0 {
		b.WriteString("\n  Fields:\n")
	}
	for _, f := range e.Explained() {
		fmt.Fprintf(&b, "    %-15s %s\n", f.Name, f.Means)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WritePage writes docs/logs.md.
func WritePage(w io.Writer) error {
	var b strings.Builder
	b.WriteString(pageHead)
	b.WriteString("\n## Exit codes\n\n`standpipe explain 3` prints one of these.\n\n| code | means | what to do |\n| --- | --- | --- |\n")
	for _, c := range exit.Codes {
		fmt.Fprintf(&b, "| %d | %s | %s |\n", c.Code, cell(c.Means), cell(c.Do))
	}
	b.WriteString("\n## Events\n\n`standpipe explain queue_full` prints one of these, `standpipe explain` lists them, `--json` is for programs.\n")
	for _, e := range All() {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n- level: %s\n- what to do: %s\n", e.Name, e.Message, e.Levels, e.Do)
		if len(e.Fields) > 0 {
			fmt.Fprintf(&b, "- fields: `%s`\n", strings.Join(e.Fields, "`, `"))
		}
	}
	b.WriteString("\n## Fields\n\nOne key means one thing in all events.\n\n| key | means |\n| --- | --- |\n")
	for _, name := range fieldNames() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, cell(fields[name]))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
