package devpage

import (
	"crypto/sha256"
	_ "embed" // the assets
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/shim/wire"
)

var (
	//go:embed assets/page.css
	style string
	//go:embed assets/page.js
	script string
)

// policy lets the page run its own script and use its own style, and nothing that the texts in it might contain.
var policy = "default-src 'none'; style-src " + hashOf(style) + "; script-src " + hashOf(script) +
	"; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// hashOf names an inline element in a policy.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// markup is HTML that is being written. The program has no template engine: it would make it larger by an eighth.
type markup struct{ b strings.Builder }

// raw writes HTML of ours.
func (m *markup) raw(html ...string) {
	for _, s := range html {
		m.b.WriteString(s)
	}
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;", "\x00", "\ufffd")

// text writes what anybody may have made, in an element or in an attribute with quotes.
func (m *markup) text(s string) { _, _ = escaper.WriteString(&m.b, strings.ToValidUTF8(s, "\ufffd")) }

// element writes an element with a text in it, where there is one.
func (m *markup) element(open, text, end string) {
	if text != "" {
		m.raw(open)
		m.text(text)
		m.raw(end)
	}
}

// heading is what of a message stands in large letters; characters.
const heading = 320

// html is the page. events is where it is told that the code has changed; empty: nothing tells.
func (r *Report) html(req *http.Request, id, events string) []byte {
	m := new(markup)
	m.raw(`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark"><title>`)
	m.text(r.Title + ": " + cut(r.Message, 80))
	m.raw(`</title><link rel="icon" href="data:,"><style>`, style, `</style></head><body data-events="`)
	m.text(events)
	m.raw(`" data-again="`, strconv.FormatBool(req.Method == http.MethodGet), `">`)
	r.head(m, req)
	m.raw(`<main>`)
	if r.Detail != nil {
		for i := range r.Detail.Exceptions {
			r.exception(m, i)
		}
	} else if r.Traceback != "" {
		m.raw(`<section><h2>Traceback</h2><pre tabindex="0">`)
		m.text(r.Traceback)
		m.raw(`</pre></section>`)
	}
	r.rest(m)
	m.raw(`<section class="more"><h2>As text</h2>`)
	m.details("", "What “Copy as text” copies")
	m.raw(`<pre id="text" tabindex="0">`)
	m.text(string(r.text(req, id)))
	m.raw(`</pre></details></section></main><footer><p>`)
	m.element(`Request <code>`, id, `</code>. `)
	m.raw(`This is the development mode of standpipe: clients in production get a short page without any of this. Values with names such as password, token and key are masked. No code runs from this page; <code>breakpoint()</code> opens a debugger in the terminal.</p></footer><script>`, script, `</script></body></html>`, "\n")
	return []byte(m.b.String())
}

// head is what failed, and where.
func (r *Report) head(m *markup, req *http.Request) {
	m.raw(`<header><p class="kicker"><span class="status">`, strconv.Itoa(r.Status), `</span><span class="target">`)
	m.text(req.Method + " " + cut(req.URL.Path, 200))
	m.raw(`</span>`)
	m.element(`<span>app `, r.App, `</span>`)
	if r.Detail != nil {
		m.element(`<span>`, r.Detail.Python, `</span>`)
	}
	m.raw(`</p><h1><span class="type">`)
	m.text(r.Title)
	m.raw(`</span>`)
	short := cut(r.Message, heading)
	m.element(` <span class="message">`, short, `</span>`)
	m.raw(`</h1>`)
	if short != r.Message {
		m.element(`<pre class="long" tabindex="0">`, r.Message, `</pre>`)
	}
	m.element(`<p class="where">at <code>`, r.Where, `</code></p>`)
	m.element(`<p class="fix"><b>To do</b> <code>`, r.Fix, `</code></p>`)
	m.element(`<p class="note">`, r.Remark, `</p>`)
	m.raw(`<p class="bar"><button type="button" id="copy">Copy as text</button><button type="button" id="all" aria-pressed="false">Open all frames</button><span id="state" role="status"></span></p></header>`)
}

// rest is what stands behind the exceptions: the worker's output, the request.
func (r *Report) rest(m *markup) {
	for _, b := range [][2]string{{"What its threads were doing", r.Stacks}, {"Output of the worker", r.Output}} {
		if text := strings.TrimRight(b[1], "\n"); text != "" {
			m.raw(`<section><h2>`, b[0], `</h2><pre tabindex="0">`)
			m.text(text)
			m.raw(`</pre></section>`)
		}
	}
	if r.Detail != nil && len(r.Detail.Sections) > 0 {
		m.raw(`<section class="more"><h2>Request</h2>`)
		for _, s := range r.Detail.Sections {
			m.details("", s.Title+" ("+strconv.Itoa(len(s.Pairs)/2)+")")
			m.pairs(s.Title, s.Pairs)
			m.raw(`</details>`)
		}
		m.raw(`</section>`)
	}
	if len(r.SysPath) > 0 {
		m.raw(`<section class="more"><h2>Where Python looks</h2>`)
		m.details("", "sys.path ("+strconv.Itoa(len(r.SysPath))+"), in "+r.Dir)
		m.raw(`<ol class="paths">`)
		for _, p := range r.SysPath {
			m.raw(`<li><code>`)
			m.text(p)
			m.raw(`</code></li>`)
		}
		m.raw(`</ol></details></section>`)
	}
}

// details begins an element that a person opens.
func (m *markup) details(class, summary string) {
	m.raw(`<details class="`, class, `"><summary>`)
	m.text(summary)
	m.raw(`</summary>`)
}

// pairs is a table of names and values.
func (m *markup) pairs(caption string, list []string) {
	m.raw(`<div class="scroll" tabindex="0" role="group" aria-label="`)
	m.text(caption)
	m.raw(`"><table><tbody>`)
	for i := 0; i+1 < len(list); i += 2 {
		m.raw(`<tr><th scope="row">`)
		m.text(list[i])
		if strings.Contains(list[i+1], "[masked]") && len(list[i+1]) == len("[masked]") {
			m.raw(`</th><td class="masked">masked</td></tr>`)
			continue
		}
		m.raw(`</th><td>`)
		m.text(list[i+1])
		m.raw(`</td></tr>`)
	}
	m.raw(`</tbody></table></div>`)
}

// cut is the first characters of a text, and the first lines.
func cut(s string, n int) string {
	lines := 0
	for i, c := range s {
		if c == '\n' {
			lines++
		}
		if n == 0 || lines == 5 {
			return s[:i] + "…"
		}
		n--
	}
	return s
}

// links says what an exception is to the one that it belongs to.
var links = map[string]string{"cause": "caused by", "context": "raised while this was handled:", "group": "in the group:"}

// exception is one of them, with its frames.
func (r *Report) exception(m *markup, i int) {
	e := &r.Detail.Exceptions[i]
	m.raw(`<section class="exception"><h2>`)
	if link := links[e.Link]; link != "" {
		m.raw(`<span class="link">`, link, `</span> <span class="type">`)
		m.text(e.Type)
		m.raw(`</span>`)
		m.element(` <span class="message">`, cut(e.Message, heading), `</span>`)
	} else {
		m.raw(`Traceback <small>most recent call first</small>`)
	}
	m.raw(`</h2>`)
	if e.Link != "" && e.Parent > 0 && e.Parent < len(r.Detail.Exceptions) {
		m.element(`<p class="of">of `, r.Detail.Exceptions[e.Parent].Type, `</p>`)
	}
	for _, n := range e.Notes {
		m.element(`<p class="note">`, n, `</p>`)
	}
	if len(e.Frames) == 0 {
		m.raw(`<p class="none">It has no traceback: it was not raised.</p>`)
	}
	m.frames(e.Frames)
	m.raw(`</section>`)
}

// own says whether one of the frames is the app's own.
func own(frames []wire.CodeFrame) bool {
	for i := range frames {
		if frames[i].Own {
			return true
		}
	}
	return false
}
