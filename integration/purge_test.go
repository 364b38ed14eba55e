package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// purgingApp has pages that say what is in the file version, which every worker sees, and views that change it and purge.
const purgingApp = `import os, sys, threading, time
from flask import Flask, redirect, request
from standpipe import PurgeError, on_fork, purge

app = Flask(__name__)
here = os.path.dirname(os.path.abspath(__file__))
jobs = []

def read():
    with open(os.path.join(here, "version")) as file:
        return file.read()

def change():
    with open(os.path.join(here, "next"), "w") as file:
        file.write(request.args["to"])
    os.replace(os.path.join(here, "next"), os.path.join(here, "version"))

@app.get("/product/<name>")
def product(name):
    text = read()
    if name == "slow":
        open(os.path.join(here, "begun"), "w").close()
        while not os.path.exists(os.path.join(here, "gate")):
            time.sleep(0.005)
    fields = {"Cache-Control": "max-age=600", "Cache-Groups": '"product-%s"' % name, "Surrogate-Key": "products all-of-them"}
    return text, 200, fields

@app.post("/environ")
def by_environ():
    change()
    removed = request.environ["standpipe.purge"](groups=["product-a"])
    return redirect("/product/a?removed=%d" % removed)

@app.post("/call")
def by_call():
    change()
    kinds = {name: request.args.getlist(name) for name in ("urls", "prefixes", "groups") if name in request.args}
    try:
        return str(purge(all="all" in request.args, soft="soft" in request.args, **kinds))
    except (PurgeError, TypeError, ValueError) as error:
        return "%s: %s" % (type(error).__name__, error), 400

@app.post("/invalidate")
def by_field():
    change()
    return "changed", 200, {"Cache-Group-Invalidation": '"product-a", "none"'}

@app.post("/failed")
def failed():
    return "failed", 500, {"Cache-Group-Invalidation": '"product-a"'}

@app.post("/thread")
def by_thread():
    change()
    thread = threading.Thread(target=lambda: jobs.append(purge(groups=["product-a"])))
    thread.start()
    thread.join()
    return str(jobs.pop())
`

func purgingServer(t *testing.T, toml string, args ...string) *server {
	t.Helper()
	dir := project(t, map[string]string{"app.py": purgingApp, "version": "1", "standpipe.toml": toml})
	return start(t, opts{Dir: dir, Python: python(t), Args: append([]string{"-c", "standpipe.toml", "--log-format", "json"}, args...), HTTP1: true})
}

const cachedApp = "[[app]]\nname = \"shop\"\nmodule = \"app:app\"\ncache = \"on\"\n"

// cached wants a page from the cache, with this text.
func (s *server) cached(path, text string) {
	s.t.Helper()
	if r := s.want(200, path); r.Body != text || !r.cachedHit() {
		s.t.Errorf("%s: %q, %s; want %q from the cache", path, r.Body, r.cacheStatus(), text)
	}
}

// fresh wants a page from the app, with this text.
func (s *server) fresh(path, text string) {
	s.t.Helper()
	if r := s.want(200, path); r.Body != text || r.cachedHit() {
		s.t.Errorf("%s: %q, %s; want %q from the app", path, r.Body, r.cacheStatus(), text)
	}
}

