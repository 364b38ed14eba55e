package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// lifeSettings are about how a worker's life begins and ends.
func lifeSettings() []*Setting {
	return []*Setting{
		perApp("underscore_fields", List, []string{"underscore-fields"}, "", "", "Request fields with an underscore in their names that the app gets, such as `api_key` (HTTP_API_KEY); others are removed, and each is logged once (`field_dropped`). Where the name with hyphens comes too, it counts. Names that proxies set (`x_forwarded_for`) cannot be allowed.", func(a *App) any { return &a.Requests.UnderscoreFields }),
		choice([]string{"safe", "never"}, perApp("retry", Choice, []string{"retry"}, "safe", "", "Whether a request that was running when its worker died may be run again. `safe`: a GET, HEAD or OPTIONS once, when no octet of its answer had gone out and the death was not the worker's own doing (killed from outside, or for another request's timeout); the app sees `standpipe.attempt` = 2. `never`: nothing. What had not started goes to another worker in any case.", func(a *App) any { return &a.Requests.Retry })),
		perApp("preload", Switch, []string{"preload"}, "off", "", "Import the app once, in a process of its own (the template) that then forks the workers: they share its memory and start in milliseconds. A reload imports anew. What processes cannot share (connections, threads) belongs into a function given to `standpipe_shim.on_fork`, which runs once in each worker, with and without preload. CPython on Linux only. In the file: `preload = true`.", func(a *App) any { return &a.Life.Preload }),
		surgeSetting(),
		atStart(perApp("reload", Switch, []string{"reload"}, "off", "", "While you develop: the app is reloaded when a file changes that its workers have imported, a template beneath dir, or a file of env_file. Code that cannot be loaded is told, and served again when it is repaired, also at the start. In the file: `reload = true`.", func(a *App) any { return &a.Life.Reload })),
		perApp("touch_reload", List, []string{"touch-reload"}, "", "", "Files, relative to dir; the app is reloaded when the time of one of them changes (`touch reload.txt`). They are looked at each second.", func(a *App) any { return &a.Life.TouchReload }),
		perApp("warmup", List, []string{"warmup"}, "", "", "Paths that a new worker has to answer with 2xx or 3xx before it takes requests; otherwise it counts as one that did not boot. The host is localhost.", func(a *App) any { return &a.Life.Warmup }),
		perApp("idle_stop", Duration, []string{"idle-stop"}, "0", "", "After so long without a request all workers of the app are stopped; the next request starts them and waits for the first.", func(a *App) any { return &a.Life.IdleStop }),
		perApp("max_requests", Int, []string{"max-requests"}, "0", "", "Requests that a worker serves before it is replaced. Its replacement boots first, and few are replaced at a time (a tenth, at least 1): it may serve more.", func(a *App) any { return &a.Life.MaxRequests }),
		share("max_requests_jitter", "10%", "", "What is added at random to max_requests and max_lifetime of each worker: a share, or a number of requests as gunicorn has it.", func(a *App) *Share { return &a.Life.Jitter }),
		perApp("max_lifetime", Duration, []string{"max-lifetime"}, "0", "", "How long a worker lives before it is replaced in the same way.", func(a *App) any { return &a.Life.MaxLifetime }),
		perApp("max_rss", Size, []string{"max-rss"}, "0", "", "The resident size above which a worker is replaced in the same way. It is looked at each second.", func(a *App) any { return &a.Life.MaxRSS }),
		perApp("hard_rss", Size, []string{"hard-rss"}, "0", "", "The resident size above which a worker is killed at once, with a record of its stacks.", func(a *App) any { return &a.Life.HardRSS }),
		perApp("drain_timeout", Duration, []string{"drain-timeout"}, "5m", "", "How long a worker that was replaced may finish the requests that it runs and, within the same time, its exit hooks; then it is stopped.", func(a *App) any { return &a.Life.DrainTimeout }),
	}
}

