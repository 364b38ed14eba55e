package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/staticfiles"
)

// banner tells a person at a terminal what is served, and how it was found.
func (s *serving) banner() {
	p := paint{s.color}
	urls := strings.Join(s.srv.Addresses(), "  ")
	fmt.Fprintf(s.errOut, "%s %s  %s%s\n", p.bold("standpipe"), version, urls, onlyHere(s.srv.Addresses()))
	if s.cfg.File != "" {
		fmt.Fprintf(s.errOut, "  config   %s\n", near(s.cfg.File, s.cfg.Dir))
	}
	w := tabwriter.NewWriter(s.errOut, 0, 0, 3, ' ', 0)
	for i := range s.cfg.Apps {
		a := &s.cfg.Apps[i]
		st := s.progress.Of(a.Name)
		if st.Ready == nil {
			fmt.Fprintf(w, "  %s\tdid not start; its routes answer 503 until it does\n", a.Name)
			continue
		}
		python := near(a.Interpreter.Path, s.cfg.Dir)
		if st.Hello != nil {
			python += " " + st.Hello.Python
		}
		fmt.Fprintf(w, "  %s\t%s%s\tpython %s (%s)\tworkers %d/%d ready in %.1f s%s\n", a.Name, st.Ready.Found, how(a, st.Ready.How), python,
			a.Interpreter.How, st.Count, st.Of, st.Took.Round(100*time.Millisecond).Seconds(), because(a.Workers.Reason))
	}
	for _, r := range s.cfg.Routes {
		fmt.Fprintf(w, "  route\t%s\n", routeLine(r))
	}
	w.Flush()
	s.bannerFiles()
	for i := range s.cfg.Apps {
		name := s.cfg.Apps[i].Name
		if hidden := s.srv.HiddenHealth(name); len(hidden) > 0 {
			fmt.Fprintf(s.errOut, "  health   %s has its own %s, which standpipe answers first; --health-path /-/health or off lets the app answer\n", name, strings.Join(hidden, " "))
		}
	}
	last := "  health   " + cmp.Or(strings.Join(s.cfg.Responses.Health(), " "), "off")
	if path := s.controlPath(); path != "" {
		last += "   control " + near(path, s.cfg.Dir)
	}
	if s.metricsAt != "" {
		last += "   metrics " + s.metricsAt
	}
	fmt.Fprintln(s.errOut, last)
}

// bannerFiles says which files no app is asked for, which one is asked for although it
// declares them, and which cannot be served.
func (s *serving) bannerFiles() {
	list := s.files()
	for i := range list {
		if list[i].Dir != "" {
			list[i].Dir = near(list[i].Dir, s.cfg.Dir)
		}
	}
	lines, rest := staticfiles.Lines(list)
	for _, line := range lines {
		fmt.Fprintln(s.errOut, "  static  ", line)
	}
	if rest > 0 {
		fmt.Fprintf(s.errOut, "  static   %d more: standpipe status --static\n", rest)
	}
}

// files are the folders of all apps, and of the server.
func (s *serving) files() (list []staticfiles.Folder) {
	for i := range s.cfg.Apps {
		list = append(list, s.srv.Static(s.cfg.Apps[i].Name)...)
	}
	return append(list, s.srv.Static("")...)
}

// how says how the app was found, and where it is mounted if that is not "/".
func how(a *config.App, found string) string {
	out := ""
	if found == "" {
		found = a.How
	}
	if found != "" {
		out = " (" + found + ")"
	}
	if a.Mount != "/" || len(a.Hosts) > 0 {
		out += " " + place(a)
	}
	return out
}

// onlyHere is a hint for who wonders why nobody else can connect.
func onlyHere(urls []string) string {
	if len(urls) != 1 || !strings.HasPrefix(urls[0], "http://127.") {
		return ""
	}
	return fmt.Sprintf("  (this machine only; -b 0.0.0.0%s for all)", urls[0][strings.LastIndexByte(urls[0], ':'):])
}

// near shortens a path that lies beneath dir.
func near(path, dir string) string {
	if rel, err := filepath.Rel(dir, path); err == nil && !strings.HasPrefix(rel, "..") {
		return rel
	}
	if home, err := os.UserHomeDir(); err == nil && strings.HasPrefix(path, home+string(filepath.Separator)) {
		return "~" + path[len(home):]
	}
	return path
}
