package run

import (
	"io"

	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/errorlog"
	"github.com/standpipe/standpipe/cmd/internal/journal"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
)

// output is the log, but for the records that say what the banner says to people.
type output struct {
	log *logfile.Log
}

// record writes a record that the banner replaces where people read the log.
func (o *output) record(event string, pairs ...any) {
	if !o.log.Text {
		o.log.Info(event, pairs...)
	}
}

// startReport reports how the start goes: to the log, the service manager and a person at a
// terminal.
type startReport struct {
	out     *output
	service *service
	banner  *banner
	cfg     *config.Config // of the start
	begin   *beginning     // nil: programs read the log
	journal *journal.Journal
}

// ready records that an app is up.
func (r *startReport) ready(app string, st journal.Start) {
	found := st.Ready.How
	for i := range r.cfg.Apps {
		if a := &r.cfg.Apps[i]; a.Name == app && found == "" {
			found = a.How
		}
	}
	pairs := []any{"app", app, "loaded", st.Ready.Found, "how", found, "framework", st.Ready.Framework,
		"workers", errorlog.Of{N: st.Count, Of: st.Of}, "took", st.Took}
	if st.Hello != nil {
		pairs = append(pairs, "python", st.Hello.Python, "executable", st.Hello.Executable)
	}
	r.out.record("app_ready", pairs...)
}

// decided notifies the service manager: each app serves, or cannot.
func (r *startReport) decided() { r.service.manager.Ready() }

// started records the end of the start, and prints the banner.
func (r *startReport) started(up int) {
	r.out.record("serving", "apps", len(r.cfg.Apps), "up", up)
	r.show()
}

// waits says that no app has started, and that each is started again when its code changes.
func (r *startReport) waits() {
	r.banner.waiting = true
	r.show()
	r.out.log.Warn("not_booted", "message", "no app started; waiting for a code change to retry")
}

// show is for people: why apps did not start, and the banner.
func (r *startReport) show() {
	warnings, failures := r.begin.end()
	if !r.out.log.Text {
		return
	}
	for i := range failures {
		r.journal.Shown(&failures[i])
		_, _ = io.WriteString(r.banner.out, journal.People(&failures[i], r.banner.paint))
	}
	r.banner.print(warnings)
}

// failed is called when the start has failed: the warnings about what the user has written may say why.
func (r *startReport) failed() {
	warnings, _ := r.begin.end()
	for _, w := range warnings {
		if w.Event == "config" {
			_, _ = io.WriteString(r.banner.out, r.banner.paint.Yellow("warning:")+" "+warning(w)+"\n")
		}
	}
}
