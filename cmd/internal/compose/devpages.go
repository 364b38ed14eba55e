package compose

import (
	"errors"
	"net/http"
	"strings"

	"github.com/standpipe/standpipe/bridge/devpage"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/wsgi"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/devreload"
	"github.com/standpipe/standpipe/cmd/internal/journal"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor"
)

// develop makes the pages of the development mode, where it is on.
func (p *parts) develop(cfg *config.Config) {
	if !cfg.Dev.On {
		return
	}
	if cfg.Dev.Live {
		p.liveFiles = new(devpage.Files)
	}
	p.errorPages = devpage.New(devpage.Options{Token: cfg.Dev.Token, Names: hostsOf(cfg), Changes: versions{p.code}, Files: p.liveFiles, Done: p.stop.begun})
}

// hostsOf are the hosts that the configuration names as a whole.
func hostsOf(cfg *config.Config) (names []string) {
	add := func(hosts []string) {
		for _, h := range hosts {
			if !strings.Contains(h, "*") {
				names = append(names, strings.ToLower(h))
			}
		}
	}
	for i := range cfg.Apps {
		add(cfg.Apps[i].Hosts)
	}
	for i := range cfg.Listen {
		add(cfg.Listen[i].Hosts)
	}
	return names
}

// versions are those of the code that requests wait for.
type versions struct{ hold *devreload.Hold }

func (v versions) Version(app string) (version int, waits bool, changed <-chan struct{}) {
	st, changed := v.hold.State(app)
	return st.Version, st.Waits, changed
}

// devStage answers for the pages themselves; nil: not in development.
func (p *parts) devStage() func(http.Handler) http.Handler {
	if p.errorPages == nil {
		return nil
	}
	return p.errorPages.Stage
}

// live is the stage that has browsers load pages again; nil: they do not.
func (p *parts) live(a *config.App) func(http.Handler) http.Handler {
	if p.liveFiles == nil {
		return nil
	}
	return p.errorPages.Live(a.Name)
}

// failed answers requests of an app that have failed; nil: not in development.
func (p *parts) failed(a *config.App, pool wsgi.Pool) func(w *httpx.Writer, r *http.Request, status int, err error) (string, bool) {
	if p.errorPages == nil {
		return nil
	}
	return func(w *httpx.Writer, r *http.Request, status int, err error) (string, bool) {
		report := failureReport(a.Name, pool, status, err)
		if report == nil {
			return "", false
		}
		why := p.errorPages.Write(w, r, report)
		return why, why == ""
	}
}

// failureReport is what a page shows of an error; nil: a usual page is enough.
func failureReport(app string, pool wsgi.Pool, status int, err error) *devpage.Report {
	raised, isApp := errors.AsType[*wire.AppError](err)
	switch {
	case isApp:
		return devpage.OfError(status, app, raised)
	case errors.Is(err, shim.ErrNoWorkers):
		if p, ok := pool.(interface {
			Failure() *supervisor.BootFailure
		}); ok {
			if f := p.Failure(); f != nil {
				return bootReport(app, f)
			}
		}
		return nil
	case errors.Is(err, shim.ErrWorkerGone):
		return &devpage.Report{Status: status, App: app, Title: "The worker has exited", Message: "The process that ran this request ended before it had answered: " + oneLine(err),
			Remark: "The log has the record worker_exit, with the cause and the last output."}
	case status == http.StatusInternalServerError:
		return &devpage.Report{Status: status, App: app, Title: "The answer cannot be sent", Message: oneLine(err)}
	}
	return nil
}

// bootReport is what a page shows of an app whose code does not start.
func bootReport(app string, err error) *devpage.Report {
	f, ok := errors.AsType[*supervisor.BootFailure](err)
	if !ok {
		return devpage.OfBoot(app, err.Error(), "", nil)
	}
	if f.Failed != nil {
		return devpage.OfBoot(app, f.Failed.Message, f.Failed.Fix, f.Failed)
	}
	report := devpage.OfBoot(app, journal.Sentence(f), "", nil)
	report.Stacks, report.Output = f.Stacks, f.Output
	return report
}
