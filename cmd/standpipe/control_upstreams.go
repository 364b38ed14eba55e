package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/terminal"
)

// printUpstreams prints the upstreams of each route.
func printUpstreams(out io.Writer, list []admin.Upstream, p terminal.Paint) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	route := ""
	for i := range list {
		u := &list[i]
		if i == 0 || u.Route != route {
			w.Flush()
			route = u.Route
			fmt.Fprintf(out, "\n%s  %s\n", p.Bold("route"), printable(route))
		}
		fmt.Fprintf(w, "  %s\t%s\tin flight %d\trequests %d\tfailures %d\tretries %d\tlatency %s\t%s\n", printable(u.Address), stateOf(u), u.InFlight, u.Requests, u.Failures, u.Retries,
			latency(u.Latency), checkOf(u.Check))
	}
	w.Flush()
	for i := range list {
		if u := &list[i]; u.Reason != "" {
			fmt.Fprintf(out, "  %s\n", p.Red(printable(u.Address)+" is "+u.State+": "+indented(u.Reason)))
		}
	}
}

// stateOf is the state of an upstream with what is unusual in its settings.
func stateOf(u *admin.Upstream) string {
	state := u.State
	if u.Left > 0 {
		state += " for " + span(u.Left)
	}
	var more []string
	if u.Weight != 1 {
		more = append(more, fmt.Sprintf("weight %d", u.Weight))
	}
	if u.Backup {
		more = append(more, "backup")
	}
	if u.MaxConns > 0 {
		more = append(more, fmt.Sprintf("max %d", u.MaxConns))
	}
	if len(more) > 0 {
		state += " (" + strings.Join(more, ", ") + ")"
	}
	return printable(state)
}

func latency(seconds float64) string {
	if seconds == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1fms", seconds*1000)
}

func checkOf(c *admin.Check) string {
	switch {
	case c == nil:
		return ""
	case c.Error != "":
		return "check failed " + span(time.Since(c.At).Seconds()) + " ago"
	}
	return "checked " + span(time.Since(c.At).Seconds()) + " ago"
}
