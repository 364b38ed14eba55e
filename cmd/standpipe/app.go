package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/standpipe/standpipe/cmd/internal/cli"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/exit"
	"github.com/standpipe/standpipe/cmd/internal/manual"
	"github.com/standpipe/standpipe/cmd/internal/terminal"
)

// execute runs one command line and returns the exit code. Only execute prints errors.
func execute(ctx context.Context, args []string, out, errOut io.Writer) int {
	err := newApp(out, errOut).Run(ctx, args[min(1, len(args)):])
	if err != nil {
		printError(errOut, err)
	}
	return exit.Code(err)
}

func newApp(out, errOut io.Writer) *cli.App {
	return &cli.App{
		Name: "standpipe", Usage: "serves Python WSGI applications", Out: out, Err: errOut,
		Topics: &cli.Topics{Names: manual.Names(), Page: manual.Page, Nearest: manual.Nearest, Show: manual.Show},
		Commands: slices.Concat(
			[]*cli.Command{serveCommand(), devCommand(), checkCommand(), configCommand(), exportCommand(), versionCommand()},
			controlCommands(),
			[]*cli.Command{initCommand(), importCommand(), compressCommand(), explainCommand(), completionCommand()},
		),
	}
}

// oneApp is what a command that takes the settings says about a second argument.
const oneApp = "only one APP is allowed; --app name=...,module=... names each of several apps"

// printError prints a sentence, or a list of problems.
func printError(w io.Writer, err error) {
	if err.Error() == "" {
		return
	}
	p := terminal.PaintFor(w)
	if e, ok := errors.AsType[interface {
		error
		People(p terminal.Paint) string
	}](err); ok {
		fmt.Fprint(w, e.People(p))
		return
	}
	problems, ok := errors.AsType[schema.Problems](err)
	if !ok || len(problems) == 1 {
		fmt.Fprintf(w, "%s %s\n", p.Red("standpipe:"), err)
		return
	}
	fmt.Fprintf(w, "%s %d problems\n", p.Red("standpipe:"), len(problems))
	printProblems(w, problems)
}
