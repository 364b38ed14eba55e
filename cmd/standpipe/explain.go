package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/cli"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/events"
	"github.com/standpipe/standpipe/cmd/internal/exit"
)

const explainText = `Prints what a record of the error log means and what to do about it, or what an exit code means. Without an argument it lists
all events and exit codes. docs/logs.md has the same.

   standpipe explain queue_full
   standpipe explain 3`

// forReading are the commands that only print something.
const forReading = "for reading"

func explainCommand() *cli.Command {
	return &cli.Command{Name: "explain", Usage: "explain an event of the log or an exit code", ArgsUsage: "[EVENT|CODE]", Action: explain, Description: explainText, Category: forReading, Most: 1, Extra: "only one EVENT or CODE is allowed", Blank: true,
		Flags: []*cli.Flag{jsonFlag()}, Words: eventNames}
}

func eventNames() (names []string) {
	for _, e := range events.All() {
		names = append(names, e.Name)
	}
	return names
}

// explained is an event in JSON, with what its fields mean.
type explained struct {
	events.Event
	Fields []events.Field `json:"fields"`
}

func explain(c *cli.Context) error {
	asJSON := func(v any) error {
		e := json.NewEncoder(c.App.Out)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	name := strings.ToLower(c.Arg(0))
	if name == "" {
		return explainAll(c, asJSON)
	}
	if code, err := strconv.Atoi(name); err == nil {
		for _, m := range exit.Codes {
			if m.Code == code && c.Bool("json") {
				return asJSON(m)
			} else if m.Code == code {
				_, err := fmt.Fprintf(c.App.Out, "exit code %d\n\n  %s\n\n  What to do: %s\n", m.Code, m.Means, m.Do)
				return err
			}
		}
		return exit.With(exit.Usage, fmt.Errorf("unknown exit code %d; standpipe explain lists them", code))
	}
	e, ok := events.Of(name)
	switch {
	case !ok:
		names := eventNames()
		suggestion := "standpipe explain lists all"
		alike := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !strings.Contains(n, name) })
		if near := schema.Nearest(name, names); near != "" {
			suggestion = "did you mean " + near + "?"
		} else if len(alike) > 0 && len(alike) <= 8 {
			suggestion = "did you mean " + strings.Join(alike, ", ") + "?"
		}
		return exit.With(exit.Usage, fmt.Errorf("unknown event %q: %s", name, suggestion))
	case c.Bool("json"):
		return asJSON(explained{e, e.Explained()})
	}
	return e.Explain(c.App.Out)
}

func explainAll(c *cli.Context, asJSON func(any) error) error {
	if c.Bool("json") {
		list := []explained{}
		for _, e := range events.All() {
			list = append(list, explained{e, e.Explained()})
		}
		return asJSON(map[string]any{"events": list, "exit_codes": exit.Codes})
	}
	for _, m := range exit.Codes {
		if _, err := fmt.Fprintf(c.App.Out, "%-24d %s\n", m.Code, m.Means); err != nil {
			return err
		}
	}
	for _, e := range events.All() {
		if _, err := fmt.Fprintf(c.App.Out, "%-24s %s\n", e.Name, e.Message); err != nil {
			return err
		}
	}
	return nil
}
