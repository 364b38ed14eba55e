package main

import (
	"fmt"
	"os"
	"os/user"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/cli"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/exit"
	"github.com/standpipe/standpipe/cmd/internal/export"
)

func exportCommand() *cli.Command {
	return &cli.Command{
		Name: "export", Usage: "print a configuration file for a program beside standpipe: " + strings.Join(export.Kinds, ", "),
		ArgsUsage: strings.Join(export.Kinds, "|") + " [APP]", Description: exportText, Settings: true, Most: 2, Extra: oneApp, Action: exportFile,
		Flags: []*cli.Flag{
			{Name: "listen", Value: "80", Hint: "ADDRESS", Usage: "where nginx or Apache listens: a port, or address:port; 80 by default"},
			{Name: "connect", Hint: "ADDRESS", Usage: "how nginx or Apache connects to standpipe, as after --bind; by default an address that standpipe listens on, uwsgi before http"},
			{Name: "unit", Hint: "service|socket", Usage: "print only one of the two systemd units"},
		},
	}
}

const exportText = `The file is complete, with comments, and follows from the settings in force: those of standpipe.toml, and the flags of
serve, which this command takes too. It goes to standard output; nothing else is written.

   standpipe export nginx -c /srv/shop/standpipe.toml >/etc/nginx/conf.d/shop.conf
   standpipe export apache -c /srv/shop/standpipe.toml --listen 8080
   standpipe export systemd --unit service shop.wsgi:application -w 4 >/etc/systemd/system/shop.service

   standpipe export logrotate -c /srv/shop/standpipe.toml >/etc/logrotate.d/shop
   standpipe export docker >Dockerfile; standpipe export kubernetes >shop.yaml; standpipe export prometheus --metrics 127.0.0.1:9100

docs/neighbours.md explains the files.`

func exportFile(c *cli.Context) error {
	usage := func(format string, args ...any) error { return exit.With(exit.Usage, fmt.Errorf(format, args...)) }
	kind := c.Arg(0)
	if !slices.Contains(export.Kinds, kind) {
		return usage("export needs one of %s first", strings.Join(export.Kinds, ", "))
	}
	unit := c.String("unit")
	if unit != "" && unit != "service" && unit != "socket" {
		return usage("--unit %q is not one of service, socket", unit)
	}
	in, problems, err := configInput(c)
	if err != nil {
		return err
	}
	in.App = c.Arg(1)
	in.Tolerant = true // the file may be for another machine
	cfg, sources, err := config.Load(in)
	if err := together(problems, err); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	if !sources.Of("acme.acme_storage").Given() { // that of the person who runs export; the service has its own
		cfg.ACME.Storage = ""
	}
	if !sources.Of("state_dir").Given() {
		cfg.Folders.State = ""
	}
	err = export.Write(c.App.Out, kind, cfg, export.Input{
		Listen: c.String("listen"), Connect: c.String("connect"), Unit: unit, Version: version, Program: program, Args: serveArgs(in, cfg), User: serviceUser(cfg),
	})
	if err != nil {
		return usage("%w", err)
	}
	return nil
}

// serveArgs are the arguments of a serve with the same settings, without the addresses.
func serveArgs(in config.Input, cfg *config.Config) []string {
	var args []string
	if in.App != "" {
		args = append(args, in.App)
	}
	if cfg.File != "" {
		args = append(args, "-c", cfg.File)
	}
	for _, f := range in.Flags {
		if f.Name == "config" || f.Name == "bind" {
			continue
		}
		for _, v := range f.Values {
			args = append(args, schema.Dashed(f.Name), v)
		}
	}
	return args
}

// serviceUser is the user that systemd starts standpipe as: none if standpipe drops root
// privileges itself, else the present user, and not root.
func serviceUser(cfg *config.Config) string {
	if cfg.Account.User != "" || slices.ContainsFunc(cfg.Apps, func(a config.App) bool { return a.Confine.NeedsRoot || a.Confine.User != "" }) {
		return ""
	}
	if u, err := user.Current(); err == nil && u.Uid != "0" {
		return u.Username
	}
	return "www-data"
}
