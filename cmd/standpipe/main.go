// The command standpipe serves Python WSGI applications.
//
// commands.go holds the commands, explain.go the one for the log's events, args.go the order of arguments, gunicorn.go what is said about gunicorn's flags;
// control.go, control_find.go and control_status.go those for a standpipe that runs; serve.go and the files beginning with serve_ run the
// product. Everything else lives in cmd/internal and below.
package main

import (
	"context"
	"os"

	"github.com/standpipe/standpipe/cmd/internal/inherit"
)

func main() {
	// First: the descriptors of these are meant to be handed on.
	if code, there := hidden(os.Args); there {
		os.Exit(code)
	}
	inherit.Close()
	os.Exit(execute(context.Background(), os.Args, os.Stdout, os.Stderr))
}
