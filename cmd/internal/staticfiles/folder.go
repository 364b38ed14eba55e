package staticfiles

import (
	"fmt"

	"github.com/standpipe/standpipe/bridge/static"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/privileges"
)

// Folder is a folder that is served without its app, or is not, for people.
type Folder struct {
	App      string // empty: of the server
	URL, Dir string // Dir may be empty with Trouble
	How      string // "declared by Flask", "configured"
	Refused  string // why requests go to the app; empty: they do not
	Insist   bool   // --static force would serve it
	Trouble  string // why it cannot be served at all; empty: it can
}

// String is one line for people.
func (x Folder) String() string { return x.line(x.URL, x.Dir, x.How, " is") }

func (x Folder) line(url, dir, how, verb string) string {
	s := how
	switch {
	case url != "" && dir != "":
		s = fmt.Sprintf("%s -> %s (%s)", url, dir, how)
	case url != "":
		s = fmt.Sprintf("%s (%s)", url, how)
	}
	switch {
	case x.Trouble != "":
		s += ": " + x.Trouble
	case x.Refused != "":
		s += verb + " left to the app: " + x.Refused
	}
	if x.Insist {
		s += "; --static force insists"
	}
	return s
}

// Unservable says which of the folders that the configuration names cannot be served by
// the user that the server runs as.
func Unservable(cfg *config.Config) (list []string) {
	add := func(what, url, dir string) {
		if why := unservable(cfg, dir); why != "" {
			list = append(list, fmt.Sprintf("%s %s: no file of %s can be served: %s", what, url, dir, why))
		}
	}
	for i := range cfg.Apps {
		for _, s := range cfg.Apps[i].Files.Static {
			add(fmt.Sprintf("app %q: static", cfg.Apps[i].Name), s.URL, s.Dir)
		}
	}
	for _, s := range cfg.Static {
		add("[[static]]", s.URL, s.Dir)
	}
	return list
}

func unservable(cfg *config.Config, dir string) string {
	id := privileges.Identity(cfg.Account.Identity)
	if id == nil {
		return static.Unusable(dir, static.Owner{})
	}
	if err := privileges.Unreadable(dir, *id); err != nil {
		return fmt.Sprintf("%s may not enter it: %v", cfg.Account.Identity, err)
	}
	return ""
}