// An app changes something and removes its pages: when its answer is there, every client sees the new page.
func TestAppPurges(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"one": {"-w", "1"}, "threads": {"-w", "1", "--threads", "4"}, "workers": {"-w", "3"}, "preload": {"-w", "2", "--preload"}, "files": {"-w", "2"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			toml := cachedApp
			if name == "files" {
				toml = "[cache]\ncache_dir = " + fmt.Sprintf("%q", t.TempDir()) + "\n" + toml
			}
			s := purgingServer(t, toml, args...)
			to := 1
			both := func() {
				for _, path := range []string{"/product/a", "/product/b"} {
					s.want(200, path)
					if r := s.want(200, path); !r.cachedHit() {
						t.Fatalf("%s is not stored: %s", path, r.cacheStatus())
					}
				}
			}
			for range 3 {
				both()
				old := fmt.Sprint(to)
				to++
				if r := s.post(fmt.Sprintf("/environ?to=%d", to), "", ""); r.Status != 302 || r.Header.Get("Location") != "/product/a?removed=1" {
					t.Fatalf("%+v", r)
				}
				s.fresh("/product/a", fmt.Sprint(to))
				s.cached("/product/b", old)
				s.must("purge", "--all")
			}
			for _, c := range []struct{ path, says string }{
				{"/thread?", "1"},
				{"/call?groups=products", "2"},
				{"/call?groups=product-a&groups=product-b&groups=none", "2"},
				{"/call?urls=/product/a&urls=/none", "1"},
				{"/call?urls=" + s.URL + "/product/a", "1"},
				{"/call?prefixes=/product/", "2"},
				{"/call?prefixes=" + s.URL + "/prod", "2"},
				{"/call?all", "2"},
			} {
				both()
				to++
				if r := s.post(fmt.Sprintf("%s&to=%d", c.path, to), "", ""); r.Status != 200 || r.Body != c.says {
					t.Errorf("%s: %d %q, want %q", c.path, r.Status, r.Body, c.says)
				}
				s.fresh("/product/a", fmt.Sprint(to))
				s.must("purge", "--all")
			}
			both()
			for path, says := range map[string]string{
				"/call?groups=":          "ValueError: purge: one of groups has 0 characters; it has 1 to 8192 bytes",
				"/call?":                 "ValueError: purge: say what is removed: urls, prefixes, groups, or all=True",
				"/call?urls=/a/..%252fb": "PurgeError: not a URL: \"/a/..%2fb\" hides a segment \"..\"",
			} {
				if r := s.post(path+"&to="+fmt.Sprint(to), "", ""); r.Status != 400 || r.Body != says {
					t.Errorf("%s: %d %q, want %q", path, r.Status, r.Body, says)
				}
			}
			s.cached("/product/a", fmt.Sprint(to))
		})
	}
}

// The Flask app of docs/cache.md that changes a price.
func TestPurgingFlaskOfTheDocs(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"prices.py": pageCode(t, "cache.md", 2)})
	s := start(t, opts{App: "prices:app", Dir: dir, Python: python(t), Args: []string{"-w", "1", "--cache=on"}, HTTP1: true})
	s.fresh("/product/7", "price 10")
	for price := 11; price < 14; price++ {
		if r := s.post("/product/7", "", ""); r.Status != 302 || r.Header.Get("Location") != "/product/7" {
			t.Fatalf("%+v", r)
		}
		s.fresh("/product/7", fmt.Sprintf("price %d", price))
		s.cached("/product/7", fmt.Sprintf("price %d", price))
	}
}

// An answer that the app began before a purge is not stored after it.
func TestPurgeWhileAPageIsMade(t *testing.T) {
	t.Parallel()
	s := purgingServer(t, cachedApp, "-w", "1", "--threads", "4")
	slow := s.background("/product/slow")
	eventually(t, "the page is being made", func() bool { _, err := os.Stat(filepath.Join(s.Cmd.Dir, "begun")); return err == nil })
	if r := s.post("/call?groups=product-slow&to=2", "", ""); r.Status != 200 {
		t.Fatalf("%+v", r)
	}
	write(t, s.Cmd.Dir, map[string]string{"gate": ""})
	if r := slow.wait(t); r.Body != "1" {
		t.Errorf("%+v", r)
	}
	s.fresh("/product/slow", "2")
	s.cached("/product/slow", "2")
}

// RFC 9875: the answer to a POST names groups.
func TestGroupsAreInvalidated(t *testing.T) {
	t.Parallel()
	s := purgingServer(t, cachedApp, "-w", "2")
	s.fresh("/product/a", "1")
	s.fresh("/product/b", "1")
	if r := s.post("/failed?to=2", "", ""); r.Status != 500 {
		t.Fatalf("%+v", r)
	}
	s.cached("/product/a", "1")
	if r := s.post("/invalidate?to=2", "", ""); r.Status != 200 {
		t.Fatalf("%+v", r)
	}
	s.fresh("/product/a", "2")
	s.cached("/product/b", "1")
}

