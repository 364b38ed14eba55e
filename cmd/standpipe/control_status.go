package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"golang.org/x/term"

	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/certs"
	"github.com/standpipe/standpipe/cmd/internal/terminal"
)

func (s *controller) query() url.Values {
	q := url.Values{}
	if app := s.line.Arg(0); app != "" {
		q.Set("app", app)
	}
	return q
}

func (s *controller) status() error {
	if s.line.Bool("static") {
		return s.static()
	}
	var st admin.Status
	if err := s.client.Get(s.ctx, "/v1/status", s.query(), &st); err != nil {
		return err
	}
	if s.line.Bool("json") {
		return writeJSON(s.line.App.Out, st)
	}
	return printStatus(s.line.App.Out, &st, terminal.PaintFor(s.line.App.Out))
}

// static lists folders of files.
func (s *controller) static() error {
	var files admin.Files
	if err := s.client.Get(s.ctx, "/v1/static", s.query(), &files); err != nil {
		return err
	}
	if s.line.Bool("json") {
		return writeJSON(s.line.App.Out, files)
	}
	w := tabwriter.NewWriter(s.line.App.Out, 0, 0, 2, ' ', 0)
	for _, f := range files.Static {
		state := f.State
		if state == "app" {
			state = "left to the app"
		}
		if f.Reason != "" {
			state += ": " + f.Reason
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", printable(f.App), printable(f.URL), printable(f.Dir), printable(f.How), printable(state))
	}
	return w.Flush()
}

// printStatus prints the page for people. Text from clients (targets) and apps cannot control
// the terminal.
func printStatus(out io.Writer, st *admin.Status, p terminal.Paint) error {
	fmt.Fprintf(out, "%s %s  pid %d  up %s  %s\n", p.Bold("standpipe"), printable(st.Version), st.Pid, span(time.Since(st.Started).Seconds()), printable(strings.Join(st.Addresses, "  ")))
	if st.Stopping {
		fmt.Fprintln(out, p.Red("  stopping"))
	}
	if f := st.FailedReload; f != nil {
		fmt.Fprintf(out, "  %s\n", p.Red("reload at "+f.At.Format(time.TimeOnly)+" failed: "+indented(f.Sentence)))
	}
	if len(st.Requests) > 0 {
		fmt.Fprintf(out, "  requests %s\n", versions(st.Requests))
	}
	if t := st.Tunnels; t != nil {
		fmt.Fprintf(out, "  tunnels %d  oldest %s\n", t.Open, span(t.Oldest))
	}
	printMaintenance(out, st.Maintenance, p)
	if st.Clients != nil {
		printClients(out, st.Clients, p)
	}
	for i := range st.Certificates {
		printCertificate(out, &st.Certificates[i], p)
	}
	printLimits(out, st.Limits, p)
	printUpstreams(out, st.Upstreams, p)
	printCache(out, st.Cache)
	printCacheFiles(out, st.CacheFiles)
	printCacheRedis(out, st.CacheRedis)
	if st.Scanned > 0 {
		fmt.Fprintf(out, "  scanners refused %d\n", st.Scanned)
	}
	for i := range st.Apps {
		printApp(out, &st.Apps[i], p)
	}
	return nil
}

// printLimits prints the limits that have counted something; a refusal is what people look for.
func printLimits(out io.Writer, list []admin.Limit, p terminal.Paint) {
	for _, l := range list {
		refused := fmt.Sprintf("refused %d", l.Refused)
		if l.Refused > 0 {
			refused = p.Red(refused)
		}
		fmt.Fprintf(out, "  limit %s  allowed %d  delayed %d  %s  keys %d", printable(l.Name), l.Allowed, l.Delayed, refused, l.Keys)
		if l.Running > 0 {
			fmt.Fprintf(out, "  running %d", l.Running)
		}
		if l.Waiting > 0 {
			fmt.Fprintf(out, "  waiting %d", l.Waiting)
		}
		switch l.Store {
		case "redis":
			fmt.Fprint(out, "  in redis")
		case "redis away":
			fmt.Fprint(out, "  ", p.Red("redis is away"))
		}
		fmt.Fprintln(out)
	}
}

// versions are the requests by version, in the order of the versions.
func versions(requests map[string]int64) string {
	var list []string
	for _, version := range slices.Sorted(maps.Keys(requests)) {
		list = append(list, fmt.Sprintf("%s %d", printable(version), requests[version]))
	}
	return strings.Join(list, ", ")
}

func printCertificate(out io.Writer, c *certs.Info, p terminal.Paint) {
	text := "there is none yet"
	if !c.NotAfter.IsZero() {
		text = fmt.Sprintf("%.0f days left", math.Floor(c.DaysLeft(time.Now())))
	}
	fmt.Fprintf(out, "  certificate %s  %s  %s  %s\n", printable(strings.Join(c.Names, ", ")), text, printable(c.Issuer), printable(c.Source))
	if c.Error != "" {
		fmt.Fprintf(out, "    %s\n", p.Red(printable(c.Error)))
	}
}

func printApp(out io.Writer, a *admin.App, p terminal.Paint) {
	parts := []string{fmt.Sprintf("generation %d", a.Generation), fmt.Sprintf("workers %d/%d ready (%s)", a.Ready, a.Workers, states(a)),
		fmt.Sprintf("queue %d/%s", a.Waiting, limit(a.Limit))}
	if a.Waiting > 0 {
		parts = append(parts, "oldest "+span(a.Oldest))
	}
	parts = append(parts, fmt.Sprintf("served %d", a.Served), fmt.Sprintf("restarts %d", a.Restarts))
	if n := a.QueueFull + a.QueueTimeouts; n > 0 {
		parts = append(parts, fmt.Sprintf("refused %d", n))
	}
	fmt.Fprintf(out, "\n%s  %s\n", p.Bold(printable(a.Name)), strings.Join(parts, "  "))
	if a.Release != "" {
		fmt.Fprintf(out, "  release %s\n", printable(a.Release))
	}
	for _, is := range []struct {
		so   bool
		text string
	}{{a.ReleaseGone, "its folder does not exist any more: a worker that exits cannot be replaced; standpipe reload makes a generation of the present folder"}, {a.Reloading, "a reload is in progress"}, {a.Paused, "paused: requests wait in the queue until standpipe resume"}, {a.Asleep, "asleep: the next request starts it"}} {
		if is.so {
			fmt.Fprintf(out, "  %s\n", is.text)
		}
	}
	if f := a.FailedReload; f != nil {
		fmt.Fprintf(out, "  %s\n", p.Red(f.At.Format(time.TimeOnly)+" "+indented(f.Sentence)))
	}
	if f := a.Failure; f != nil {
		fmt.Fprintf(out, "  %s\n", p.Red(indented(f.Sentence)))
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, t := range a.Templates {
		state := "importing"
		if t.Ready {
			state = "ready"
		}
		fmt.Fprintf(w, "  %s\tpid %d\tgen %d\t%s\tup %s\tforks %d\tpss %s\t\n", printable(t.Name), t.Pid, t.Generation, state, span(t.Up), t.Forks, mebi(t.PSS))
	}
	for _, q := range a.Processes {
		state := q.State
		if state == "serving" {
			state = "idle"
			if len(q.Requests) > 0 {
				state = "busy"
			}
		}
		if q.Due != "" {
			state += " (" + q.Due + ")"
		}
		if q.Release != a.Release && q.Release != "" {
			state += " from " + q.Release
		}
		size := "rss " + mebi(q.RSS)
		if len(a.Templates) > 0 { // rss counts shared memory in each of them
			size = "pss " + mebi(q.PSS)
		}
		fmt.Fprintf(w, "  %s\tpid %d\tgen %d\t%s\tup %s\tserved %d\t%s\t", printable(q.Name), q.Pid, q.Generation, printable(state), span(q.Up), q.Served, size)
		for i, r := range q.Requests {
			if i == 3 {
				fmt.Fprintf(w, " and %d more", len(q.Requests)-i)
				break
			}
			if i > 0 {
				fmt.Fprint(w, ", ")
			}
			fmt.Fprintf(w, "%s %s %s", printable(r.Method), printable(short(r.Target)), span(r.Seconds))
		}
		fmt.Fprintln(w)
	}
	w.Flush()
}

// states are the counts of slot states that are not 0.
func states(a *admin.App) string {
	var list []string
	for _, s := range []struct {
		n    int
		name string
	}{{a.Idle, "idle"}, {a.Busy, "busy"}, {a.Booting, "booting"}, {a.Draining, "draining"}, {a.BackingOff, "backing off"}, {a.Surplus, "surplus"}} {
		if s.n > 0 {
			list = append(list, fmt.Sprintf("%d %s", s.n, s.name))
		}
	}
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

func (s *controller) dump() error {
	q := url.Values{"worker": {s.line.Arg(0)}}
	var d admin.Dump
	if err := s.client.Get(s.ctx, "/v1/dump", q, &d); err != nil {
		return err
	}
	return s.say("%s pid %d\n%s", d.Worker, d.Pid, strings.TrimRight(d.Stacks, "\n"))
}

// progressTick is how often a terminal shows the progress of a reload.
const progressTick = 200 * time.Millisecond

// showProgress updates one line on a terminal until end is called, which waits for the
// goroutine.
func (s *controller) showProgress() (end func()) {
	f, ok := s.line.App.Err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return func() {}
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(progressTick)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				fmt.Fprint(f, "\r\x1b[K")
				return
			case <-tick.C:
			}
			var st admin.Status
			if s.client.Get(s.ctx, "/v1/status", nil, &st) == nil {
				fmt.Fprintf(f, "\r\x1b[K%s", printable(progressLine(&st)))
			}
		}
	}()
	return func() { close(quit); <-done }
}

