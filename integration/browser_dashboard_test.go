package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// axeScript is axe-core, which npm has brought; its version and hash are in axe/packages.txt.
var axeScript = sync.OnceValues(func() (string, error) {
	folder := filepath.Join(repoDir(), ".cache", "axe")
	if out, err := exec.Command(filepath.Join("cachesuite", "install.sh"), folder, filepath.Join("axe", "packages.txt")).CombinedOutput(); err != nil {
		return "", fmt.Errorf("install.sh: %w\n%s", err, out)
	}
	b, err := os.ReadFile(filepath.Join(folder, "node_modules", "axe-core", "axe.min.js"))
	return string(b), err
})

// axe lists what axe-core finds wrong with the page for people with disabilities: contrast, labels, roles.
func (b *tab) axe() []string {
	b.t.Helper()
	program(b.t, "npm")
	script, err := axeScript()
	if err != nil {
		b.t.Fatal(err)
	}
	b.js(script+"; 0", nil)
	var found []struct {
		ID, Impact, Help string
		Nodes            []struct{ HTML, FailureSummary string }
	}
	var passes int
	b.js(`axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations)`, &found)
	b.js(`axe.run(document, {resultTypes: ["passes"]}).then(r => r.passes.length)`, &passes)
	if passes < 5 {
		b.t.Errorf("axe has looked at nothing: %d rules passed", passes)
	}
	var list []string
	for _, f := range found {
		for _, n := range f.Nodes[:min(3, len(f.Nodes))] {
			list = append(list, fmt.Sprintf("%s (%s) %s: %s: %s", f.ID, f.Impact, f.Help, n.HTML, n.FailureSummary))
		}
	}
	return list
}

// accessible fails the test for each finding.
func (b *tab) accessible(where string) {
	b.t.Helper()
	for _, f := range b.axe() {
		b.t.Errorf("%s: %s", where, f)
	}
}

// quiet fails the test when the console got something: an error, a warning, a violation of the policy.
func (b *tab) quiet(where string) {
	b.t.Helper()
	if said := b.said(); len(said) > 0 {
		b.t.Errorf("%s: the console: %q", where, said)
	}
}

// watchedApp takes long for /long, and dies for /killed.
const watchedApp = `import os, signal, time

def app(environ, start_response):
    if environ["PATH_INFO"] == "/killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if environ["PATH_INFO"] == "/long":
        time.sleep(1.2)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
`

// hostile is a target that would run a script in a page that took it for markup.
const hostile = `/long?<img/src=x/onerror=document.title='taken'><script>document.title='taken'</script>`

// dashboardTab is a tab that shows the dashboard of a server after a login.
func dashboardTab(t *testing.T, s *server) *tab {
	t.Helper()
	b := newTab(t)
	b.size(1280, 900, "light")
	b.open(s.pageOf().URL + "/")
	b.until(`location.pathname === "/login" && document.activeElement.id === "token"`)
	b.js(fmt.Sprintf(`document.getElementById("token").value = %q`, dashToken), nil)
	b.press("Enter")
	b.until(`location.pathname === "/" && document.querySelector("#link").dataset.state === "live" && document.querySelector("#apps tbody tr")`)
	return b
}

