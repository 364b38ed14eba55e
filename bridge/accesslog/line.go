package accesslog

import (
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/logtext"
)

// Format is the form of an access log line.
type Format int

const (
	// Combined is the form of Apache and nginx with
	// ` app=shop rt=0.0123 wait=0.0000 id=… worker=shop/3` behind it, and
	// ` trace=…` for a request that is recorded for traces, ` cache=hit` for an answer of the HTTP cache and ` source=static` for a file that no app
	// was asked for; seconds.
	// Quotes, backslashes, control bytes and what is not UTF-8 are written \xHH; each
	// field has a bound (package logtext).
	Combined Format = iota
	// JSON is one object per line, with the keys of the error log: time, level, event
	// ("request"), message, and the fields.
	JSON
	// Short is a line for a person at a terminal: time, status, method, target, duration, worker. It is as wide as
	// the terminal at most. Files are faint.
	Short
)

const messageTarget = 128 // bytes of the target in the JSON form's message; "target" has more

func (l *Log) appendCombined(b []byte, rec *httpx.Writer, r *http.Request, now time.Time) []byte {
	n := &rec.Info
	b = appendWord(b, n.RemoteAddr)
	b = append(b, " - "...)
	b = appendWord(b, n.User)
	b = append(b, " ["...)
	b = append(b, l.second(n.Start).combined...)
	b = append(b, `] "`...)
	b = logtext.Append(b, r.Method, logtext.Word)
	b = append(b, ' ')
	b = logtext.Append(b, r.RequestURI, logtext.Target)
	b = append(b, ' ')
	b = logtext.Append(b, r.Proto, logtext.Word)
	b = append(b, `" `...)
	b = strconv.AppendInt(b, int64(httpx.LoggedStatus(rec)), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, rec.Bytes(), 10)
	b = append(b, ` "`...)
	b = appendWord(b, first(r.Header["Referer"]))
	b = append(b, `" "`...)
	b = appendWord(b, first(r.Header["User-Agent"]))
	b = append(b, `" app=`...)
	b = appendWord(b, n.App)
	b = append(b, " rt="...)
	b = appendSeconds(b, now.Sub(n.Start))
	b = append(b, " wait="...)
	b = appendSeconds(b, n.Wait)
	b = append(b, " id="...)
	b = appendWord(b, n.ID)
	b = append(b, " worker="...)
	b = appendWord(b, n.Worker)
	if n.Upstream != "" {
		b = append(b, " upstream="...)
		b = appendWord(b, n.Upstream)
	}
	if n.Cache != "" {
		b = append(b, " cache="...)
		b = appendWord(b, n.Cache)
	}
	if n.Source == "static" { // no worker, and no app: say who it was
		b = append(b, " source=static"...)
	}
	if n.Trace != nil {
		b = append(b, " trace="...)
		b = hex.AppendEncode(b, n.Trace.Trace[:])
	}
	if n.Aborted {
		b = append(b, " aborted=1"...)
	}
	return append(b, '\n')
}

func (l *Log) appendJSONLine(b []byte, rec *httpx.Writer, r *http.Request, now time.Time) []byte {
	n := &rec.Info
	b = append(b, `{"time":"`...)
	s := l.second(n.Start)
	ms := n.Start.Nanosecond() / 1e6
	b = append(b, s.date...)
	b = append(b, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
	b = append(b, s.zone...)
	b = append(b, `","level":"info","event":"request","message":"`...)
	b = logtext.AppendJSON(b, r.Method, logtext.Word)
	b = append(b, ' ')
	b = logtext.AppendJSON(b, r.RequestURI, messageTarget)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(httpx.LoggedStatus(rec)), 10)
	b = append(b, '"')
	b = appendMember(b, "client", n.RemoteAddr, logtext.Line)
	b = appendMember(b, "method", r.Method, logtext.Word)
	b = appendMember(b, "target", r.RequestURI, logtext.Target)
	b = appendMember(b, "proto", r.Proto, logtext.Word)
	b = appendMember(b, "host", r.Host, logtext.Line)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(httpx.LoggedStatus(rec)), 10)
	b = append(b, `,"bytes":`...)
	b = strconv.AppendInt(b, rec.Bytes(), 10)
	b = appendMember(b, "referer", first(r.Header["Referer"]), logtext.Line)
	b = appendMember(b, "user_agent", first(r.Header["User-Agent"]), logtext.Line)
	if n.User != "" {
		b = appendMember(b, "user", n.User, logtext.Line)
	}
	b = appendMember(b, "app", n.App, logtext.Line)
	b = append(b, `,"rt":`...)
	b = appendSeconds(b, now.Sub(n.Start))
	b = append(b, `,"wait":`...)
	b = appendSeconds(b, n.Wait)
	b = append(b, `,"run":`...)
	b = appendSeconds(b, n.Run)
	b = appendMember(b, "id", n.ID, logtext.Line)
	b = appendMember(b, "worker", n.Worker, logtext.Line)
	b = appendMember(b, "source", n.Source, logtext.Line)
	if n.Upstream != "" {
		b = appendMember(b, "upstream", n.Upstream, logtext.Line)
	}
	if n.Cache != "" {
		b = appendMember(b, "cache", n.Cache, logtext.Line)
	}
	if n.Trace != nil {
		b = append(b, `,"trace_id":"`...)
		b = append(hex.AppendEncode(b, n.Trace.Trace[:]), '"')
	}
	if n.Aborted {
		b = append(b, `,"aborted":true`...)
	}
	if n.Err != nil {
		b = appendMember(b, "error", n.Err.Error(), logtext.Line)
	}
	return append(b, '}', '\n')
}

func appendMember(b []byte, name, value string, limit int) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':', '"')
	b = logtext.AppendJSON(b, value, limit)
	return append(b, '"')
}

// appendSeconds writes seconds with four digits behind the point.
func appendSeconds(b []byte, d time.Duration) []byte {
	n := (max(0, int64(d)) + int64(50*time.Microsecond)) / int64(100*time.Microsecond)
	b = strconv.AppendInt(b, n/1e4, 10)
	n %= 1e4
	return append(b, '.', byte('0'+n/1000), byte('0'+n/100%10), byte('0'+n/10%10), byte('0'+n%10))
}

// stamp is a second, as the lines of many requests write it.
type stamp struct {
	unix                 int64
	combined, date, zone string
}

// second returns the stamp of t, which is made once for each second.
func (l *Log) second(t time.Time) *stamp {
	s := l.stamp.Load()
	if s == nil || s.unix != t.Unix() {
		s = &stamp{t.Unix(), t.Format("02/Jan/2006:15:04:05 -0700"), t.Format("2006-01-02T15:04:05"), t.Format("Z07:00")}
		l.stamp.Store(s)
	}
	return s
}

// appendWord writes "-" for nothing.
func appendWord(b []byte, s string) []byte {
	if s == "" {
		return append(b, '-')
	}
	return logtext.Append(b, s, logtext.Line)
}

func first(v []string) string {
	if len(v) == 0 {
		return ""
	}
	return v[0]
}
