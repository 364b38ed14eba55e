package integration

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/integration/testca"
)

// browserApp is the sample shop, and a page whose script posts a form, reads a stream of events, and writes what it saw.
const browserApp = `import sys, time
sys.path.insert(0, %q)
from wsgi import app as shop

PAGE = b"""<!doctype html><title>try</title><link rel=icon href="data:,"><link rel=stylesheet href=/static/shop.css><p id=seen></p><script>
(async () => {
  const form = await (await fetch("/form", {method: "POST", body: new URLSearchParams({name: "caf\\u00e9"})})).text()
  let parts = []
  await new Promise(done => {
    const events = new EventSource("/events")
    events.onmessage = e => { parts.push(e.data); if (e.data == "last") { events.close(); done() } }
  })
  const files = performance.getEntriesByType("resource").filter(e => /css|form/.test(e.name))
  const over = new Set([performance.getEntriesByType("navigation")[0], ...files].map(e => e.nextHopProtocol))
  document.getElementById("seen").textContent = [form, ...parts, ...over, files.length].join(" ")
})()
</script>"""

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/try":
        environ["wsgi.early_hints"]([("Link", "</static/shop.css>; rel=preload; as=style")])
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [PAGE]
    if path == "/form":
        text = environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["REQUEST_METHOD"].encode(), b":", text]
    if path == "/events":
        start_response("200 OK", [("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache")])
        return events()
    return shop(environ, start_response)

def events():
    for part in ("one", "two", "last"):
        yield b"data: " + part.encode() + b"\n\n"
        time.sleep(0.02)
`

// The sample shop in a browser, over HTTP/2 and HTTP/3: nothing in the console, and a form, a stream and early hints work.
func TestShopInABrowser(t *testing.T) {
	t.Parallel()
	browser(t)
	a := testca.New(t, "test CA")
	made := a.Sign(t, testca.For("localhost", "127.0.0.1"))
	key := sha256.Sum256(made.Leaf.RawSubjectPublicKeyInfo)
	for version, next := range map[string]string{"2.0": "h2", "3.0": "h3"} {
		t.Run(next, func(t *testing.T) {
			t.Parallel()
			toml := "[tls]\ntls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n[[listen]]\naddress = \"https://127.0.0.1:0\"\n"
			flags := []string{"--host-resolver-rules=MAP localhost 127.0.0.1", "--ignore-certificate-errors-spki-list=" + base64.StdEncoding.EncodeToString(key[:])}
			if next == "h3" {
				toml += "http3 = \"on\"\n"
			}
			dir := project(t, map[string]string{"web.py": fmt.Sprintf(browserApp, appDir(t, "flask_shop")), "standpipe.toml": toml})
			made.Write(t, dir+"/cert.pem", dir+"/key.pem")
			s := start(t, opts{Dir: dir, Bare: true, Args: []string{"-c", "standpipe.toml", "--log-format", "json", "--access-log-format", "combined", "--python", python(t), "-w", "1", "--threads", "4", "web:app"}})
			if next == "h3" {
				flags = append(flags, "--enable-quic", "--origin-to-force-quic-on=localhost:"+port(s))
			}
			for path, holds := range map[string]string{"/": "</html>", "/try": `>POST:name=caf%C3%A9 one two last ` + next + ` `} {
				dom, console := render(t, "https://localhost:"+port(s)+path, flags...)
				if !strings.Contains(dom, holds) || path == "/" && !strings.Contains(dom, "stylesheet") {
					t.Errorf("%s: the page:\n%s", path, dom)
				}
				if len(console) > 0 {
					t.Errorf("%s: the console: %q", path, console)
				}
			}
			over := ` HTTP/` + regexp.QuoteMeta(version) + `\\?" `
			s.waitAccess(`GET /static/shop\.css.*` + over + `200 `)
			s.waitAccess(`GET /events` + over + `200 `)
			for _, line := range s.access() {
				if !regexp.MustCompile(over+`(200|304) `).MatchString(line) && !strings.Contains(line, "favicon") {
					t.Errorf("%s", line)
				}
			}
		})
	}
}
