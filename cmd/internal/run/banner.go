package run

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/compose"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/journal"
	"github.com/standpipe/standpipe/cmd/internal/staticfiles"
	"github.com/standpipe/standpipe/cmd/internal/terminal"
)

// banner tells a person at a terminal what is served, and how it was found.
type banner struct {
	product  *compose.Server
	control  *control
	progress *journal.Progress
	cfg      *config.Config // of the start
	version  string
	out      io.Writer
	paint    terminal.Paint
}

func (b *banner) print() {
	addresses := b.product.Listeners.Addresses()
	fmt.Fprintf(b.out, "%s %s  %s%s\n", b.paint.Bold("standpipe"), b.version, strings.Join(addresses, "  "), onlyHere(addresses))
	if b.cfg.File != "" {
		fmt.Fprintf(b.out, "  config   %s\n", terminal.Near(b.cfg.File, b.cfg.Dir))
	}
	b.local(addresses)
	b.apps()
	b.files()
	for i := range b.cfg.Apps {
		name := b.cfg.Apps[i].Name
		if hidden := b.product.HiddenHealth(name); len(hidden) > 0 {
			fmt.Fprintf(b.out, "  health   %s has its own %s, which standpipe answers first; --health-path /-/health or off lets the app answer\n", name, strings.Join(hidden, " "))
		}
	}
	last := "  health   " + cmp.Or(strings.Join(b.cfg.Responses.Health(), " "), "off")
	if path := b.control.path(); path != "" {
		last += "   control " + terminal.Near(path, b.cfg.Dir)
	}
	if b.control.metricsURL != "" {
		last += "   metrics " + b.control.metricsURL
	}
	fmt.Fprintln(b.out, last)
}

// local says where a browser finds the names of this machine alone, and what is missing before it accepts them.
func (b *banner) local(addresses []string) {
	i := slices.IndexFunc(addresses, func(a string) bool { return strings.HasPrefix(a, "https://") })
	names := b.cfg.AutomaticNames().Local
	if i < 0 || len(names) == 0 {
		return
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
	line := strings.Join(urls, "  ")
	if !b.product.Certificates.TrustsLocal() {
		line += "  (not trusted by this machine yet: standpipe certs trust)"
	}
	fmt.Fprintln(b.out, "  https   ", line)
}

// apps has a line for each app and each route.
func (b *banner) apps() {
	w := tabwriter.NewWriter(b.out, 0, 0, 3, ' ', 0)
	for i := range b.cfg.Apps {
		a := &b.cfg.Apps[i]
		st := b.progress.Of(a.Name)
		if st.Ready == nil {
			fmt.Fprintf(w, "  %s\tdid not start; its routes answer 503 until it does\n", a.Name)
			continue
		}
		python := terminal.Near(a.Interpreter.Path, b.cfg.Dir)
		if st.Hello != nil {
			python += " " + st.Hello.Python
		}
		fmt.Fprintf(w, "  %s\t%s%s\tpython %s (%s)\tworkers %d/%d ready in %.1f s%s\n", a.Name, st.Ready.Found, terminal.Found(a, st.Ready.How), python,
			a.Interpreter.How, st.Count, st.Of, st.Took.Round(100*time.Millisecond).Seconds(), terminal.Reason(a.Workers.Reason))
	}
	for _, r := range b.cfg.Routes {
		fmt.Fprintf(w, "  route\t%s\n", terminal.Route(r))
	}
	w.Flush()
}

// files says which static files the server answers without an app, which declared ones it
// leaves to the app, and which cannot be served.
func (b *banner) files() {
	list := allFolders(b.product, b.cfg)
	for i := range list {
		if list[i].Dir != "" {
			list[i].Dir = terminal.Near(list[i].Dir, b.cfg.Dir)
		}
	}
	lines, rest := staticfiles.Lines(list)
	for _, line := range lines {
		fmt.Fprintln(b.out, "  static  ", line)
	}
	if rest > 0 {
		fmt.Fprintf(b.out, "  static   %d more: standpipe status --static\n", rest)
	}
}

// allFolders are the static folders of the apps of cfg, and of the server.
func allFolders(product *compose.Server, cfg *config.Config) (list []staticfiles.Folder) {
	for i := range cfg.Apps {
		list = append(list, product.Static(cfg.Apps[i].Name)...)
	}
	return append(list, product.Static("")...)
}

// onlyHere explains why other machines cannot connect; empty: they can.
func onlyHere(urls []string) string {
	if len(urls) != 1 || !strings.HasPrefix(urls[0], "http://127.") {
		return ""
	}
	return fmt.Sprintf("  (this machine only; -b 0.0.0.0%s for all)", urls[0][strings.LastIndexByte(urls[0], ':'):])
}
