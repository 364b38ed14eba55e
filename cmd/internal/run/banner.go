package run

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/compose"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/errorlog"
	"github.com/standpipe/standpipe/cmd/internal/journal"
	"github.com/standpipe/standpipe/cmd/internal/staticfiles"
	"github.com/standpipe/standpipe/cmd/internal/terminal"
)

// banner tells a person at a terminal what is served, how it was found, and what is probably not intended: at most bannerMost lines.
type banner struct {
	product  *compose.Server
	control  *control
	progress *journal.Progress
	cfg      *config.Config // of the start
	version  string
	out      io.Writer
	paint    terminal.Paint
	waiting  bool // apps that did not start are started again when their code changes
}

// print writes the banner, in one Write.
func (b *banner) print(warnings []errorlog.Taken) {
	addresses := b.product.Listeners.Addresses()
	where := ""
	if b.cfg.File != "" {
		where = " (" + terminal.Near(b.cfg.File, b.cfg.Dir) + ")"
	}
	head := fmt.Sprintf("%s %s%s   %s%s\n", b.paint.Bold("standpipe"), b.version, where, b.paint.Bold(strings.Join(few(addresses, 3), "  ")), onlyHere(addresses, b.cfg))
	parts := []*part{
		{lines: b.local(addresses)},
		b.apps(),
		{lines: labelled("route", b.routes()), more: moreIn("standpipe config")},
		b.files(),
		{lines: []row{{"health", b.health()}}},
		{lines: labelled("warning", b.warnings(warnings)), urgent: true, more: moreIn("standpipe check")},
	}
	_, _ = io.WriteString(b.out, head+paragraph(parts, bannerMost-1, b.paint))
}

// moreIn says which command shows what the banner leaves out.
func moreIn(command string) func(hidden int) string {
	return func(hidden int) string {
		if hidden == 0 {
			return ""
		}
		return fmt.Sprintf("and %d more: %s", hidden, command)
	}
}

// few names the first items of a list, and says how many more there are.
func few(list []string, most int) []string {
	if len(list) <= most {
		return list
	}
	return append(slices.Clone(list[:most-1]), fmt.Sprintf("and %d more", len(list)-most+1))
}

// onlyHere explains why other machines cannot connect; empty: they can.
func onlyHere(urls []string, cfg *config.Config) string {
	switch {
	case len(urls) != 1 || !strings.HasPrefix(urls[0], "http://127."):
		return ""
	case cfg.Dev.On && cfg.Dev.Token == "": // other addresses are refused
		return "   (this machine only)"
	}
	return fmt.Sprintf("   (this machine only; -b 0.0.0.0%s for all)", urls[0][strings.LastIndexByte(urls[0], ':'):])
}

// local says where a browser finds the names of this machine alone, and what is missing before it accepts them.
func (b *banner) local(addresses []string) []row {
	i := slices.IndexFunc(addresses, func(a string) bool { return strings.HasPrefix(a, "https://") })
	names := b.cfg.AutomaticNames().Local
	if i < 0 || len(names) == 0 {
		return nil
	}
	port := addresses[i][strings.LastIndexByte(addresses[i], ':'):]
	if port == ":443" {
		port = ""
	}
	var urls []string
	for _, name := range names {
		if strings.Contains(name, ":") {
			name = "[" + name + "]"
		}
		urls = append(urls, "https://"+name+port)
	}
	line := strings.Join(few(urls, 4), "  ")
	if !b.product.Certificates.TrustsLocal() {
		line += "   (not trusted by this machine yet: standpipe certs trust)"
	}
	return []row{{"https", line}}
}

