package journal

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/logtext"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/errorlog"
	"github.com/standpipe/standpipe/supervisor"
	"github.com/standpipe/standpipe/supervisor/process"
)

// Journal writes supervisor events as log records.
type Journal struct {
	log hclog.Logger

	mu   sync.Mutex
	last map[string]*failure // by app

	told httpx.LogLimiter // facts that each worker reports and that are written once
}

// failure is the last boot failure of an app, and how often it came in a row.
type failure struct {
	text  string
	count int
}

// New returns a Journal that writes to log.
func New(log hclog.Logger) *Journal {
	return &Journal{log: log, last: map[string]*failure{}}
}

// Event writes the record for e.
func (j *Journal) Event(e supervisor.Event) {
	switch e := e.(type) {
	case supervisor.WorkerStarted:
		j.log.Debug("worker_started", about(e.Who)...)
	case supervisor.WorkerHello:
		j.hello(e)
	case supervisor.WorkerReady:
		j.mu.Lock()
		delete(j.last, e.App)
		j.mu.Unlock()
		j.log.Debug("worker_ready", append(about(e.Who), "took", e.Took, "ready", errorlog.Of{N: e.Count, Of: e.Of})...)
	case supervisor.WorkerWaits:
		pairs := append(about(e.Who), "state", e.State.String(), "for", e.Since)
		if at := Stuck(e.Stacks); at != "" {
			pairs = append(pairs, "at", at)
		}
		if e.State == supervisor.Stopping {
			j.log.Warn("exit_waits", pairs...)
		} else {
			j.log.Warn("boot_waits", pairs...)
		}
	case supervisor.BootFailure:
		j.bootFailure(e)
	case supervisor.WorkerExit:
		j.exit(e)
	case supervisor.RequestExpired:
		j.expired(e)
	case supervisor.Refused:
		j.refused(e)
	case supervisor.TemplateStarted:
		j.log.Debug("template_started", about(e.Who)...)
	case supervisor.TemplateReady:
		j.log.Info("template_ready", append(about(e.Who), "took", e.Took, "import", e.Ready.Import)...)
	case supervisor.TemplateExit:
		j.templateExit(e)
	case supervisor.Reloaded:
		j.log.Info("reloaded", "app", e.App, "gen", e.Generation, "release", e.Release)
	case supervisor.ReloadFailed:
		j.reloadFailed(e)
	case supervisor.Scaled:
		j.log.Info("scaled", "app", e.App, "from", e.From, "to", e.To,
			"message", fmt.Sprintf("scaled from %d to %d workers: %s", e.From, e.To, e.Why))
	case supervisor.Output:
		j.output(e)
	case supervisor.ShimLog:
		j.shim(e)
	}
}

func about(w supervisor.Who) []any {
	if w.Pid == 0 {
		return []any{"app", w.App, "worker", w.Worker, "gen", w.Generation}
	}
	return []any{"app", w.App, "worker", w.Worker, "pid", w.Pid, "gen", w.Generation}
}

func (j *Journal) hello(e supervisor.WorkerHello) {
	if !e.Hello.Control {
		j.log.Warn("no_control", append(about(e.Who), "message",
			"the interpreter's command does not pass file descriptor 3 on (a wrapper such as conda run, sudo or docker exec): "+
				"no stacks, no cancel; name the real python instead")...)
	}
	j.log.Debug("worker_hello", append(about(e.Who), "python", e.Hello.Implementation+" "+e.Hello.Python, "executable", e.Hello.Executable)...)
}

// Sentence says in one sentence why the app of this failure did not start.
func Sentence(e *supervisor.BootFailure) string {
	reason := "unknown"
	switch {
	case e.Failed != nil:
		reason = e.Failed.Message
	case e.Err != nil:
		reason, _, _ = strings.Cut(e.Err.Error(), "\n")
		slow, tooSlow := errors.AsType[*process.BootTimeoutError](e.Err)
		if at := Stuck(e.Stacks); at != "" {
			if tooSlow && !sameStacks(slow.Earlier, e.Stacks) {
				reason += "; at the end it was at " + at
			} else {
				reason += "; stuck at " + at
			}
		}
		if tooSlow {
			reason += fmt.Sprintf("; if the app only needs longer: --boot-timeout %s", schema.FormatDuration((2 * slow.Limit).Round(time.Second)))
		}
		if line := lastLine(e.Output); line != "" {
			reason += "; its last output: " + line
		}
	}
	return fmt.Sprintf("app %q did not start: %s", e.App, reason)
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}

