package monitor

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/journal"
	"github.com/standpipe/standpipe/supervisor"
)

const (
	maxMarks = 500
	maxText  = 300 // bytes of a mark's text
	// joinTime is how long after a mark the same happening counts as its repetition.
	joinTime = time.Minute
)

// marks keep what happened in the last hour.
type marks struct {
	mu   sync.Mutex
	list []Mark // the oldest first
}

// add adds a mark, without At of now, or counts it as a repetition of the last one of its app.
func (l *marks) add(m Mark) {
	m.Text, _, _ = strings.Cut(m.Text, "\n")
	m.Text = brief(m.Text, maxText)
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.At.IsZero() { // under mu: the list is in the order of the times
		m.At = time.Now()
	}
	for i := len(l.list) - 1; i >= 0 && m.At.Sub(l.list[i].At) < joinTime; i-- {
		old := &l.list[i]
		if old.App != m.App {
			continue
		}
		if old.Kind == m.Kind && old.Text == m.Text && old.Bad == m.Bad && m.Bad {
			old.Repeated++
			return
		}
		break
	}
	l.push(m)
}

// put adds a mark of the process before this one, as it was.
func (l *marks) put(m Mark) {
	m.Text = brief(m.Text, maxText)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.push(m)
}

func (l *marks) push(m Mark) {
	if len(l.list) >= maxMarks {
		l.list = append(l.list[:0], l.list[1:]...)
	}
	l.list = append(l.list, m)
}

// all are those of an app and of the server; app empty: all.
func (l *marks) all(app string, now time.Time) []Mark {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := []Mark{}
	for _, m := range l.list {
		if now.Sub(m.At) < keepTime && (app == "" || m.App == app || m.App == "") {
			list = append(list, m)
		}
	}
	return list
}

// markOf is the mark of an event of a pool.
func markOf(e supervisor.Event) (m Mark, ok bool) {
	switch e := e.(type) {
	case supervisor.WorkerExit:
		return exitMark(&e)
	case supervisor.TemplateExit:
		if e.Reason != supervisor.None && e.Err == nil {
			return m, false
		}
		return Mark{Kind: "worker_exit", App: e.App, Worker: e.Worker, Text: e.Exit.Cause(), Bad: true}, true
	case supervisor.BootFailure:
		return Mark{Kind: "boot_failed", App: e.App, Worker: e.Worker, Text: journal.Sentence(&e), Bad: true}, true
	case supervisor.Reloaded:
		return Mark{Kind: "reloaded", App: e.App, Text: fmt.Sprintf("generation %d", e.Generation)}, true
	case supervisor.ReloadFailed:
		return Mark{Kind: "reload_failed", App: e.App, Text: journal.Sentence(&e.BootFailure), Bad: true}, true
	case supervisor.Scaled:
		return Mark{Kind: "scaled", App: e.App, Text: fmt.Sprintf("from %d to %d workers: %s", e.From, e.To, e.Why)}, true
	case supervisor.RequestExpired:
		text := e.Request.Label.Method + " " + e.Request.Label.Target
		if at := journal.Stuck(e.Stacks); at != "" {
			text = at + ", " + text
		}
		return Mark{Kind: "request_timeout", App: e.App, Worker: e.Worker, Text: text, Bad: true}, true
	case supervisor.Refused:
		kind := "queue_full"
		if e.Full == 0 {
			kind = "queue_timeout"
		}
		return Mark{Kind: kind, App: e.App, Text: "requests were answered 503", Bad: true}, true
	}
	return m, false
}

// exitMark is that of a worker that ended although it was not asked to, or because a person has asked for it.
func exitMark(e *supervisor.WorkerExit) (m Mark, ok bool) {
	m = Mark{Kind: "worker_exit", App: e.App, Worker: e.Worker, Text: e.Exit.Cause(), Bad: journal.ExitIsBad(*e)}
	switch {
	case m.Bad && e.Reason != supervisor.None:
		m.Text += ", " + e.Reason.String()
	case m.Bad && e.Exit.SignalName != "":
		m.Text += ", " + e.Exit.SignalName + " from " + journal.Sender(e.Exit, e.Ours)
	case e.Reason == supervisor.Restart:
		m.Kind, m.Text = "restarted", ""
	}
	return m, m.Bad || m.Kind == "restarted"
}