func progressLine(st *admin.Status) string {
	var list []string
	for _, a := range st.Apps {
		newest, ready := 0, 0
		for _, w := range a.Processes {
			newest = max(newest, w.Generation)
		}
		for _, w := range a.Processes {
			if w.Generation == newest && w.State == "serving" {
				ready++
			}
		}
		if a.Reloading || ready < a.Workers {
			list = append(list, fmt.Sprintf("%s: generation %d, %d/%d workers", a.Name, newest, ready, a.Workers))
		}
	}
	return strings.Join(list, "; ")
}

// printable is s without characters that could control a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

func short(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:57]) + "..."
	}
	return s
}

func indented(s string) string { return strings.ReplaceAll(printable(s), "\n", "\n  ") }

func limit(n int) string {
	if n == 0 {
		return "no limit"
	}
	return fmt.Sprint(n)
}

func mebi(n int64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprintf("%dMiB", n>>20)
}

// kibi is a size of any magnitude, for people.
func kibi(n int64) string {
	switch {
	case n < 1<<20:
		return fmt.Sprintf("%dKiB", (n+1<<10-1)>>10)
	case n < 10<<30:
		return fmt.Sprintf("%.1fMiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1fGiB", float64(n)/(1<<30))
}

// span is a duration for people.
func span(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0fs", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
}