// The whole page in a browser: no message in the console, nothing from elsewhere, no finding of axe, and all can be reached by the keyboard.
func TestDashboardInABrowser(t *testing.T) {
	t.Parallel()
	browser(t)
	dir := project(t, map[string]string{"web.py": watchedApp})
	s := start(t, opts{Dir: dir, App: "web:app", Args: []string{"-w", "2", "--dashboard", "127.0.0.1:0", "--dashboard-token", dashToken}, HTTP1: true})
	app := s.status().Apps[0].Name
	b := newTab(t)
	b.size(1280, 900, "light")
	page := s.pageOf().URL
	b.open(page + "/")
	b.until(`location.pathname === "/login" && document.activeElement.id === "token"`)
	b.accessible("the login")
	b.quiet("the login")
	b.js(`document.getElementById("token").value = "wrong"`, nil)
	b.press("Enter")
	b.until(`document.getElementById("says").textContent !== ""`)
	b.accessible("the login after a wrong token")
	b.heard("the browser's own line about the status 403")
	b.js(fmt.Sprintf(`document.getElementById("token").value = %q`, dashToken), nil)
	b.press("Enter")
	b.until(`location.pathname === "/" && document.querySelector("#link").dataset.state === "live"`)

	for range 30 {
		s.want(200, "/")
	}
	s.raw("GET " + hostile + " HTTP/1.0\r\nHost: x\r\n\r\n")
	s.get("/killed")
	b.until(`document.querySelector("#slow tbody .target")?.textContent.includes("onerror")`)
	b.until(`document.querySelector("#timeline .mark.bad")`)
	b.until(`document.querySelectorAll("#workers tbody tr").length === 2 && document.querySelector("#plots path.line").getAttribute("d").length > 9`)
	if title := b.text(`document.title`); title == "taken" || b.text(`String(document.querySelectorAll("main img, main script").length)`) != "0" {
		t.Errorf("a URL has become markup; the title is %q", title)
	}
	b.quiet("the page")
	if loaded := b.text(`performance.getEntriesByType("resource").map(e => e.name).filter(n => !n.startsWith(location.origin)).join()`); loaded != "" {
		t.Errorf("from elsewhere: %s", loaded)
	}
	if text := b.text(`document.documentElement.outerHTML`); strings.Contains(text, dashToken) {
		t.Error("the token is in the page")
	}

	// A mark tells its cause to the mouse and to the keyboard, and Escape closes it.
	b.hover("#timeline .mark.bad", `!document.getElementById("pop").hidden && document.getElementById("pop").textContent.includes("SIGKILL")`)
	b.point("h1", false)
	b.until(`document.getElementById("pop").hidden`)
	b.js(`document.querySelector("#timeline .mark.bad").focus()`, nil)
	b.until(`!document.getElementById("pop").hidden`)
	b.press("Escape")
	b.until(`document.getElementById("pop").hidden`)
	b.js(`document.querySelector("[role=slider]").focus()`, nil)
	b.press("ArrowLeft")
	b.until(`document.querySelector("[role=slider]").getAttribute("aria-valuetext").includes("Latency")`)
	b.press("/")
	b.until(`document.activeElement.id === "filter"`)
	b.call("Input.insertText", map[string]any{"text": "no such text"}, nil)
	b.until(`document.querySelectorAll("#slow tbody tr").length === 0`)
	b.js(`document.getElementById("filter").value = ""; document.getElementById("filter").dispatchEvent(new Event("input")); document.body.focus()`, nil)
	walkKeyboard(t, b)

	// The same in each dress.
	for _, c := range []struct {
		width, height int
		scheme        string
	}{{1280, 900, "light"}, {1280, 900, "dark"}, {768, 1024, "dark"}, {360, 740, "light"}, {360, 740, "dark"}} {
		where := fmt.Sprintf("%d %s", c.width, c.scheme)
		b.size(c.width, c.height, c.scheme)
		b.until(fmt.Sprintf(`matchMedia("(prefers-color-scheme: %s)").matches && innerWidth === %d`, c.scheme, c.width))
		b.accessible(where)
		b.until(fmt.Sprintf(`document.documentElement.scrollWidth <= %d`, c.width)) // no sideways scrolling
		b.quiet(where)
	}
	b.size(1280, 900, "light")
	colour := b.text(`getComputedStyle(document.body.parentElement).backgroundColor`)
	b.point("#theme", true) // light
	b.point("#theme", true) // dark
	b.until(`document.documentElement.dataset.theme === "dark"`)
	if now := b.text(`getComputedStyle(document.body.parentElement).backgroundColor`); now == colour {
		t.Errorf("the switch changes nothing: %s", now)
	}
	b.accessible("dark by the switch")
	actInBrowser(t, b, s, app)
	b.point("#logout button", true)
	b.until(`location.pathname === "/login"`)
	b.open(page + "/")
	b.until(`location.pathname === "/login"`)
	b.quiet("after the logout")
}

// walkKeyboard presses Tab through the page: each control has its turn, and is seen.
func walkKeyboard(t *testing.T, b *tab) {
	t.Helper()
	const controls = `[...document.querySelectorAll("a[href], button, input, summary, [tabindex='0']")].filter(e => e.checkVisibility() && !e.closest("dialog:not([open])"))`
	b.js(`scrollTo(0, 0); document.activeElement.blur(); window.reached = new Set()`, nil)
	var all int
	b.js(controls+`.length`, &all)
	for range all + 2 {
		b.press("Tab")
		b.js(`reached.add(document.activeElement)`, nil)
	}
	if missed := b.text(controls + `.filter(e => !reached.has(e)).map(e => e.outerHTML.slice(0, 90)).join("\n")`); missed != "" || all < 20 {
		t.Errorf("of %d controls Tab does not reach:\n%s", all, missed)
	}
}

