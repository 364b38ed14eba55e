package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/admin/client"
	"github.com/standpipe/standpipe/cmd/internal/cli"
	"github.com/standpipe/standpipe/cmd/internal/exit"
)

// forRunning is the category of the commands that control a running server.
const forRunning = "for a running server"

// controlCommands are those commands.
func controlCommands() []*cli.Command {
	command := func(name, args, usage string, do func(*controller) error, flags ...*cli.Flag) *cli.Command {
		c := &cli.Command{
			Name: name, ArgsUsage: args, Usage: usage, Category: forRunning,
			Flags: append(flags, &cli.Flag{Name: "control", Hint: "SOCKET", Env: "STANDPIPE_CONTROL", Usage: "the control socket; by default that of the standpipe of this folder"}),
			Action: func(c *cli.Context) error {
				ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
				defer stop()
				return (&controller{line: c, ctx: ctx}).run(do)
			},
		}
		c.Arguments = func(given []string) error { return checkArguments(c, given) }
		return c
	}
	certs := certsCommand(command("certs", "[renew NAME | trust | untrust]", "list the certificates of HTTPS, obtain a new one for NAME now, or have this machine trust those of localhost", (*controller).certs,
		jsonFlag(), &cli.Flag{Name: "print", Usage: "trust, untrust: only show the commands", Switch: true}, &cli.Flag{Name: "yes", Usage: "trust, untrust: do not ask", Switch: true},
		&cli.Flag{Name: "only", Hint: "system|browsers", Usage: "trust, untrust: only the store of the system, or those of browsers"}))
	return []*cli.Command{
		command("status", "[APP]", "show what the apps and workers are doing", (*controller).status,
			jsonFlag(), &cli.Flag{Name: "static", Usage: "list the folders of static files: which are served, which are left to the app, and why", Switch: true}),
		described(command("top", "[APP]", "show on a full screen what the server does now, and act on it", showTop, topFlags()...), topDescription),
		healthCommand(command("health", "[APP]", "exit with 0 if the server takes requests, else with 1: for HEALTHCHECK of a container", health,
			jsonFlag(), &cli.Flag{Name: "url", Hint: "URL", Usage: "ask this address instead, such as http://127.0.0.1:8000/readyz: healthy if the answer is 200"})),
		command("reload", "[APP]", "put new code and the changed configuration in force; wait for the end", (*controller).reload),
		command("restart", "APP or APP/N", "put new code of one app in force, or replace one worker; wait for the end", (*controller).restart),
		command("scale", "N or APP=N", "set the number of workers, until the next reload that changes it", (*controller).scale),
		described(command("dashboard", "", "serve a page for browsers that shows what the server does, until Ctrl-C", showDashboard, dashboardFlags()...), dashboardDescription),
		command("dump", "APP/N", "print the stacks of a worker's threads; it continues to run", (*controller).dump),
		command("pause", "[APP]", "keep requests in the queue until resume", (*controller).pause),
		command("resume", "[APP]", "serve requests again after pause", (*controller).resume),
		command("log-level", "trace|debug|info|warn|error", "set the log level until the next reload", (*controller).logLevel),
		command("reopen-logs", "", "reopen the log files, after they were renamed", (*controller).reopenLogs),
		described(command("deny", "ADDRESS or list", "refuse an address or a network from now on, or list those that are refused", denyNetwork, denyFlags()...), denyDescription),
		described(command("maintenance", "on|off|status", "answer 503 to all but some clients, end that, or show it", maintenance, maintenanceFlags()...), maintenanceDescription),
		described(command("purge", "[URL ...]", "remove entries of the HTTP cache, and print how many", purge, purgeFlags()...), purgeDescription),
		command("allow", "ADDRESS", "end what standpipe deny has begun", allowNetwork),
		certs,
		command("stop", "", "stop in order; wait until the process has exited", (*controller).stop),
	}
}

// checkArguments checks how many arguments such a command has.
func checkArguments(c *cli.Command, args []string) error {
	n, least, most := len(args), 1, 1
	switch {
	case c.Name == "purge":
		return checkPurge(args)
	case c.Name == "certs":
		switch {
		case n == 0, n == 1 && (args[0] == "trust" || args[0] == "untrust"), n == 2 && args[0] == "renew" && args[1] != "":
			return nil
		}
		return cli.UsageError("write: standpipe certs, standpipe certs renew NAME, standpipe certs trust, or standpipe certs untrust")
	case c.ArgsUsage == "":
		least, most = 0, 0
	case strings.HasPrefix(c.ArgsUsage, "["):
		least = 0
	}
	switch {
	case n < least:
		return cli.UsageError("write: standpipe %s %s", c.Name, strings.ReplaceAll(c.ArgsUsage, " or ", ", or standpipe "+c.Name+" "))
	case n > most && most == 0:
		return cli.UsageError("standpipe %s takes no arguments", c.Name)
	case n > most:
		return cli.UsageError("standpipe %s takes one argument: %s", c.Name, c.ArgsUsage)
	}
	return nil
}

// controller is one such command.
type controller struct {
	line   *cli.Context
	ctx    context.Context // ends with Ctrl-C
	client *client.Client
}

