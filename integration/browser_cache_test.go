package integration

import (
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// cachedShop is the sample shop with pages that may be stored, and a page for its keeper, whose button changes a price and purges
// the pages that show it. It does not start while there is a file down.
const cachedShop = `import os, sys
sys.path.insert(0, %q)
here = os.path.dirname(os.path.abspath(__file__))
if os.path.exists(os.path.join(here, "down")):
    raise RuntimeError("the shop is closed")
from flask import make_response, request, render_template_string
from shop import create_app, goods
from standpipe import purge

app = create_app()

def set_price(cents):
    now = [p._replace(price=cents) if p.slug == "hose-reel" else p for p in goods.PRODUCTS]
    goods.PRODUCTS[:] = now
    goods.BY_SLUG.update((p.slug, p) for p in now)

def stored(endpoint, group):
    view = app.view_functions[endpoint]

    def answer(**names):
        response = make_response(view(**names))
        response.headers.update({"Standpipe-Cache-Control": "max-age=600", "Cache-Control": "no-cache"})
        response.headers["Cache-Groups"] = '"%%s"' %% group(**names)
        return response

    app.view_functions[endpoint] = answer

stored("pages.index", lambda: "shelf")
stored("pages.product", lambda slug: "product-" + slug)

ADMIN = """<!doctype html><title>Keeper</title><link rel=icon href="data:,">
<form method=post><input name=price value="{{ price }}"><button>Change the price of the hose reel</button></form><p id=seen></p>
<script>
document.querySelector("form").onsubmit = async event => {
  event.preventDefault()
  const form = event.target
  form.price.value = 1234
  const said = await (await fetch(form.action, {method: "POST", body: new URLSearchParams(new FormData(form))})).text()
  const page = await (await fetch("/product/hose-reel")).text()
  document.getElementById("seen").textContent = said + "; the page: " + /class="price">([^<]*)/.exec(page)[1]
}
if (location.hash == "#press") document.querySelector("button").click()
</script>"""

@app.get("/admin")
def admin():
    return render_template_string(ADMIN, price=goods.BY_SLUG["hose-reel"].price), {"Cache-Control": "no-store"}

@app.post("/admin")
def change():
    set_price(int(request.form["price"]))
    return "%%d pages purged" %% purge(groups=["shelf", "product-hose-reel"])
`

// The sample shop in a browser: its pages come from the cache, are purged by group from its keeper's page, and are served while none
// of its workers can run.
func TestCachedShopInABrowser(t *testing.T) {
	t.Parallel()
	browser(t)
	dir := project(t, map[string]string{"web.py": fmt.Sprintf(cachedShop, appDir(t, "flask_shop")), "standpipe.toml": `
[[app]]
name = "shop"
module = "web:app"
workers = 1
threads = 4
cache = "on"
serve_stale = "1h"
queue_timeout = "1s"
`})
	s := start(t, opts{Dir: dir, Bare: true, Python: python(t), Args: []string{"-c", "standpipe.toml", "-b", "127.0.0.1:0", "--log-format", "json", "--access-log-format", "combined", "--python", python(t)}, HTTP1: true, Exit: -1})
	view := func(path, holds string) {
		t.Helper()
		dom, console := render(t, s.URL+path)
		if !strings.Contains(dom, holds) {
			t.Errorf("%s: the page without %q:\n%s", path, holds, dom)
		}
		if len(console) > 0 {
			t.Errorf("%s: the console: %q", path, console)
		}
	}
	had := func(path string) (list []string) { // what the cache had for the requests of the page that are in the access log
		pattern := regexp.MustCompile(`"GET ` + regexp.QuoteMeta(path) + ` .* cache=([a-z]+)`)
		for _, line := range s.access() {
			if m := pattern.FindStringSubmatch(line); m != nil {
				list = append(list, m[1])
			}
		}
		return list
	}
	last := func(path string, ask func()) (what string) { // what it had for the page that ask asks for
		t.Helper()
		before := len(had(path))
		ask()
		eventually(t, "the request is in the access log", func() bool {
			now := had(path)
			if len(now) > before {
				what = now[len(now)-1]
			}
			return what != ""
		})
		return what
	}
	pages := map[string]string{"/": "79.00", "/product/hose-reel": "79.00", "/product/wrench": "31.50"}
	stored := func() {
		t.Helper()
		for path, holds := range pages {
			last(path, func() { s.want(200, path) })
			if got := last(path, func() { view(path, holds) }); got != "hit" {
				t.Errorf("%s: cache=%s", path, got)
			}
		}
	}
	stored()
	last("/product/hose-reel", func() { view("/admin#press", "2 pages purged; the page: € 12.34") })
	pages["/"], pages["/product/hose-reel"] = "12.34", "12.34"
	stored()

	write(t, dir, map[string]string{"down": ""})
	for _, pid := range s.workers() {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
	within(t, bootPatience, "no worker", func() bool { return len(s.status().pids()) == 0 })
	stored()
	s.must("purge", "--all", "--soft") // now the app is asked for the next version, in vain
	for path, holds := range pages {
		if got := last(path, func() { view(path, holds) }); got != "stale" {
			t.Errorf("%s: cache=%s", path, got)
		}
	}
	if r := s.want(503, "/admin"); r.cachedHit() {
		t.Errorf("%+v", r)
	}
}