// actInBrowser gives commands, each by its button and its question.
func actInBrowser(t *testing.T, b *tab, s *server, app string) {
	t.Helper()
	b.point(`[aria-label="Stacks of `+app+`/1"]`, true)
	b.until(`document.getElementById("stacks").open && document.getElementById("stacks-text").textContent.includes("File ")`)
	b.accessible("stacks")
	b.press("Escape")
	b.until(`!document.getElementById("stacks").open`)

	b.point("#app-acts button", true) // scale
	b.until(`document.getElementById("ask").open`)
	b.accessible("a question")
	b.press("Escape")
	b.until(`!document.getElementById("ask").open`)
	b.point("#app-acts button", true)
	b.until(`document.getElementById("ask").open && document.activeElement.id === "ask-number"`)
	b.call("Input.insertText", map[string]any{"text": "3"}, nil)
	b.point("#ask-yes", true)
	b.until(`document.querySelectorAll("#workers tbody tr").length === 3`)
	s.waitLog(func(r record) bool { return r.event() == "control" && r.str("command") == "scale" }, "the record of the command")
	var commands []string
	for _, r := range s.events("control") {
		commands = append(commands, r.str("command"))
	}
	if strings.Join(commands, ",") != "scale" { // the question that was left did nothing
		t.Errorf("commands: %q", commands)
	}
	pid := b.text(`[...document.querySelectorAll("#workers tbody tr")].find(r => r.cells[0].textContent === "` + app + `/1").cells[2].textContent`)
	// A good toast stays for five seconds.
	b.js(`window.toasts = ""; new MutationObserver(() => toasts += document.getElementById("toast").innerHTML).observe(document.getElementById("toast"), {childList: true})`, nil)
	b.point(`[aria-label="Restart `+app+`/1"]`, true)
	b.until(`document.getElementById("ask").open`)
	b.point("#ask-yes", true)
	b.until(`toasts.includes("good") && toasts.includes("replaced")`)
	b.until(`[...document.querySelectorAll("#workers tbody tr")].find(r => r.cells[0].textContent === "` + app + `/1" && r.cells[2].textContent !== "` + pid + `" && r.cells[1].textContent === "idle")`)

	write(t, s.Cmd.Dir, map[string]string{"web.py": "def app(:\n"})
	b.point("#server-acts button", true)
	b.until(`document.getElementById("ask").open`)
	b.point("#ask-yes", true)
	b.until(`document.querySelector("#toast .bad")?.textContent.includes("web.py") && document.querySelector("#notices details")`)
	b.accessible("a reload that failed")
	if said := b.heard("the browser's own line about the status 409"); len(said) > 1 {
		t.Errorf("the console: %q", said)
	}
}

// The page says that the server is gone, and goes on by itself when it is back, without another login.
func TestDashboardReconnectsInABrowser(t *testing.T) {
	t.Parallel()
	browser(t)
	at := "127.0.0.1:" + freePort(t)
	dir := project(t, map[string]string{"web.py": watchedApp})
	o := opts{Dir: dir, App: "web:app", Args: []string{"-w", "1", "--dashboard", at, "--dashboard-token", dashToken}, HTTP1: true, Exit: -1}
	s := start(t, o)
	b := dashboardTab(t, s)
	b.quiet("the page")
	pid := b.text(`document.getElementById("server").textContent`)
	_ = syscall.Kill(s.Pid, syscall.SIGKILL)
	b.until(`document.getElementById("link").dataset.state === "lost"`)
	if !strings.Contains(b.text(`document.getElementById("workers").textContent`), "web/1") && b.text(`String(document.querySelectorAll("#workers tbody tr").length)`) != "1" {
		t.Error("what was known is gone from the page")
	}
	s.wait()
	start(t, o)
	b.until(fmt.Sprintf(`document.getElementById("link").dataset.state === "live" && document.getElementById("server").textContent.split("pid")[1].split("up")[0] !== %q.split("pid")[1].split("up")[0]`, pid))
	var entries []json.RawMessage
	b.js(`performance.getEntriesByType("navigation")`, &entries)
	if len(entries) != 1 {
		t.Errorf("the page was loaded %d times", len(entries))
	}
}