func (s *controller) run(do func(*controller) error) error {
	path, err := s.find(readsOnly(s.line))
	if err != nil {
		return err
	}
	s.client = client.New(path)
	defer s.client.Close()
	err = do(s)
	if s.ctx.Err() != nil && s.line.Command.Name != "dashboard" { // which has no other end
		return exit.Silent(exit.Interrupted)
	}
	p, ok := errors.AsType[*admin.Problem](err)
	if !ok {
		return err
	}
	switch p.Err {
	case "no_such_app", "no_such_worker", "bad_worker", "bad_level", "bad_number", "which_app", "no_such_certificate", "bad_network", "bad_duration", "bad_purge":
		return exit.With(exit.Usage, errors.New(printable(p.Detail)))
	}
	return exit.With(exit.Failed, errors.New(problemText(p)))
}

// problemText is the sentences of the failures, each with its traceback.
func problemText(p *admin.Problem) string {
	if len(p.Failures) == 0 {
		return printable(p.Detail)
	}
	var text []string
	for _, f := range p.Failures {
		t := printable(f.Sentence)
		for _, more := range []string{f.Traceback, f.Output} {
			if more != "" {
				t += "\n" + printable(strings.TrimRight(more, "\n"))
			}
		}
		text = append(text, t)
	}
	return strings.Join(text, "\nstandpipe: ")
}

func (s *controller) say(format string, args ...any) error {
	_, err := fmt.Fprintln(s.line.App.Out, printable(fmt.Sprintf(format, args...)))
	return err
}

// untilRestart says that a restart ends what a command has set; empty: it does not.
func untilRestart(d admin.Done) string {
	if d.Kept {
		return ""
	}
	return "; a restart of the server ends it, as no state_dir keeps it"
}

func (s *controller) reload() error { return s.renew("reload", admin.Order{App: s.line.Arg(0)}) }

func (s *controller) restart() error {
	o := admin.Order{App: s.line.Arg(0)}
	if strings.Contains(o.App, "/") {
		o = admin.Order{Worker: o.App}
	}
	return s.renew("restart", o)
}

// renew sends the command and shows its progress on a terminal. Ctrl-C ends the command, not the
// reload.
func (s *controller) renew(what string, o admin.Order) error {
	end := s.showProgress()
	d, err := s.client.Post(s.ctx, "/v1/"+what, o)
	end()
	switch {
	case s.ctx.Err() != nil:
		fmt.Fprintf(s.line.App.Err, "the %s continues; standpipe status shows how it ends\n", what)
		return nil
	case needsRestart(err):
		return errors.Join(s.sayGenerations(o, d), err)
	case err != nil:
		return err
	case o.Worker != "":
		return s.say("%s: replaced", o.Worker)
	}
	return s.sayGenerations(o, d)
}

// needsRestart reports whether the reload is done, except for settings that need a restart.
func needsRestart(err error) bool {
	p, ok := errors.AsType[*admin.Problem](err)
	return ok && p.Err == admin.RestartNeeded
}

// sayGenerations prints what serves now.
func (s *controller) sayGenerations(o admin.Order, d admin.Done) error {
	var st admin.Status
	if err := s.client.Get(s.ctx, "/v1/status", nil, &st); err != nil {
		return s.say("done: %s", strings.Join(d.Apps, ", "))
	}
	for _, a := range st.Apps {
		if o.App == "" || o.App == a.Name {
			of := ""
			if a.Release != "" {
				of = " of " + a.Release
			}
			if err := s.say("%s: generation %d%s serves, %d/%d workers ready", a.Name, a.Generation, of, a.Ready, a.Workers); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *controller) scale() error {
	app, n, named := strings.Cut(s.line.Arg(0), "=")
	if !named {
		app, n = "", app
	}
	workers, err := strconv.Atoi(n)
	if err != nil || workers < 1 || named && app == "" {
		return exit.With(exit.Usage, fmt.Errorf("%q is not a number of workers; write: standpipe scale 8, or standpipe scale shop=8", s.line.Arg(0)))
	}
	d, err := s.client.Post(s.ctx, "/v1/scale", admin.Order{App: app, Workers: workers})
	if err != nil {
		return err
	}
	return s.say("%s: scaled from %d to %d workers", strings.Join(d.Apps, ", "), d.From, d.To)
}

func (s *controller) pause() error {
	return s.each("pause", "requests wait in the queue until standpipe resume")
}
func (s *controller) resume() error { return s.each("resume", "requests are served") }

func (s *controller) each(what, then string) error {
	d, err := s.client.Post(s.ctx, "/v1/"+what, admin.Order{App: s.line.Arg(0)})
	if err != nil {
		return err
	}
	return s.say("%s: %s", strings.Join(d.Apps, ", "), then)
}

func (s *controller) logLevel() error {
	level := s.line.Arg(0)
	if _, err := s.client.Post(s.ctx, "/v1/log-level", admin.Order{Level: level}); err != nil {
		return err
	}
	return s.say("log level %s", level)
}

func (s *controller) reopenLogs() error {
	if _, err := s.client.Post(s.ctx, "/v1/reopen-logs", admin.Order{}); err != nil {
		return err
	}
	return s.say("logs reopened")
}

func (s *controller) stop() error {
	err := s.client.Stop(s.ctx)
	if s.ctx.Err() != nil {
		fmt.Fprintln(s.line.App.Err, "the stop continues")
		return nil
	}
	if err != nil {
		return err
	}
	return s.say("stopped")
}
