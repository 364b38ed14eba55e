package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/standpipe/standpipe/cmd/internal/cli"
	"github.com/standpipe/standpipe/cmd/internal/terminal"
)

func configCommand() *cli.Command {
	return &cli.Command{Name: "config", Usage: "show the settings in force, each with its source", ArgsUsage: "[APP]", Settings: true, Most: 1, Extra: oneApp, Action: showConfig,
		Flags: []*cli.Flag{jsonFlag()}}
}

// showConfig shows the settings in force and where each value comes from. Secrets are masked.
func showConfig(c *cli.Context) error {
	cfg, sources, err := loadConfig(c)
	if err != nil {
		return err
	}
	list := cfg.Effective(sources)
	if c.Bool("json") {
		return writeJSON(c.App.Out, list)
	}
	for _, w := range cfg.Warnings {
		fmt.Fprintln(c.App.Err, "warning:", w)
	}
	p := terminal.PaintFor(c.App.Out)
	tw := tabwriter.NewWriter(c.App.Out, 0, 0, 2, ' ', 0)
	for _, e := range list {
		value := e.Value
		if value == "" {
			value = `""`
		}
		// Colour only in the last column: its escapes would count as width.
		fmt.Fprintf(tw, "%s\t%s\t%s\n", e.Key, value, p.Faint(e.Source))
	}
	return tw.Flush()
}