// apps has a line for each app; those that did not start come first, so that none of them is among the rest.
func (b *banner) apps() *part {
	var failed, up []row
	ready := map[string]int{}
	for i := range b.cfg.Apps {
		a := &b.cfg.Apps[i]
		st := b.progress.Of(a.Name)
		if st.Ready == nil {
			text := "did not start; its routes answer 503 until it does"
			if b.waiting {
				text = "did not start; waits for a change of its code"
			}
			failed = append(failed, row{a.Name, b.paint.Red(text)})
			continue
		}
		ready[a.Name] = st.Count
		workers := fmt.Sprintf("%d/%d workers", st.Count, st.Of)
		if st.Count == st.Of {
			workers = plural(st.Count, "worker")
		}
		up = append(up, row{a.Name, fmt.Sprintf("%s%s   %s in %.1f s%s   %s", st.Ready.Found, terminal.Found(a, st.Ready.How),
			workers, st.Took.Round(100*time.Millisecond).Seconds(), terminal.Reason(a.Workers.Reason), b.python(a, st))})
	}
	return &part{lines: append(failed, up...), rest: func(hidden []row) row {
		var names []string
		workers := 0
		for _, h := range hidden {
			names = append(names, h.label)
			workers += ready[h.label]
		}
		return row{fmt.Sprintf("%d apps", len(names)), strings.Join(few(names, 6), ", ") + "   " + plural(workers, "worker")}
	}}
}

// python is the interpreter of an app, as short as it can be understood.
func (b *banner) python(a *config.App, st journal.Start) string {
	how := a.Interpreter.How
	if found, ok := strings.CutPrefix(how, "found "); ok {
		how = found
	} else if how == "--python" || strings.HasPrefix(how, "set in ") {
		how = terminal.Near(a.Interpreter.Path, b.cfg.Dir)
	}
	version := ""
	if st.Hello != nil {
		version = st.Hello.Python + ", "
	}
	return "Python " + version + how
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (b *banner) routes() (lines []string) {
	for _, r := range b.cfg.Routes {
		lines = append(lines, strings.ReplaceAll(terminal.Route(r), "\t", "   "))
	}
	return lines
}

// files says which static files the server answers without an app, which declared ones it leaves to the app, and which cannot be
// served: these come first.
func (b *banner) files() *part {
	list := allFolders(b.product, b.cfg)
	for i := range list {
		if list[i].Dir != "" {
			list[i].Dir = terminal.Near(list[i].Dir, b.cfg.Dir)
		}
	}
	lines, uncovered := staticfiles.Lines(list)
	return &part{lines: labelled("static", lines), more: func(hidden int) string { return moreIn("standpipe status --static")(hidden + uncovered) }}
}

// allFolders are the static folders of the apps of cfg, and of the server.
func allFolders(product *compose.Server, cfg *config.Config) (list []staticfiles.Folder) {
	for i := range cfg.Apps {
		list = append(list, product.Static(cfg.Apps[i].Name)...)
	}
	return append(list, product.Static("")...)
}

// health has the paths of the health checks, and where the server can be controlled and observed.
func (b *banner) health() string {
	text := cmp.Or(strings.Join(b.cfg.Responses.Health(), " "), "off")
	if path := b.control.path(); path != "" {
		text += "   control " + terminal.Near(path, b.cfg.Dir)
	}
	if b.control.metricsURL != "" {
		text += "   metrics " + b.control.metricsURL
	}
	if b.control.pageURL != "" {
		text += "   dashboard " + b.control.pageURL
	}
	return text
}

// warnings are what is probably not intended, each with what to do.
func (b *banner) warnings(taken []errorlog.Taken) (lines []string) {
	for i := range b.cfg.Apps {
		name := b.cfg.Apps[i].Name
		if hidden := b.product.HiddenHealth(name); len(hidden) > 0 {
			lines = append(lines, fmt.Sprintf("%s has its own %s, which standpipe answers first: --health-path /-/health or off lets the app answer", name, strings.Join(hidden, " ")))
		}
	}
	slices.SortStableFunc(taken, func(x, y errorlog.Taken) int { return rank(x) - rank(y) })
	for _, w := range taken {
		if w.Event != "static_folder" && w.Event != "static_trouble" { // they have lines of their own
			lines = append(lines, warning(w))
		}
	}
	return lines
}

// rank puts the warnings that are about what the user has written before those about the machine.
func rank(w errorlog.Taken) int {
	switch w.Event {
	case "config":
		return 0
	case "root", "loopback_in_container":
		return 2
	}
	return 1
}

// warning is a warning in one line. Where the event's general sentence is its message, the fields say which file or name is meant.
func warning(w errorlog.Taken) string {
	text := strings.TrimSuffix(w.Message, ".")
	if w.Made && w.Fields != "" {
		text += " (" + w.Fields + ")"
	}
	return text
}
