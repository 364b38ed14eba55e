package wsgi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/logtext"
	"github.com/standpipe/standpipe/bridge/spool"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

// said is what an app's log has said already.
type said struct {
	hopByHop, fields         httpx.LogLimiter // once for all time
	spoolFull, answersFailed httpx.LogLimiter // once a minute
	websocket                atomic.Bool      // once
}

// records writes the log records of one request.
type records struct {
	log  hclog.Logger
	said *said
	app  string
	info *httpx.RequestInfo
	r    *http.Request
}

// pairs names the request.
func (l *records) pairs() []any {
	pairs := []any{"app", l.app, "id", l.info.ID, "method", l.r.Method, "target", l.r.RequestURI, "worker", l.info.Worker}
	return append(pairs, l.info.Traced()...)
}

// report writes the record of an error that an operator has to look at.
func (l *records) report(s *spool.Spool, err error) {
	var app *wire.AppError
	var bad *badResponse
	switch {
	case errors.As(err, &app) && app.Detail != nil && app.Detail.Logged: // by its framework
	case errors.As(err, &app):
		l.log.Error("app_error", append(l.pairs(), "error", app.Error(), "at", innermost(app), "traceback", strings.TrimRight(app.Traceback, "\n"))...)
	case errors.As(err, &bad):
		l.log.Error("bad_response", append(l.pairs(), "error", bad.reason)...)
	case errors.Is(err, spool.ErrDiskFull):
		l.spoolFull(s, "no room on the disk for request bodies: answered 507", err)
	case errors.Is(err, spool.ErrFull):
		l.spoolFull(s, "request bodies fill spool_total, or one client has its share of it: answered 503", err)
	case judge(err).unknown:
		l.log.Error("request_failed", append(l.pairs(), "error", err)...)
	}
}

// innermost is the app's own innermost frame in an error of its; empty: unknown.
func innermost(e *wire.AppError) string {
	if e.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d in %s", e.File, e.Line, e.Function)
}

// spoolFull tells once a minute: a client can repeat it at will.
func (l *records) spoolFull(s *spool.Spool, what string, err error) {
	if l.said.spoolFull.Allow(what, time.Now()) {
		l.log.Error("spool_full", "app", l.app, "id", l.info.ID, "dir", s.Folder(), "used", s.Used(), "client", l.info.RemoteAddr, "error", err, "message", what)
	}
}

// answerSpool says that answers cannot be put into files; their workers wait.
func (l *records) answerSpool(err error) {
	if l.said.answersFailed.Allow("", time.Now()) {
		l.log.Warn("answer_spool", append(l.pairs(), "error", err,
			"message", "answers to slow clients do not fit into memory and cannot be put into files (spool_dir, answer_total): their workers wait for the clients (said once a minute)")...)
	}
}

// websocketIgnored tells once that WebSocket does not reach a WSGI app: PEP 3333 has
// no way for it. The request is an ordinary GET.
func (l *records) websocketIgnored() {
	for _, v := range l.r.Header["Upgrade"] {
		if strings.Contains(strings.ToLower(v), "websocket") && !l.said.websocket.Swap(true) {
			l.log.Warn("websocket_ignored", "app", l.app, "id", l.info.ID, "target", l.r.RequestURI,
				"message", "a WSGI app cannot speak WebSocket; the app gets the request as an ordinary GET (said once per app)")
		}
	}
}

// mostDropped bounds the records about fields' names that one request writes; the next
// request may write as many.
const mostDropped = 8

// fieldsDropped tells of fields that do not reach the app because of their names, each
// once for the app: the client thinks that it has sent a key, and the app has none.
func (l *records) fieldsDropped(fields []string) {
	told := 0
	for _, name := range fields {
		if told == mostDropped {
			return
		}
		name = strings.ToLower(logtext.Cut(name, logtext.Word))
		if !l.said.fields.Allow(name, time.Now()) {
			continue
		}
		told++
		dashed := strings.ReplaceAll(name, "_", "-")
		what := "the field " + name + " does not reach the app: send " + dashed + " instead, which is the same variable, or allow it: underscore_fields = [\"" + name + "\"] (said once per name and app)"
		if !cgi.IsVariable(dashed) {
			what = "the field " + name + " does not reach the app: a variable's name has letters, digits and underscores only (said once per name and app)"
		}
		l.log.Warn("field_dropped", "app", l.app, "field", name, "client", l.info.RemoteAddr, "id", l.info.ID, "message", what)
	}
}

func (l *records) hopByHop(field string) {
	name := http.CanonicalHeaderKey(field)
	if l.said.hopByHop.Allow(name, time.Time{}) {
		l.log.Warn("hop_by_hop_removed", "app", l.app, "id", l.info.ID, "method", l.r.Method, "target", l.r.RequestURI, "field", name,
			"message", "the connection is the server's: the field was removed from the answer, and will be (said once per app and field)")
	}
}

func (l *records) hintsDropped(n int) {
	l.log.Warn("early_hints_dropped", append(l.pairs(), "sent", shim.MaxHints, "dropped", n)...)
}

func (l *records) lengthMismatch(declared, body int64, what string) {
	l.log.Warn("content_length_mismatch", append(l.pairs(), "declared", declared, "body", body, "message", what)...)
}

func (l *records) sendfileRefused(field, path, root string, err error) {
	l.log.Error("sendfile_refused", append(l.pairs(), "field", field, "path", path, "root", root, "error", err)...)
}

func (l *records) retried(why string) {
	l.log.Info("request_retried", append(l.pairs(), "message", "the request runs once more: "+why)...)
}

// notGiven says that a body's file stays this process's: the worker gets frames.
func (l *records) notGiven(err error) { l.log.Warn("spool_not_given", "app", l.app, "error", err) }
