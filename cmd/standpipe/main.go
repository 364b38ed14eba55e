package main

import (
	"context"
	"os"

	"github.com/standpipe/standpipe/cmd/internal/inherit"
)

func main() {
	// First: these commands pass descriptors on.
	if code, there := hidden(os.Args); there {
		os.Exit(code)
	}
	inherit.Close()
	os.Exit(execute(context.Background(), os.Args, os.Stdout, os.Stderr))
}
