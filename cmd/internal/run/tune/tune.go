package tune

import "github.com/standpipe/standpipe/cmd/internal/config"

// Load is what a server does most.
type Load int

// A server with apps, or with files alone, leaves cores to others. One that forwards requests and has no app uses all.
const (
	Serving Load = iota
	Forwarding
)

// LoadOf is what the server of a configuration does.
func LoadOf(cfg *config.Config) Load {
	if len(cfg.Apps) > 0 {
		return Serving
	}
	for i := range cfg.Routes {
		if cfg.Routes[i].Handler == "proxy" {
			return Forwarding
		}
	}
	return Serving
}

// Start tunes the run-time of this process. memory is the limit of the control group in
// bytes; 0: there is none. It is called once, before any app runs.
func Start(memory int64, l Load) {
	fixProcs(l)
	setCollector()
	limitMemory(memory)
	reserveThreads(threadsNeeded())
}
