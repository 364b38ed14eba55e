package accesslog

import (
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/logtext"
)

// Terminal is what the form Short needs to know of the place where it is read.
type Terminal struct {
	Color bool
	Width func() int // columns; 0: not known; nil: never
}

// The colours of ECMA-48 8.3.117.
const (
	faint  = "\x1b[2m"
	green  = "\x1b[32m"
	cyan   = "\x1b[36m"
	yellow = "\x1b[33m"
	red    = "\x1b[31m"
	plain  = "\x1b[0m"
)

// leastTarget is how much of a target is shown in the narrowest terminal, in columns.
const leastTarget = 16

// longWait is a wait for new code or for a worker that is worth a word.
const longWait = 100 * time.Millisecond

// appendShort is a line for a person: 12:30:01 200 GET /cart 12 ms shop/1.
func (l *Log) appendShort(b []byte, rec *httpx.Writer, r *http.Request, now time.Time) []byte {
	n, t := &rec.Info, l.terminal
	paint := func(b []byte, code string) []byte {
		if t.Color {
			return append(b, code...)
		}
		return b
	}
	status, dim := httpx.LoggedStatus(rec), n.Source == "static"
	start := len(b)
	b = n.Start.AppendFormat(b, "15:04:05 ")
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	b = logtext.Append(b, r.Method, logtext.Word)
	head := string(b[start+len("15:04:05 200"):])
	end := string(appendEnd(nil, n, now))
	b = b[:start]
	b = paint(b, faint)
	b = n.Start.AppendFormat(b, "15:04:05 ")
	if !dim {
		b = paint(paint(b, plain), statusColor(status))
	}
	b = strconv.AppendInt(b, int64(status), 10)
	if !dim {
		b = paint(b, plain)
	}
	b = append(append(b, head...), ' ')
	room := 0
	if t.Width != nil {
		if room = t.Width(); room > 0 {
			room = max(leastTarget, room-len("15:04:05 200")-columns(head)-2-columns(end))
		}
	}
	b = append(fit(b, string(logtext.Append(nil, r.RequestURI, logtext.Target)), room), ' ')
	if !dim {
		b = paint(b, faint)
	}
	b = paint(append(b, end...), plain)
	return append(b, '\n')
}

// appendEnd is what follows the target: the time and who answered.
func appendEnd(b []byte, n *httpx.RequestInfo, now time.Time) []byte {
	took := now.Sub(n.Start)
	b = appendTook(b, took)
	if n.Wait >= longWait && n.Wait > took/2 {
		b = append(appendTook(append(b, " ("...), n.Wait), " waiting)"...)
	}
	who := n.Worker
	switch {
	case n.Cache == "hit" || n.Cache == "stale":
		who = "cache"
	case n.Upstream != "":
		who = n.Upstream
	case who == "" && n.Source != "app":
		who = n.Source
	}
	if who != "" {
		b = logtext.Append(append(b, ' '), who, logtext.Word)
	}
	switch {
	case n.Status == httpx.StatusClientGone:
		b = append(b, " client disconnected"...)
	case n.Aborted:
		b = append(b, " cut off"...)
	}
	return b
}

// appendTook is a time for people: 0.4 ms, 12 ms, 1.25 s.
func appendTook(b []byte, d time.Duration) []byte {
	ms := float64(max(d, 0)) / float64(time.Millisecond)
	switch {
	case ms < 9.95:
		return append(strconv.AppendFloat(b, ms, 'f', 1, 64), " ms"...)
	case ms < 999.5:
		return append(strconv.AppendFloat(b, ms, 'f', 0, 64), " ms"...)
	case ms < 99_950:
		return append(strconv.AppendFloat(b, ms/1000, 'f', 2, 64), " s"...)
	}
	return append(strconv.AppendFloat(b, ms/1000, 'f', 0, 64), " s"...)
}

func statusColor(status int) string {
	switch {
	case status >= 500:
		return red
	case status >= 400:
		return yellow
	case status >= 300:
		return cyan
	}
	return green
}

// fit adds text, cut to so many columns; 0: all of it.
func fit(b []byte, text string, room int) []byte {
	if room <= 0 || columns(text) <= room {
		return append(b, text...)
	}
	used := 0
	for _, r := range text {
		if used += width(r); used >= room {
			break
		}
		b = utf8.AppendRune(b, r)
	}
	return append(b, "…"...)
}

// columns is how wide a printable text is in a terminal; wide characters are counted roughly.
func columns(s string) (n int) {
	for _, r := range s {
		n += width(r)
	}
	return n
}

func width(r rune) int {
	if r >= 0x1100 && !(r >= 0x2000 && r < 0x2e80) {
		return 2 // East Asian letters and pictures; some of these are narrow
	}
	return 1
}
