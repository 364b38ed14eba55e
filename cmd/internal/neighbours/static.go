package neighbours

import (
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config"
)

// staticPlaces are the folders that a web server in front may serve by itself: those
// whose names nobody else answers for. One that is for some hosts alone stays with
// standpipe, as does what an app declares, which is known only when it runs.
func staticPlaces(cfg *config.Config) []Static {
	var list []Static
	add := func(mount string, hosts []string, s *config.Static) {
		url := strings.TrimSuffix(mount, "/") + s.URL + "/"
		taken := slices.ContainsFunc(list, func(o Static) bool { return o.URL == url }) // the first one counts
		if s.URL != "/" && s.Missing == "404" && len(hosts) == 0 && !taken {
			list = append(list, Static{URL: url, Dir: s.Dir})
		}
	}
	for i := range cfg.Static {
		add("", cfg.Static[i].Hosts, &cfg.Static[i])
	}
	for i := range cfg.Apps {
		a := &cfg.Apps[i]
		hosts := a.Hosts
		if len(cfg.Apps) == 1 { // the server block is for these hosts alone
			hosts = nil
		}
		for j := range a.Static {
			add(a.Mount, hosts, &a.Static[j])
		}
	}
	return list
}
