package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/cli"
	"github.com/standpipe/standpipe/cmd/internal/compat"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/exit"
)

// configInput is what the configuration is made of: the command line, the environment, the folder. Its error carries the
// exit code. problems are those of the command line itself; the configuration is read all the same, so that all problems
// are reported at once.
func configInput(c *cli.Context) (in config.Input, problems schema.Problems, err error) {
	dir, err := os.Getwd()
	if err != nil {
		return config.Input{}, nil, exit.With(exit.Failed, fmt.Errorf("the current folder cannot be found: %w", err))
	}
	problems = c.Problems
	in = config.Input{App: c.Arg(0), Environ: os.Environ(), Dir: dir, Pid: os.Getpid(), Tolerant: c.Command.Name == "serve" || c.Command.Name == "dev"}
	if c.Command.Name == "dev" && !c.IsSet("dev") {
		in.Flags = append(in.Flags, schema.Flag{Name: "dev", Values: []string{"on"}})
	}
	for _, s := range config.Settings() {
		names := s.FlagNames()
		if len(names) == 0 || !c.IsSet(names[0]) {
			continue
		}
		f := schema.Flag{Name: names[0], Values: c.Strings(names[0])}
		if !s.Repeatable() { // the last one counts
			f.Values = f.Values[len(f.Values)-1:]
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
	unneeded := c.Unneeded
	if c.IsSet("worker-connections") && greenlets == "" && len(bad) == 0 {
		unneeded = append(slices.Clone(unneeded), "--worker-connections")
	}
	if len(unneeded) > 0 {
		in.Warnings = []string{"not needed, and without effect: " + strings.Join(unneeded, ", ") + "; docs/migrating.md says why"}
	}
	if greenlets != "" && !c.IsSet("gevent") {
		in.Flags = append(in.Flags, schema.Flag{Name: "gevent", Values: []string{greenlets}})
	}
	return in, problems, nil
}

// loadConfig reads the configuration. Its error carries the exit code.
func loadConfig(c *cli.Context) (*config.Config, *schema.Sources, error) {
	in, problems, err := configInput(c)
	if err != nil {
		return nil, nil, err
	}
	cfg, sources, err := config.Load(in)
	return cfg, sources, together(problems, err)
}

// together joins the problems of the command line and those that Load has found.
func together(problems schema.Problems, err error) error {
	if more, ok := errors.AsType[schema.Problems](err); ok {
		return exit.With(exit.Usage, append(slices.Clone(problems), more...))
	}
	if err == nil && len(problems) == 0 {
		return nil
	}
	return exit.With(exit.Usage, cmp.Or[error](err, problems))
}