// With soft, pages become stale, and stay.
func TestSoftPurge(t *testing.T) {
	t.Parallel()
	s := purgingServer(t, cachedApp, "-w", "1", "--threads", "2")
	s.fresh("/product/a", "1")
	if r := s.post("/call?groups=product-a&soft&to=2", "", ""); r.Body != "1" {
		t.Fatalf("%+v", r)
	}
	s.cached("/product/a", "1") // once more, while the app is asked
	eventually(t, "the new page", func() bool { return s.want(200, "/product/a").Body == "2" })
}

// What one app purges is its own.
func TestAppPurgesItsOwn(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"a/app.py": purgingApp, "a/version": "1", "b/app.py": purgingApp, "b/version": "1", "off/app.py": purgingApp, "off/version": "1",
		"standpipe.toml": `
[[app]]
name = "a"
module = "app:app"
dir = "a"
cache = "on"
[[app]]
name = "b"
module = "app:app"
dir = "b"
mount = "/b"
cache = "on"
[[app]]
name = "off"
module = "app:app"
dir = "off"
mount = "/off"
`})
	s := start(t, opts{Dir: dir, Python: python(t), Args: []string{"-c", "standpipe.toml", "--log-format", "json", "-w", "1"}, Apps: 3, HTTP1: true})
	s.fresh("/product/a", "1")
	s.fresh("/b/product/a", "1")
	for _, call := range []string{"all", "groups=product-a", "urls=/product/a", "prefixes=/"} {
		for range 2 {
			if r := s.post("/off/call?to=2&"+call, "", ""); r.Body != "0" {
				t.Errorf("%s: %+v", call, r)
			}
		}
	}
	if r := s.post("/b/call?to=2&all", "", ""); r.Body != "1" {
		t.Errorf("%+v", r)
	}
	s.cached("/product/a", "1")
	s.fresh("/b/product/a", "2")
	s.waitEvent("purge_without_cache")
	if list := s.events("purge_without_cache"); len(list) != 1 || list[0].str("app") != "off" {
		t.Errorf("%v", list)
	}
}

// manage.py, a task queue: outside of a worker the package does nothing, or asks the server that STANDPIPE_CONTROL names.
func TestPurgeOutsideOfAWorker(t *testing.T) {
	t.Parallel()
	s := purgingServer(t, cachedApp, "-w", "1")
	s.fresh("/product/a", "1")
	task := func(call string, env ...string) string {
		return strings.TrimSpace(tool(t, s.Cmd.Dir, append(env, "PYTHONPATH="+filepath.Join(repoDir(), "packaging", "python")), python(t), "-c", `
import standpipe
try:
    print(standpipe.purge(`+call+`))
except (standpipe.PurgeError, ValueError, TypeError) as error:
    print(type(error).__name__, error)
`))
	}
	if got := task(`groups=["product-a"]`); got != "0" {
		t.Error(got)
	}
	s.cached("/product/a", "1")
	control := "STANDPIPE_CONTROL=" + s.controlSocket()
	for _, c := range []struct{ call, says string }{
		{`groups=["none"]`, "0"}, {`groups=[]`, "0"}, {`groups="g"`, "TypeError purge: groups is a list of str"}, {`urls=["a"]`, `ValueError purge: not a URL: "a"`}, {`groups=["product-a"]`, "1"},
	} {
		if got := task(c.call, control); !strings.HasPrefix(got, c.says) {
			t.Errorf("%s: %s", c.call, got)
		}
	}
	s.fresh("/product/a", "1")
	if got := task(`all=True`, "STANDPIPE_CONTROL="+filepath.Join(t.TempDir(), "none")); !strings.HasPrefix(got, "PurgeError the server behind STANDPIPE_CONTROL has not removed it:") {
		t.Error(got)
	}
	if err := os.WriteFile(filepath.Join(s.Cmd.Dir, "version"), []byte("2"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.cached("/product/a", "1")
}
