package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/cli"
	"github.com/standpipe/standpipe/cmd/internal/discover"
	"github.com/standpipe/standpipe/cmd/internal/exit"
	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
	"github.com/standpipe/standpipe/cmd/internal/moving/gunicorn"
	"github.com/standpipe/standpipe/cmd/internal/moving/nginx"
	"github.com/standpipe/standpipe/cmd/internal/moving/uwsgi"
)

const importText = `Reads another server's configuration and prints a standpipe.toml that does the same: each key with the line that it comes
from, and a comment for each line that has no equivalent. Values that are computed are resolved as that server does: a
gunicorn.conf.py is run by the project's python.

   standpipe import gunicorn gunicorn.conf.py --output standpipe.toml
   standpipe import uwsgi uwsgi.ini
   standpipe import nginx /etc/nginx/sites-enabled/shop

docs/migrating.md says more.`

// importKinds are the servers whose configuration can be read.
var importKinds = []string{"gunicorn", "uwsgi", "nginx"}

func importCommand() *cli.Command {
	return &cli.Command{
		Name: "import", Usage: "make a standpipe.toml of the configuration of " + strings.Join(importKinds, ", "), ArgsUsage: strings.Join(importKinds, "|") + " FILE",
		Description: importText, Category: forFiles, Most: 2, Extra: "only one FILE is allowed", Action: importFile,
		Flags: []*cli.Flag{
			{Name: "output", Hint: "FILE", Usage: "write the file instead of printing it; a file that exists is not overwritten"},
			{Name: "python", Hint: "PATH", Usage: "the interpreter that runs a gunicorn.conf.py; by default as serve finds it"},
		},
	}
}

func importFile(c *cli.Context) error {
	kind, file := c.Arg(0), c.Arg(1)
	if file == "" {
		return cli.UsageError("import needs a server and its file; write: standpipe import gunicorn gunicorn.conf.py")
	}
	dir, err := os.Getwd()
	if err != nil {
		return exit.With(exit.Failed, fmt.Errorf("the current folder cannot be found: %w", err))
	}
	output, out := c.String("output"), dir
	if output != "" {
		if output, err = filepath.Abs(output); err != nil {
			return exit.With(exit.Failed, err)
		}
		out = filepath.Dir(output)
	}
	var d *draft.Draft
	switch kind {
	case "gunicorn":
		python, perr := findPython(dir, c.String("python"))
		if perr != nil {
			return exit.With(exit.Usage, perr)
		}
		d, err = gunicorn.Import(c, gunicorn.Input{File: file, Dir: dir, Out: out, Python: python, Environ: os.Environ()})
	case "uwsgi":
		d, err = uwsgi.Import(uwsgi.Input{File: file, Dir: dir, Out: out, Environ: os.Environ()})
	case "nginx":
		d, err = nginx.Import(nginx.Input{File: file, Dir: dir, Out: out})
	default:
		return cli.UsageError("%q is not one of %s", kind, strings.Join(importKinds, ", "))
	}
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	d.Title = append([]string{
		fmt.Sprintf("Made by \"standpipe import %s %s\".", kind, file),
		"\"standpipe check -c standpipe.toml\" reports what is not as it should be.",
	}, d.Title...)
	return writeNew(c.App.Out, output, d.String())
}

// findPython is the interpreter of the project in dir, as serve finds it.
func findPython(dir, asked string) (string, error) {
	program, err := os.Executable()
	if err == nil {
		program, err = filepath.EvalSymlinks(program)
	}
	if err != nil {
		program = ""
	}
	in, err := discover.Find(discover.Search{Dir: dir, Python: asked, Program: program, Getenv: os.Getenv})
	return in.Path, err
}

// writeNew writes a file that does not exist yet, or to w when no file is named.
func writeNew(w io.Writer, file, text string) error {
	if file == "" {
		_, err := io.WriteString(w, text)
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return cli.UsageError("%s is there already; remove it first, or name another file", file)
	}
	if err != nil {
		return exit.With(exit.Failed, err)
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return exit.With(exit.Failed, err)
	}
	return nil
}