// Share is a number, or a part of another one.
type Share struct {
	N       int
	Percent float64 // above 0: N does not count
	None    bool    // of surge: none, and the others do not count
}

// Of is the share of n, rounded down.
func (s Share) Of(n int) int {
	if s.Percent > 0 {
		return int(float64(n) * s.Percent / 100)
	}
	return s.N
}

func (s Share) String() string {
	if s.None {
		return "none"
	}
	if s.Percent > 0 {
		return strconv.FormatFloat(s.Percent, 'f', -1, 64) + "%"
	}
	return strconv.Itoa(s.N)
}

// ParseShare reads "25%" or a number.
func ParseShare(s string) (Share, error) {
	if p, ok := strings.CutSuffix(strings.TrimSpace(s), "%"); ok {
		f, err := strconv.ParseFloat(strings.TrimSpace(p), 64)
		if err != nil || !(f >= 0 && f <= 1000) {
			return Share{}, errors.New("is not a share; write 25% or a number")
		}
		return Share{Percent: f}, nil
	}
	n, err := parseInt(s)
	return Share{N: n}, err
}

func share(key, def, derived, doc string, at func(*App) *Share) *Setting {
	s := perApp(key, Text, []string{flagName(key)}, def, derived, doc, nil)
	s.at = nil
	s.Hint = "N|N%"
	s.set = func(t target, in input) error { return store(at(t.app), in.last(), ParseShare) }
	s.show = func(t target) (string, bool) { return at(t.app).String(), true }
	return s
}

// surgeSetting takes a share, and "none".
func surgeSetting() *Setting {
	s := share("surge", "25%", "at least 1", "How many workers more than configured may live during a reload: a number, or a share. `none`: a worker stops before the next one of its place is started, in a reload, for its age or size, and by `restart`, one at a time; requests wait meanwhile, whatever queue_timeout says. It is for apps that take something at import that two cannot have: a port, a lock ([schedulers](migrating.md#schedulers)).", func(a *App) *Share { return &a.Life.Surge })
	s.Hint = "N|N%|none"
	s.set = func(t target, in input) error {
		if in.last() == "none" {
			t.app.Life.Surge = Share{None: true}
			return nil
		}
		n, err := ParseShare(in.last())
		if err == nil && n == (Share{}) {
			return errors.New(`is 0; write "none" for workers that stop before the next ones start, or 1`)
		}
		if err != nil {
			return store(&t.app.Life.Surge, in.last(), ParseShare)
		}
		t.app.Life.Surge = n
		return nil
	}
	return s
}

// workersSetting takes "4" and "2..8".
func workersSetting() *Setting {
	s := atLeast(1, perApp("workers", Int, []string{"workers", "w"}, "", "WEB_CONCURRENCY; else as many as there are cpus, at least 2 and at most 8, lowered to memory / 200 MiB; cgroup limits count",
		"Worker processes, at least 1: a number, or `2..8`: never fewer and never more than these, and as many between as requests need that would otherwise wait.", nil))
	s.at = nil
	s.Hint = "N|A..B"
	s.set = func(t target, in input) error {
		least, most, isRange := strings.Cut(in.last(), "..")
		a, err := s.parseInt(least)
		b := a
		if err == nil && isRange {
			b, err = s.parseInt(most)
		}
		switch {
		case err != nil:
			return fmt.Errorf("%q %w; write 4, or 2..8", in.last(), err)
		case isRange && (a < 1 || b < a):
			return fmt.Errorf("%q is no range; write the least first, at least 1: 2..8", in.last())
		}
		t.app.Workers.Min, t.app.Workers.Max = a, b
		return nil
	}
	s.show = func(t target) (string, bool) {
		if t.app.Workers.Max > t.app.Workers.Min {
			return fmt.Sprintf("%d..%d", t.app.Workers.Min, t.app.Workers.Max), true
		}
		return strconv.Itoa(t.app.Workers.Min), true
	}
	return s
}
