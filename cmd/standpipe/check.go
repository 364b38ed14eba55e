package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/standpipe/standpipe/cmd/internal/certs"
	"github.com/standpipe/standpipe/cmd/internal/cli"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/exit"
	"github.com/standpipe/standpipe/cmd/internal/privileges"
	"github.com/standpipe/standpipe/cmd/internal/staticfiles"
	"github.com/standpipe/standpipe/cmd/internal/terminal"
)

func checkCommand() *cli.Command {
	return &cli.Command{Name: "check", Usage: "report all problems of the configuration; bind and start nothing", ArgsUsage: "[APP]", Settings: true, Most: 1, Extra: oneApp, Action: check,
		Flags: []*cli.Flag{
			{Name: "load", Usage: "import each app in its own interpreter, serve nothing; exit 3 if one does not start", Switch: true},
			{Name: "explain", Hint: "'GET URL'", Usage: "say who would answer this request, and why; nothing is asked"},
			{Name: "header", Short: "H", Hint: "'NAME: VALUE'", Usage: "with --explain: a field of the request; may be given again"},
			{Name: "client", Hint: "ADDRESS", Value: "127.0.0.1", Usage: "with --explain: the address that the request comes from"},
			jsonFlag(),
		}}
}

// check reports all problems. It binds and starts nothing, except with --load, which imports the apps.
func check(c *cli.Context) error {
	in, line, err := configInput(c)
	if err != nil {
		return err
	}
	question, err := questionOf(c)
	if err != nil {
		return err
	}
	cfg, _, err := config.Load(in)
	sound := err == nil
	if sound && question != nil && len(line) == 0 {
		return explainRequest(c, cfg, *question)
	}
	var unsure []string
	if sound && !c.Bool("load") {
		unsure, err = absent(cfg)
	}
	if sound {
		doubtful, bad := checkCertificates(cfg)
		unsure, line = append(unsure, doubtful...), append(slices.Clone(line), bad...)
	}
	err = together(line, err)
	problems, listed := errors.AsType[schema.Problems](err)
	if err != nil && !listed {
		return err
	}
	var warnings []string
	if cfg != nil {
		warnings = append(slices.Clone(cfg.Warnings), unsure...)
	}
	if err == nil {
		warnings = append(warnings, staticfiles.Unservable(cfg)...)
	}
	var load error
	var said bytes.Buffer
	if sound && c.Bool("load") {
		out := c.App.Out
		if c.Bool("json") {
			out = &said
		}
		load = checkLoad(c.Context, cfg, out)
	}
	if c.Bool("json") {
		return checkJSON(c, err, problems, warnings, load, said.String())
	}
	for _, w := range warnings {
		fmt.Fprintln(c.App.Err, "warning:", w)
	}
	if err != nil && load != nil {
		fmt.Fprintln(c.App.Err, load) // besides the problems of the command line
	}
	if err != nil {
		return err
	}
	if load != nil {
		return load
	}
	return summary(c.App.Out, cfg)
}

// absent finds the apps whose files do not exist, and those (unsure) whose modules are not in the obvious place.
func absent(cfg *config.Config) (unsure []string, err error) {
	var bad schema.Problems
	for i := range cfg.Apps {
		switch why, certain := config.Absent(&cfg.Apps[i]); {
		case certain:
			bad = append(bad, schema.Problem{Message: why})
		case why != "":
			unsure = append(unsure, why)
		}
	}
	if len(bad) > 0 {
		return unsure, bad
	}
	return unsure, nil
}

// checkCertificates reads the certificates of addresses that speak HTTPS.
func checkCertificates(cfg *config.Config) (doubtful []string, bad schema.Problems) {
	if !cfg.SpeaksTLS() {
		return nil, nil
	}
	var pairs []certs.Pair
	for _, c := range cfg.AllCertificates() {
		pairs = append(pairs, certs.Pair(c))
	}
	hosts, names := cfg.TLSHosts(), cfg.AutomaticNames()
	if cfg.ACME.OnDemand {
		hosts = nil // each of them gets one
	}
	wrong, doubtful := certs.Check(pairs, hosts, slices.Concat(names.Local, names.Public), config.ClientCAs(cfg.Listen))
	if err := privileges.KeysApart(cfg); err != nil {
		wrong = append(wrong, strings.Split(err.Error(), "\n")...)
	}
	for _, text := range wrong {
		bad = append(bad, schema.Problem{Message: text})
	}
	return doubtful, bad
}

func checkJSON(c *cli.Context, err error, problems schema.Problems, warnings []string, load error, said string) error {
	type problem struct {
		Where   string `json:"where"`
		Message string `json:"message"`
	}
	report := struct {
		OK       bool      `json:"ok"`
		Problems []problem `json:"problems"`
		Warnings []string  `json:"warnings"`
		Load     string    `json:"load,omitempty"`
	}{OK: err == nil && load == nil, Problems: []problem{}, Warnings: append([]string{}, warnings...), Load: said}
	for _, p := range problems {
		report.Problems = append(report.Problems, problem(p))
	}
	if load != nil {
		report.Load = strings.TrimSpace(said + "\n" + load.Error())
	}
	if jerr := writeJSON(c.App.Out, report); jerr != nil {
		return jerr
	}
	// The report has everything.
	switch {
	case err != nil:
		return exit.Silent(exit.Code(err))
	case load != nil:
		return exit.Silent(exit.Code(load))
	}
	return nil
}

func jsonFlag() *cli.Flag { return &cli.Flag{Name: "json", Usage: "write JSON", Switch: true} }

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// printProblems lists problems, with their places in one column.
func printProblems(w io.Writer, problems schema.Problems) {
	wide := 0
	for _, p := range problems {
		wide = max(wide, len(p.Where))
	}
	wide = min(wide, 40)
	for _, p := range problems {
		fmt.Fprintf(w, "  %-*s  %s\n", wide, p.Where, strings.ReplaceAll(p.Message, "\n", "\n"+strings.Repeat(" ", wide+2)))
	}
}

// summary prints what a valid configuration serves.
func summary(w io.Writer, cfg *config.Config) error {
	what := "the configuration is good"
	if cfg.File != "" {
		what = cfg.File + " is good"
	}
	fmt.Fprintf(w, "%s %s\n", terminal.PaintFor(w).Green("ok"), what)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, l := range cfg.Listen {
		fmt.Fprintf(tw, "  listen\t%s\n", l)
	}
	for _, r := range cfg.Routes {
		fmt.Fprintf(tw, "  route\t%s\n", terminal.Route(r))
	}
	for i := range cfg.Apps {
		a := &cfg.Apps[i]
		fmt.Fprintf(tw, "  %s\t%s\t%s\tpython %s (%s)\tworkers %d%s\n", a.Name, loads(a), terminal.Mount(a),
			a.Interpreter.Path, a.Interpreter.How, a.Workers.Min, terminal.Reason(a.Workers.Reason))
		for _, s := range a.Files.Static {
			fmt.Fprintf(tw, "  static\t%s\t%s\n", strings.TrimSuffix(a.Mount, "/")+s.URL, s.Dir)
		}
	}
	for _, s := range cfg.Static {
		fmt.Fprintf(tw, "  static\t%s\t%s\n", strings.Join(append(slices.Clone(s.Hosts), s.URL), " "), s.Dir)
	}
	return tw.Flush()
}

func loads(a *config.App) string {
	switch {
	case a.Module == "":
		return "first of " + strings.Join(a.Candidates, " ")
	case a.How != "":
		return a.Module + " (" + a.How + ")"
	}
	return a.Module
}
