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

"standpipe help SETTING" describes a flag, docs/settings.md every one.`

// first are the flags that matter first.
var first = []cli.FlagGroup{
	{Heading: "where", Flags: []cli.BriefFlag{
		{Name: "bind", Value: "ADDRESS", Usage: "host:port, :port or unix:/path"},
		{Name: "https", Value: "NAME,...", Usage: "HTTPS, with certificates for these names"},
		{Name: "user", Value: "USER", Usage: "the user to be after a start as root"},
	}},
	{Heading: "app", Flags: []cli.BriefFlag{
		{Name: "dir", Value: "DIR", Usage: "the app's folder (the current one)"},
		{Name: "venv", Value: "DIR", Usage: "its virtual environment (.venv is found)"},
		{Name: "env", Value: "NAME=VALUE", Usage: "a variable for it; repeatable"},
	}},
	{Heading: "workers", Flags: []cli.BriefFlag{
		{Name: "workers", Value: "N", Usage: "processes: 4, or 2..8 (one for each CPU)"},
		{Name: "threads", Value: "N", Usage: "requests that each runs at a time (1)"},
		{Name: "timeout", Value: "TIME", Usage: "how long until a response begins (30s)"},
	}},
	{Heading: "development", Flags: []cli.BriefFlag{
		{Name: "reload", Usage: "new code on each change; or standpipe dev"},
	}},
}

func serveCommand() *cli.Command {
	return &cli.Command{Name: "serve", Usage: "serve the app", ArgsUsage: "[APP]", Settings: true, Most: 1, Extra: oneApp, Action: serve, Description: serveText, First: first}
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
