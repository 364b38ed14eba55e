package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/cli"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/discover"
	"github.com/standpipe/standpipe/cmd/internal/exit"
	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

const initText = `The file has what "standpipe serve" finds here (the app, its interpreter, the number of workers) and the settings that are
changed most, as comments. A standpipe.toml that exists is not overwritten.`

func initCommand() *cli.Command {
	return &cli.Command{
		Name: "init", Usage: "write a commented standpipe.toml for the current folder", Category: forFiles, Description: initText, Action: initFile,
		Flags: []*cli.Flag{{Name: "stdout", Switch: true, Usage: "print the file instead of writing it"}},
	}
}

func initFile(c *cli.Context) error {
	dir, err := os.Getwd()
	if err != nil {
		return exit.With(exit.Failed, fmt.Errorf("the current folder cannot be found: %w", err))
	}
	file := filepath.Join(dir, discover.ConfigFile)
	if _, err := os.Stat(file); err == nil && !c.Bool("stdout") {
		return cli.UsageError("%s is there already; --stdout prints what a new one would have", discover.ConfigFile)
	}
	// What the settings are without a file.
	environ := slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "STANDPIPE_") || strings.HasPrefix(kv, "PORT=") })
	cfg, _, err := config.Load(config.Input{Environ: environ, Dir: dir, Pid: os.Getpid(), WithoutFile: true})
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	text := initial(cfg, dir)
	if c.Bool("stdout") {
		return writeNew(c.App.Out, "", text)
	}
	if err := writeNew(c.App.Out, file, text); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Out, "%s is written; \"standpipe serve\" reads it here, and \"standpipe check\" checks it\n", discover.ConfigFile)
	return err
}

// initial is a file for the settings that were found.
func initial(cfg *config.Config, dir string) string {
	d := &draft.Draft{Title: []string{"The settings of standpipe for this folder. Lines that begin with # are suggestions.", "docs/settings.md has every setting; \"standpipe config\" shows those in force."}}
	none := draft.Place{}
	l := d.Add("[[listen]]")
	l.Comment()
	l.Remark("Where clients connect: host:port, :port for every address of the machine, or unix:/path. Without it: 127.0.0.1:8000, or 0.0.0.0 and")
	l.Remark("the variable PORT. ${PORT:-8000} is that variable, or 8000.")
	l.Suggest(none, "address", ":"+draft.VariableOr("PORT", "8000"))
	app := &cfg.Apps[0]
	t := d.Add("[[app]]")
	t.Set(none, "name", app.Name)
	switch {
	case app.Module != "":
		t.Set(none, "module", app.Module)
	case len(app.Candidates) == 1:
		t.Set(none, "module", app.Candidates[0])
	default:
		t.Remark("Without module these are tried, and the first that has an app is served: %s.", strings.Join(app.Candidates, ", "))
		t.Suggest(none, "module", app.Candidates[0])
	}
	t.Remark("The interpreter is %s (%s).", app.Interpreter.Path, app.Interpreter.How)
	venv := ".venv"
	if found, ok := strings.CutPrefix(app.Interpreter.How, "found "); ok {
		venv = found
	}
	t.Suggest(none, "venv", venv)
	t.Remark("Workers are processes; each runs as many requests at a time as it has threads. Without the key: %d%s, or WEB_CONCURRENCY.", app.Workers.Min, reasonOf(app.Workers.Reason))
	t.Suggest(none, "workers", app.Workers.Min)
	t.Suggest(none, "threads", 4)
	t.Suggest(none, "timeout", schema.FormatDuration(app.Requests.Timeout))
	t.Suggest(none, "max_requests", 1000)
	if isFile(filepath.Join(dir, ".env")) {
		t.Set(none, "env_file", ".env")
	} else {
		t.Suggest(none, "env_file", ".env")
	}
	t.Suggest(none, "env", []draft.Pair{{Name: "NAME", Value: "value"}})
	t.Suggest(none, "hosts", []string{"shop.example.org"})
	folders(t, dir)
	logs := d.Add("[log]")
	logs.Remark("Where the logs go: - is standard output and error, off is nowhere.")
	logs.Suggest(none, "access_log", cfg.Logs.Access)
	logs.Suggest(none, "error_log", cfg.Logs.Error)
	limits := d.Add("[limits]")
	limits.Suggest(none, "max_body", schema.FormatSize(cfg.Limits.MaxBody))
	return d.String()
}

func reasonOf(reason string) string {
	if reason == "" {
		return ""
	}
	return " here (" + reason + ")"
}

// folders suggests folders of files that look like some. What the framework declares is served by itself.
func folders(app *draft.Table, dir string) {
	app.Remark("The static files that Flask, Django and Pyramid declare are served by themselves. [[app.static]] adds a folder.")
	for _, name := range []string{"static", "staticfiles", "media", "public", "assets"} {
		if st, err := os.Stat(filepath.Join(dir, name)); err == nil && st.IsDir() {
			s := app.Add("[[app.static]]")
			s.Comment()
			s.Suggest(draft.Place{}, "url", "/"+name+"/")
			s.Suggest(draft.Place{}, "dir", name)
		}
	}
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}
