package main

import (
	"fmt"
	"runtime"

	"github.com/standpipe/standpipe/cmd/internal/cli"
)

// version is the release; the build may set it with -ldflags "-X main.version=...".
var version = "0.1.0"

func versionCommand() *cli.Command {
	return &cli.Command{Name: "version", Usage: "print the version", Action: printVersion, Flags: []*cli.Flag{jsonFlag()}}
}

func printVersion(c *cli.Context) error {
	if c.Bool("json") {
		return writeJSON(c.App.Out, struct {
			Version  string `json:"version"`
			Go       string `json:"go"`
			Platform string `json:"platform"`
		}{version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH})
	}
	_, err := fmt.Fprintf(c.App.Out, "standpipe %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
