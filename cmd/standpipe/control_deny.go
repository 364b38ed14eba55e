package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/standpipe/standpipe/bridge/access"
	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/cli"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/exit"
	"github.com/standpipe/standpipe/cmd/internal/terminal"
)

const denyDescription = `Requests and new connections of an address (203.0.113.7), a network (203.0.113.0/24, 2001:db8::/64) or all get 403 or
are closed, until --for is over or standpipe allow ends it. A customer with IPv6 has a /64 at least. standpipe deny list
shows what is denied. The list is kept over reloads and upgrades, and over restarts with state_dir.`

func denyFlags() []*cli.Flag {
	return []*cli.Flag{
		{Name: "for", Hint: "DURATION", Usage: "for how long: 30m, 1h, 7d; by default until standpipe allow"},
		{Name: "reason", Hint: "TEXT", Usage: "why, for the list"},
		{Name: "force", Usage: "deny this machine itself, or a large part of all addresses, too", Switch: true},
		{Name: "json", Usage: "list: print JSON for scripts", Switch: true},
	}
}

// described is a command with its description.
func described(c *cli.Command, text string) *cli.Command {
	c.Description = text
	return c
}

// denyNetwork denies a network, or lists those that are denied.
func denyNetwork(s *controller) error {
	word := s.line.Arg(0)
	if word == "list" {
		for _, flag := range []string{"for", "reason", "force"} {
			if s.line.IsSet(flag) {
				return cli.UsageError("standpipe deny list takes no --%s", flag)
			}
		}
		return listDenied(s)
	}
	if s.line.IsSet("json") {
		return cli.UsageError("--json belongs to standpipe deny list")
	}
	o := admin.Order{Network: word, Reason: s.line.String("reason"), Force: s.line.Bool("force")}
	until := "until standpipe allow " + word
	if text := s.line.String("for"); text != "" {
		d, err := schema.ParseDuration(text)
		if err != nil || d <= 0 {
			return exit.With(exit.Usage, fmt.Errorf("%q is not a duration; write: standpipe deny %s --for 1h", text, word))
		}
		o.Seconds, until = d.Seconds(), "until "+time.Now().Add(d).Format(time.DateTime)
	}
	done, err := s.client.Post(s.ctx, "/v1/deny", o)
	if err != nil {
		return err
	}
	return s.say("%s: denied %s%s", word, until, untilRestart(done))
}

// allowNetwork ends that.
func allowNetwork(s *controller) error {
	word := s.line.Arg(0)
	if _, err := s.client.Post(s.ctx, "/v1/allow", admin.Order{Network: word}); err != nil {
		return err
	}
	return s.say("%s: not denied any more", word)
}

func listDenied(s *controller) error {
	var list admin.Denied
	if err := s.client.Get(s.ctx, "/v1/denied", nil, &list); err != nil {
		return err
	}
	if s.line.Bool("json") {
		return writeJSON(s.line.App.Out, list)
	}
	if len(list.Denied) == 0 {
		return s.say("nothing is denied at run time")
	}
	w := tabwriter.NewWriter(s.line.App.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NETWORK\tUNTIL\tSINCE\tBY\tCAUSE")
	for i := range list.Denied {
		e := &list.Denied[i]
		by := "server"
		if e.ByCommand {
			by = "command"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", e.Network, untilOf(e), e.Since.Local().Format(time.DateTime), by, printable(e.Cause))
	}
	return w.Flush()
}

func untilOf(e *access.Entry) string {
	if e.Until.IsZero() {
		return "allowed again"
	}
	return e.Until.Local().Format(time.DateTime)
}

// printClients prints who was refused by address.
func printClients(out io.Writer, c *admin.Clients, p terminal.Paint) {
	for _, n := range c.Refused {
		table := ""
		if n.Table != "" {
			table = " at " + n.Table
		}
		fmt.Fprintf(out, "  refused %d%s  %s\n", n.Refused, printable(table), printable(n.Rule))
	}
	for i := range c.Denied {
		e := &c.Denied[i]
		fmt.Fprintf(out, "  %s %s  until %s  %s\n", p.Red("denied"), e.Network, untilOf(e), printable(e.Cause))
	}
	if more := c.Networks - len(c.Denied); more > 0 {
		fmt.Fprintf(out, "  and %d more networks are denied: standpipe deny list\n", more)
	}
}
