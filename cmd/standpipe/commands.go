package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/standpipe/standpipe/cmd/internal/compat"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/exit"
)

// version is the release; the build may set it with -ldflags "-X main.version=...".
var version = "0.1.0"

// run runs one command line and returns the exit code. Errors are printed here and nowhere else.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	app := newApp(out, errOut)
	args, problems, err := arrange(app, args)
	if err == nil {
		app.Metadata[lineProblems] = problems
		err = app.RunContext(ctx, args)
	}
	if err != nil {
		printError(errOut, err)
	}
	return exit.Code(err)
}

// lineProblems is where the actions find what is wrong with the command line itself.
const lineProblems = "problems"

func newApp(out, errOut io.Writer) *cli.App {
	app := &cli.App{
		Name:    "standpipe",
		Usage:   "serves Python WSGI applications",
		Version: version, Metadata: map[string]any{},
		Writer: out, ErrWriter: errOut,
		HideVersion: true, // `standpipe version`, and --version by arrange
		// A comma is part of a value: -e HOSTS=a,b is one variable.
		DisableSliceFlagSeparator: true,
		// run alone prints errors and chooses the exit code.
		ExitErrHandler: func(*cli.Context, error) {},
		Commands: []*cli.Command{
			{Name: "serve", Usage: "serve the app", ArgsUsage: "[APP]", Action: serve, Description: serveText},
			{Name: "check", Usage: "say all that is wrong with the configuration; bind and start nothing", ArgsUsage: "[APP]", Action: check,
				Flags: []cli.Flag{
					&cli.BoolFlag{Name: "load", Usage: "import each app in its own interpreter, serve nothing; exit 3 if one does not start"},
					&cli.BoolFlag{Name: "json", Usage: "write JSON"},
				}},
			{Name: "config", Usage: "show the settings in force, each with its source", ArgsUsage: "[APP]", Action: showConfig,
				Flags: []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "write JSON"}}},
			exportCommand(),
			// control.go has the commands for what runs.
			{Name: "version", Usage: "say which standpipe this is", Action: func(c *cli.Context) error {
				_, err := fmt.Fprintf(c.App.Writer, "standpipe %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
				return err
			}},
		},
	}
	app.Commands = append(append(app.Commands, compressCommand(), explainCommand()), controlCommands()...)
	usage := func(_ *cli.Context, err error, _ bool) error { return exit.With(exit.Usage, err) }
	app.OnUsageError = usage
	for _, c := range app.Commands {
		c.OnUsageError = usage
		c.HideHelpCommand = true
		c.CustomHelpTemplate = commandHelp
		switch {
		case c.Category == forRunning, c.Category == forFiles, c.Category == forReading:
			c.CustomHelpTemplate += ownFlagHelp(c.Flags)
		case c.Name != "version":
			c.CustomHelpTemplate += flagHelp(c.Flags)
			c.Flags = append(settingFlags(), c.Flags...)
		}
	}
	return app
}

// commandHelp is a command's help up to its flags, which flagHelp writes.
const commandHelp = `standpipe {{.Name}} - {{.Usage}}

   standpipe {{.Name}}{{if .VisibleFlags}} [flags]{{end}} {{.ArgsUsage}}
{{if .Description}}
{{.Description}}
{{end}}`

const serveText = `APP is module:callable, module:factory, a package or module, or a file: shop.wsgi:application, blog:create_app,
app.py, deploy/app.wsgi. Without APP, standpipe.toml or the current folder says what to serve.

   standpipe serve
   standpipe serve shop.wsgi:application -w 4 -b 0.0.0.0:8080
   standpipe serve -c standpipe.toml -w shop=8

docs/settings.md describes every flag.`

// settingFlags are the flags of the table of settings.
func settingFlags() []cli.Flag {
	var out []cli.Flag
	for _, s := range config.Settings() {
		names := s.FlagNames()
		if len(names) == 0 {
			continue
		}
		name, aliases := names[0], names[1:]
		if s.Repeatable() {
			out = append(out, &cli.StringSliceFlag{Name: name, Aliases: aliases})
		} else {
			out = append(out, &cli.StringFlag{Name: name, Aliases: aliases})
		}
	}
	return out
}

// configInput is what the configuration is made of: the command line, the environment, the folder. Its error carries the
// exit code. problems are what is wrong with the command line itself; the configuration is read all the same, so that all
// its problems are told at once.
func configInput(c *cli.Context) (in config.Input, problems schema.Problems, err error) {
	dir, err := os.Getwd()
	if err != nil {
		return config.Input{}, nil, exit.With(exit.Failed, fmt.Errorf("the current folder cannot be found: %w", err))
	}
	problems, _ = c.App.Metadata[lineProblems].(schema.Problems)
	in = config.Input{App: c.Args().First(), Environ: os.Environ(), Dir: dir, Pid: os.Getpid(), Tolerant: c.Command.Name == "serve"}
	for _, s := range config.Settings() {
		names := s.FlagNames()
		if len(names) == 0 || !c.IsSet(names[0]) {
			continue
		}
		f := schema.Flag{Name: names[0]}
		if s.Repeatable() {
			f.Values = c.StringSlice(f.Name)
		} else {
			f.Values = []string{c.String(f.Name)}
		}
		if s.Key == "worker_class" || s.Key == "worker_connections" {
			continue
		}
		in.Flags = append(in.Flags, f)
	}
	greenlets, bad := compat.Greenlets(c.String("worker-class"), c.String("worker-connections"), c.IsSet("worker-class"), c.IsSet("worker-connections"))
	for _, err := range bad {
		problems = append(problems, schema.Problem{Message: err.Error()})
	}
	if greenlets != "" && !c.IsSet("gevent") {
		in.Flags = append(in.Flags, schema.Flag{Name: "gevent", Values: []string{greenlets}})
	}
	return in, problems, nil
}

// loadConfig is the configuration that they make together. Its error carries the exit code.
func loadConfig(c *cli.Context) (*config.Config, *schema.Sources, error) {
	in, problems, err := configInput(c)
	if err != nil {
		return nil, nil, err
	}
	cfg, sources, err := config.Load(in)
	return cfg, sources, together(problems, err)
}

// together is one error of what is wrong with the command line and of what Load has found.
func together(problems schema.Problems, err error) error {
	if more, ok := errors.AsType[schema.Problems](err); ok {
		return exit.With(exit.Usage, append(slices.Clone(problems), more...))
	}
	if err == nil && len(problems) == 0 {
		return nil
	}
	return exit.With(exit.Usage, cmp.Or[error](err, problems))
}

// printError prints one sentence, or the list of problems.
func printError(w io.Writer, err error) {
	if err.Error() == "" {
		return
	}
	p := paint{colour(w)}
	problems, ok := errors.AsType[schema.Problems](err)
	if !ok || len(problems) == 1 {
		fmt.Fprintf(w, "%s %s\n", p.red("standpipe:"), err)
		return
	}
	fmt.Fprintf(w, "%s %d problems\n", p.red("standpipe:"), len(problems))
	printProblems(w, problems)
}
