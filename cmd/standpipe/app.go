package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/exit"
	"github.com/standpipe/standpipe/cmd/internal/terminal"
)

// execute runs one command line and returns the exit code. Only execute prints errors.
func execute(ctx context.Context, args []string, out, errOut io.Writer) int {
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

// lineProblems is the key under which the actions find the problems of the command line itself.
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
		// execute prints errors and chooses the exit code.
		ExitErrHandler: func(*cli.Context, error) {},
		Commands: append([]*cli.Command{
			serveCommand(), checkCommand(), configCommand(), exportCommand(), versionCommand(), compressCommand(), explainCommand(),
		}, controlCommands()...),
	}
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

// printError prints a sentence, or a list of problems.
func printError(w io.Writer, err error) {
	if err.Error() == "" {
		return
	}
	p := terminal.PaintFor(w)
	problems, ok := errors.AsType[schema.Problems](err)
	if !ok || len(problems) == 1 {
		fmt.Fprintf(w, "%s %s\n", p.Red("standpipe:"), err)
		return
	}
	fmt.Fprintf(w, "%s %d problems\n", p.Red("standpipe:"), len(problems))
	printProblems(w, problems)
}
