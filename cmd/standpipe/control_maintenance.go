package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/maintain"
	"github.com/standpipe/standpipe/bridge/static"
	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/cli"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/exit"
	"github.com/standpipe/standpipe/cmd/internal/terminal"
)

const maintenanceDescription = `All requests get 503 with Retry-After and a page, but for those of the clients in --allow, until --for is over or standpipe
maintenance off. With --app it is for one app, its files too; otherwise for routes and files of the server as well. Health checks
are answered as before. standpipe maintenance status shows what is under maintenance. It is kept over reloads and upgrades,
and over restarts with state_dir (StateDirectory= of systemd); the start then warns of it.`

func maintenanceFlags() []*cli.Flag {
	return []*cli.Flag{
		{Name: "allow", Hint: "ADDRESS,...", Usage: "on: addresses and networks that are served: 10.0.0.0/8,2001:db8::/64"},
		{Name: "page", Hint: "FILE", Usage: "on: the page that the others get; by default the error page of 503"},
		{Name: "app", Hint: "NAME", Usage: "on, off: only this app"},
		{Name: "for", Hint: "DURATION", Usage: "on: for how long: 30m, 2h; by default until standpipe maintenance off"},
		{Name: "retry-after", Hint: "DURATION", Usage: "on: when clients are asked to come back; by default when --for is over, or in 5 minutes"},
		{Name: "json", Usage: "status: print JSON for scripts", Switch: true},
	}
}

// maintenance begins or ends a maintenance, or shows what there is.
func maintenance(s *controller) error {
	word := s.line.Arg(0)
	takes := map[string][]string{"on": {"allow", "page", "app", "for", "retry-after"}, "off": {"app"}, "status": {"json"}}
	may, ok := takes[word]
	if !ok {
		return cli.UsageError("%q is not on, off or status; write: standpipe maintenance on", word)
	}
	for _, f := range maintenanceFlags() {
		if s.line.IsSet(f.Name) && !strings.Contains(" "+strings.Join(may, " ")+" ", " "+f.Name+" ") {
			return cli.UsageError("standpipe maintenance %s takes no --%s", word, f.Name)
		}
	}
	app := s.line.String("app")
	what := "the server"
	if app != "" {
		what = "app " + app
	}
	switch word {
	case "status":
		return showMaintenance(s)
	case "off":
		if _, err := s.client.Post(s.ctx, "/v1/maintenance/off", admin.Order{App: app}); err != nil {
			return err
		}
		return s.say("%s: the maintenance has ended", what)
	}
	o, err := maintenanceOrder(s.line)
	if err != nil {
		return err
	}
	until := "until standpipe maintenance off"
	if app != "" {
		until += " --app " + app
	}
	if o.Seconds > 0 {
		until = "until " + time.Now().Add(time.Duration(o.Seconds*float64(time.Second))).Format(time.DateTime)
	}
	done, err := s.client.Post(s.ctx, "/v1/maintenance/on", o)
	if err != nil {
		return err
	}
	return s.say("%s: under maintenance %s%s", what, until, untilRestart(done))
}

// maintenanceOrder is the order of the flags.
func maintenanceOrder(line *cli.Context) (admin.Order, error) {
	p := &admin.Pause{}
	o := admin.Order{App: line.String("app"), Maintenance: p}
	wrong := func(format string, args ...any) (admin.Order, error) {
		return o, exit.With(exit.Usage, fmt.Errorf(format, args...))
	}
	for _, network := range strings.Split(line.String("allow"), ",") {
		if network = strings.TrimSpace(network); network != "" {
			p.Allow = append(p.Allow, network)
		}
	}
	if text := line.String("for"); text != "" {
		d, err := schema.ParseDuration(text)
		if err != nil || d <= 0 {
			return wrong("%q is not a duration; write: standpipe maintenance on --for 30m", text)
		}
		o.Seconds = d.Seconds()
	}
	if text := line.String("retry-after"); text != "" {
		d, err := schema.ParseDuration(text)
		if err != nil || d < time.Second {
			return wrong("%q is not a duration of a second or more; write: standpipe maintenance on --retry-after 10m", text)
		}
		p.RetryAfter = d.Seconds()
	}
	name := line.String("page")
	if name == "" {
		return o, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return wrong("--page: %w", err)
	}
	defer f.Close()
	p.Page, err = io.ReadAll(io.LimitReader(f, maintain.MaxPage+1))
	switch {
	case err != nil:
		return wrong("--page: %w", err)
	case len(p.Page) > maintain.MaxPage || len(p.Page) == 0:
		return wrong("--page %s is empty, or larger than %d KiB; pictures may come from another host", name, maintain.MaxPage>>10)
	}
	if p.Type = static.TypeOf(filepath.Base(name)); strings.HasPrefix(p.Type, "text/") {
		p.Type += "; charset=utf-8"
	}
	return o, nil
}

func showMaintenance(s *controller) error {
	var list admin.Maintenance
	if err := s.client.Get(s.ctx, "/v1/maintenance", nil, &list); err != nil {
		return err
	}
	if s.line.Bool("json") {
		return writeJSON(s.line.App.Out, list)
	}
	if len(list.Maintenance) == 0 {
		return s.say("nothing is under maintenance")
	}
	printMaintenance(s.line.App.Out, list.Maintenance, terminal.Paint{})
	return nil
}

// printMaintenance prints what is under maintenance.
func printMaintenance(out io.Writer, list []maintain.Window, p terminal.Paint) {
	for i := range list {
		m := &list[i]
		what, until, allow := "the server", "it is ended", "nobody"
		if m.App != "" {
			what = "app " + m.App
		}
		if !m.Until.IsZero() {
			until = m.Until.Local().Format(time.DateTime)
		}
		if len(m.Allow) > 0 {
			allow = strings.Trim(fmt.Sprint(m.Allow), "[]")
		}
		fmt.Fprintf(out, "  %s %s  since %s  until %s  allowed: %s\n", p.Red("maintenance"), printable(what), m.Since.Local().Format(time.DateTime), until, allow)
	}
}
