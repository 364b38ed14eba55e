package devpage

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// maxWhole is the largest page of a known length that gets the script; bytes.
const maxWhole = 2 << 20

// Live is the stage that puts a script into the HTML of an app, by which pages are loaded again when code, templates or files
// change. It stands behind compress.
//
// A page has the script when it is a whole document: one with </body> or </html>, asked for by GET, and not coded. It is not
// cached: a page of before the change would never know of it.
func (p *Pages) Live(app string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return &live{p: p, app: app, next: next} }
}

type live struct {
	p    *Pages
	app  string
	next http.Handler
}

func (l *live) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := httpx.Find(w)
	dest := r.Header.Get("Sec-Fetch-Dest")
	if rec == nil || r.Method != http.MethodGet || r.Header["Range"] != nil || r.Header["X-Requested-With"] != nil || dest != "" && dest != "document" && dest != "iframe" && dest != "frame" {
		l.next.ServeHTTP(w, r)
		return
	}
	if ok, _ := l.p.guard.allows(w, r); !ok {
		l.next.ServeHTTP(w, r)
		return
	}
	for _, name := range []string{"If-None-Match", "If-Modified-Since"} {
		delete(r.Header, name)
	}
	in := &injector{tag: livePath + "?" + l.p.events.query(l.app)}
	rec.Interpose(func(inner http.ResponseWriter) http.ResponseWriter {
		in.ResponseWriter = inner
		return in
	})
	l.next.ServeHTTP(rec, r)
	if n := in.end(rec.Aborted()); n > 0 {
		rec.Recount(rec.Bytes() + int64(n))
	}
}

// injector is between the httpx.Writer and the connection.
type injector struct {
	http.ResponseWriter
	tag     string // the script's address
	nonce   string // of the page's own Content-Security-Policy
	decided bool
	on      bool   // the script is put in if this is a whole document
	whole   []byte // all of the page, where its length is known; nil: it goes out as it comes
	status  int    // of a page that is kept back; 0: none is
	tail    []byte // the last bytes, in which an end tag may have begun
	ended   bool   // an end tag has come
}

func (i *injector) WriteHeader(status int) {
	if status >= 200 && !i.decided {
		i.decide(status)
	}
	if i.status == 0 {
		i.ResponseWriter.WriteHeader(status)
	}
}

func (i *injector) decide(status int) {
	i.decided = true
	h := i.Header()
	kind, _, _ := strings.Cut(first(h, "Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "text/html") || first(h, "Content-Encoding") != "" || first(h, "Content-Range") != "" || first(h, "Content-Security-Policy") == policy || // a page of ours, which listens itself
		status == http.StatusNoContent || status == http.StatusNotModified {
		return
	}
	n, err := strconv.Atoi(first(h, "Content-Length"))
	if err == nil && n > maxWhole {
		return
	}
	i.on = true
	i.nonce = nonceOf(first(h, "Content-Security-Policy"))
	for name := range h {
		if slices.ContainsFunc([]string{"ETag", "Last-Modified", "Expires", "Cache-Control", "Content-MD5", "Digest"}, func(s string) bool { return strings.EqualFold(s, name) }) {
			delete(h, name)
		}
	}
	h["Cache-Control"] = []string{"no-store"}
	if err == nil {
		i.whole, i.status = make([]byte, 0, n), status
	}
}

// first is the first value of a field, whose name an app may have written in any way.
func first(h http.Header, name string) string {
	for key, values := range h {
		if len(values) > 0 && strings.EqualFold(key, name) {
			return values[0]
		}
	}
	return ""
}

// nonceOf is the nonce that a policy allows scripts with; empty: none.
func nonceOf(policy string) string {
	for directive := range strings.SplitSeq(policy, ";") {
		words := strings.Fields(directive)
		if len(words) == 0 || words[0] != "script-src" && words[0] != "default-src" && words[0] != "script-src-elem" {
			continue
		}
		for _, w := range words[1:] {
			if nonce, ok := strings.CutPrefix(w, "'nonce-"); ok {
				return strings.TrimSuffix(nonce, "'")
			}
		}
	}
	return ""
}

func (i *injector) Write(p []byte) (int, error) {
	if !i.decided {
		i.decide(http.StatusOK)
	}
	if i.on {
		i.look(p)
	}
	if i.status != 0 {
		i.whole = append(i.whole, p...)
		return len(p), nil
	}
	return i.ResponseWriter.Write(p)
}

// look looks for the end of a document.
func (i *injector) look(p []byte) {
	if i.ended {
		return
	}
	const longest = len("</body") - 1 // of a tag that begins in one part and ends in the next
	i.ended = hasEnd(p) || hasEnd(slices.Concat(i.tail, p[:min(len(p), longest)]))
	i.tail = append(i.tail, p[max(0, len(p)-longest):]...)
	i.tail = i.tail[max(0, len(i.tail)-longest):]
}

func hasEnd(p []byte) bool {
	lower := bytes.ToLower(p)
	return bytes.Contains(lower, []byte("</body")) || bytes.Contains(lower, []byte("</html"))
}

// ReadFrom is for files.
func (i *injector) ReadFrom(r io.Reader) (int64, error) {
	if !i.decided {
		i.decide(http.StatusOK)
	}
	if !i.on {
		return io.Copy(i.ResponseWriter, r)
	}
	return io.Copy(struct{ io.Writer }{i}, r)
}

// FlushError sends what has been written so far, unless the page is kept back.
func (i *injector) FlushError() error {
	if i.status != 0 {
		return nil
	}
	return http.NewResponseController(i.ResponseWriter).Flush()
}

// Unwrap is for http.ResponseController.
func (i *injector) Unwrap() http.ResponseWriter { return i.ResponseWriter }

// end sends what is kept back, and the script. It returns how many bytes were added.
func (i *injector) end(aborted bool) (added int) {
	var tag []byte
	if i.on && i.ended && !aborted {
		tag = i.script()
	}
	if i.status != 0 {
		h := i.Header()
		if tag != nil {
			for name := range h {
				if strings.EqualFold(name, "Content-Length") {
					delete(h, name)
				}
			}
			h["Content-Length"] = []string{strconv.Itoa(len(i.whole) + len(tag))}
		}
		i.ResponseWriter.WriteHeader(i.status)
		_, _ = i.ResponseWriter.Write(i.whole)
	}
	if tag != nil {
		_, _ = i.ResponseWriter.Write(tag)
	}
	return len(tag)
}

// script is the element. It comes behind the document: parsers of HTML put it at the end of the body.
func (i *injector) script() []byte {
	var m markup
	m.raw(`<script src="`)
	m.text(i.tag)
	m.raw(`"`)
	m.element(` nonce="`, i.nonce, `"`)
	m.raw(` async></script>`, "\n")
	return []byte(m.b.String())
}