// Shown takes note of a failure that people have read elsewhere: the same one is counted from here on, not repeated. It returns how
// often it has come in a row.
func (j *Journal) Shown(e *supervisor.BootFailure) int {
	text := Advised(e) + "\n" + e.Output
	if e.Failed != nil {
		text = Advised(e) + "\n" + e.Failed.Traceback
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	last := j.last[e.App]
	if last == nil || last.text != text {
		last = &failure{text: text}
		j.last[e.App] = last
	}
	last.count++
	return last.count
}

func (j *Journal) bootFailure(e supervisor.BootFailure) {
	sentence, count := Advised(&e), j.Shown(&e)
	pairs := append(about(e.Who), "message", sentence, "retry_in", e.Retry)
	if count > 1 { // the same again: it is counted, not repeated
		j.log.Error("app_failed", append(pairs, "repeated", count)...)
		return
	}
	switch {
	case e.Failed != nil:
		pairs = append(pairs, "kind", e.Failed.Kind, "dir", e.Failed.Dir, "sys_path", strings.Join(e.Failed.SysPath, ":"))
		if e.Failed.File != "" {
			file := e.Failed.File
			if e.Failed.Line > 0 {
				file += ":" + strconv.Itoa(e.Failed.Line)
			}
			pairs = append(pairs, "file", file)
		}
		if e.Failed.Traceback != "" {
			pairs = append(pairs, "traceback", strings.TrimRight(e.Failed.Traceback, "\n"))
		}
	default:
		if e.Err != nil && strings.Contains(e.Err.Error(), "\n") {
			pairs = append(pairs, "detail", e.Err.Error())
		}
		if at := Stuck(e.Stacks); at != "" {
			key := "stuck"
			if slow, tooSlow := errors.AsType[*process.BootTimeoutError](e.Err); tooSlow && !sameStacks(slow.Earlier, e.Stacks) {
				key = "at"
			}
			pairs = append(pairs, key, at)
		}
		if e.Stacks != "" {
			pairs = append(pairs, "stacks", strings.TrimRight(e.Stacks, "\n"))
		}
		if e.Output != "" {
			pairs = append(pairs, "output", e.Output)
		}
	}
	j.log.Error("app_failed", pairs...)
}

// reloadFailed writes the fault of the new code, and which code serves now; with Cutover none does.
func (j *Journal) reloadFailed(e supervisor.ReloadFailed) {
	pairs := append(about(e.Who), "message", ReloadSentence(&e), "release", e.Release)
	if !e.Cutover {
		pairs = append(pairs, "serving", e.Serving, "serving_release", e.ServingRelease)
	}
	switch {
	case e.Failed != nil && e.Failed.Traceback != "":
		pairs = append(pairs, "traceback", strings.TrimRight(e.Failed.Traceback, "\n"))
	case e.Failed == nil && e.Stacks != "":
		pairs = append(pairs, "stacks", strings.TrimRight(e.Stacks, "\n"))
	}
	if e.Failed == nil && e.Output != "" {
		pairs = append(pairs, "output", e.Output)
	}
	j.log.Error("reload_failed", pairs...)
}

// ReloadSentence says why a reload failed, and what requests get now.
func ReloadSentence(e *supervisor.ReloadFailed) string {
	_, why, _ := strings.Cut(Advised(&e.BootFailure), " did not start: ")
	if e.Cutover {
		return fmt.Sprintf("the code of %q does not start; requests get this failure until it does. %s", e.App, why)
	}
	return fmt.Sprintf("reload of %q failed: generation %d did not start, generation %d keeps serving. %s", e.App, e.Generation, e.Serving, why)
}

func (j *Journal) expired(e supervisor.RequestExpired) {
	l := e.Request.Label
	pairs := append(about(e.Who), "id", l.ID, "method", l.Method, "target", l.Target,
		"wait", e.Request.Sent.Sub(l.Start),
		"ran", time.Since(e.Request.Sent), "client", l.Client, "message", e.Why+"; worker retired")
	if at := Stuck(e.Stacks); at != "" {
		key := "at"
		if at == Stuck(e.Earlier) {
			key = "stuck"
		}
		pairs = append(pairs, key, at)
	}
	if e.Stacks != "" {
		pairs = append(pairs, "stacks", strings.TrimRight(e.Stacks, "\n"))
	}
	j.log.Error("request_timeout", pairs...)
}

// briefTarget bounds a target in a list of requests, in bytes.
const briefTarget = 256

// refused names the requests that keep the workers busy: they are the cause.
func (j *Journal) refused(e supervisor.Refused) {
	var busy []string
	for _, b := range e.Busy {
		for _, f := range b.InFlight {
			if !f.Sent.IsZero() {
				busy = append(busy, fmt.Sprintf("%s %s %s %.1fs", b.Worker, logtext.Cut(f.Label.Method, logtext.Word), logtext.Cut(f.Label.Target, briefTarget), time.Since(f.Sent).Seconds()))
			}
		}
		if len(busy) > 8 {
			busy = append(busy[:8], "...")
			break
		}
	}
	event := "queue_full"
	if e.Full == 0 {
		event = "queue_timeout"
	}
	j.log.Warn(event, "app", e.App, "waiting", errorlog.Of{N: e.Waiting, Of: e.Limit}, "oldest", e.Oldest,
		"refused", e.Full, "timed_out", e.TimedOut, "busy", fmt.Sprintf("%d/%d: %s", len(e.Busy), e.Workers, strings.Join(busy, ", ")))
}

// once reports whether a record that each worker sends is written: a fact about an app once for each generation, a host or an
// origin that it refuses once.
func (j *Journal) once(e supervisor.ShimLog) bool {
	switch e.Record.Event {
	case "one_worker_needed", "patched_threads":
		return j.told.Allow(fmt.Sprint(e.App, " ", e.Record.Event, " ", e.Generation), time.Now())
	case "host_refused", "origin_refused":
		return j.told.Allow(fmt.Sprint(e.App, " ", e.Record.Pairs), time.Now())
	}
	return true
}

func (j *Journal) shim(e supervisor.ShimLog) {
	if e.Record.Event == "modules" {
		return // for who watches them
	}
	if !j.once(e) {
		return
	}
	pairs := about(e.Who)
	if e.Request != nil {
		pairs = append(pairs, "id", e.Request.ID, "method", e.Request.Method, "target", e.Request.Target)
	}
	pairs = append(pairs, "message", e.Record.Message)
	for _, p := range e.Record.Pairs {
		pairs = append(pairs, p)
	}
	level := hclog.LevelFromString(e.Record.Level)
	if level == hclog.NoLevel {
		level = hclog.Info
	}
	event := e.Record.Event
	if event == "" {
		event = "worker"
	}
	j.log.Log(level, event, pairs...)
}
