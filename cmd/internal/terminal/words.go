package terminal

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config"
)

// Route says where a route is and where it leads.
func Route(r config.Route) string {
	at := r.Path
	if len(r.Hosts) > 0 {
		at = strings.Join(r.Hosts, ",") + " " + at
	}
	at += r.Match.String()
	if to := answerOf(&r); to != "" {
		return "on " + at + "\t-> " + to
	}
	list := r.Balance.All()
	to := make([]string, len(list))
	for i, s := range list {
		to[i] = s.At.String()
	}
	return "on " + at + "\t-> " + strings.Join(to, ", ")
}

// answerOf is what a route without upstreams answers with; empty: it has some.
func answerOf(r *config.Route) string {
	switch a := &r.Answer; r.Handler {
	case "static":
		return a.Files.Dir
	case "app":
		return "app " + a.App
	case "redirect":
		return strconv.Itoa(a.Status) + " " + a.Redirect
	case "respond":
		return strconv.Itoa(a.Respond)
	}
	return ""
}

// Mount says where an app is mounted.
func Mount(a *config.App) string {
	if len(a.Hosts) == 0 {
		return "on " + a.Mount
	}
	return "on " + strings.Join(a.Hosts, ",") + " " + a.Mount
}

// Found says in parentheses how an app was found, and where it is mounted unless that is "/".
// found is what its worker has reported; empty: what the configuration says.
func Found(a *config.App, found string) string {
	out := ""
	if found == "" {
		found = a.How
	}
	if found != "" {
		out = " (" + found + ")"
	}
	if a.Mount != "/" || len(a.Hosts) > 0 {
		out += " " + Mount(a)
	}
	return out
}

// Reason puts a reason in parentheses; empty: there is none.
func Reason(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}

// Near shortens a path below dir or below the home folder.
func Near(path, dir string) string {
	if rel, err := filepath.Rel(dir, path); err == nil && !strings.HasPrefix(rel, "..") {
		return rel
	}
	if home, err := os.UserHomeDir(); err == nil && strings.HasPrefix(path, home+string(filepath.Separator)) {
		return "~" + path[len(home):]
	}
	return path
}
