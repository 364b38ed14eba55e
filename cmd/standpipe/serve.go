package main

import (
	"github.com/standpipe/standpipe/cmd/internal/cli"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/run"
)

const serveText = `APP is module:callable, module:factory, a package or module, or a file: shop.wsgi:application, blog:create_app,
app.py, deploy/app.wsgi. Without APP, standpipe.toml or the current folder determines what is served.

   standpipe serve
   standpipe serve shop.wsgi:application -w 4 -b 0.0.0.0:8080
   standpipe serve -c standpipe.toml -w shop=8

docs/settings.md describes every flag.`

func serveCommand() *cli.Command {
	return &cli.Command{Name: "serve", Usage: "serve the app", ArgsUsage: "[APP]", Settings: true, Most: 1, Extra: oneApp, Action: serve, Description: serveText}
}

// serve serves until a signal ends it.
func serve(c *cli.Context) error {
	return run.Serve(c.Context, run.Options{
		Version: version, Stdout: c.App.Out, Stderr: c.App.Err,
		Load: func(machine *config.Machine) (config.Input, *config.Config, error) {
			in, problems, err := configInput(c)
			if err != nil {
				return in, nil, err
			}
			in.Machine = machine
			cfg, _, err := config.Load(in)
			return in, cfg, together(problems, err)
		},
	})
}
