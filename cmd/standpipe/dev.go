package main

import "github.com/standpipe/standpipe/cmd/internal/cli"

const devText = `The same as standpipe serve --dev: code, templates and .env are reloaded when they change, and a request waits for the new code.
There are 2 workers with 4 threads and no timeout, unless something else is set. Only this machine is served. docs/development.md says more.

   standpipe dev
   standpipe dev shop.wsgi:application -b 127.0.0.1:8080
   standpipe dev --live`

func devCommand() *cli.Command {
	return &cli.Command{Name: "dev", Usage: "serve the app while it is developed", ArgsUsage: "[APP]", Settings: true, Most: 1, Extra: oneApp, Action: serve, Description: devText}
}
