package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shopFails is a Flask app with an error in a view, whose page is worth a picture.
var shopFails = map[string]string{
	"app.py": `from flask import Flask, render_template, request

from shop import cart

app = Flask(__name__)


@app.get("/")
def index():
    return render_template("index.html", name="Ann")


@app.route("/cart", methods=["GET", "POST"])
def show_cart():
    items = cart.load(request.args.get("user", "ann"), api_key="c2VjcmV0")
    return cart.total(items)
`,
	"shop/__init__.py": "",
	"shop/cart.py": `"""The cart of a customer."""
PRICES = {"tea": 4.5, "milk": 1.2}


class Item:
    def __init__(self, name, count):
        self.name = name
        self.count = count


def load(user, api_key):
    return [Item("tea", 2), Item("milk", 1), Item("sugar", 3)]


def total(items):
    total = 0
    for item in items:
        try:
            total += item.count * PRICES[item.name]
        except KeyError as error:
            raise LookupError(f"no price for {item.name!r}, which is in the cart {item.count} times") from error
    return {"total": total}
`,
	"templates/index.html": `<!doctype html><html lang="en"><head><title>Shop</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/static/shop.css"></head>
<body><h1>Hello {{ name }}</h1><input id="kept"></body></html>
`,
	"static/shop.css": "h1 { color: rgb(1, 2, 3) }\n",
}

// errorsOf are what the console got, but for the browser's own lines about the status of a page, and about the icon that it
// asks for beside a page of JSON, at a moment of its own.
func errorsOf(b *tab) (list []string) {
	for _, line := range b.said() {
		status := strings.Contains(line, "Failed to load resource: the server responded with a status of ")
		if !status || !strings.Contains(line, "a status of 50") && !strings.Contains(line, "/favicon.ico") {
			list = append(list, line)
		}
	}
	return list
}

// fromPage fails the test for what the console and axe say of an error page.
func fromPage(t *testing.T, b *tab, where string) {
	t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		b.size(1100, 1000, scheme)
		b.js(`document.querySelectorAll("details").forEach(d => d.open = true)`, nil)
		b.accessible(where + ", " + scheme)
	}
	b.size(390, 800, "light")
	b.until(`innerWidth === 390`)
	if wide := b.text(`String(document.documentElement.scrollWidth - innerWidth)`); wide != "0" {
		t.Errorf("%s: on a phone the page is %s pixels too wide", where, wide)
	}
	b.size(1100, 1000, "light")
	if said := errorsOf(b); len(said) > 0 {
		t.Errorf("%s: the console: %q", where, said)
	}
}

// An error page in a browser: nothing in the console, no finding of axe, keys, and the text that is copied; it loads again when the code is fixed.
func TestErrorPagesInABrowser(t *testing.T) {
	t.Parallel()
	browser(t)
	dir := project(t, shopFails)
	s := startDev(t, opts{Dir: dir, App: "app:app", Python: python(t)})
	b := newTab(t)
	b.size(1100, 1000, "light")
	b.open(s.URL + "/cart?user=ann")
	b.until(`document.querySelector("h1").textContent.includes("no price") && document.getElementById("state").textContent !== ""`)
	picture(t, b, "error-flask.png")
	b.size(1100, 1000, "dark")
	b.js(`document.querySelector(".locals").open = true`, nil)
	picture(t, b, "error-dark.png")
	fromPage(t, b, "a view")
	if text := b.text(`document.getElementById("text").textContent`); !strings.Contains(text, "Traceback (most recent call last)") || !strings.Contains(text, "item = <shop.cart.Item") {
		t.Errorf("the text: %s", text)
	}
	if html := b.text(`document.documentElement.outerHTML`); strings.Contains(html, "api_key=[masked]") || strings.Count(html, "c2VjcmV0") > 3 { // the source has it
		t.Errorf("a secret: %s", html)
	}
	b.js(`dispatchEvent(new KeyboardEvent("keydown", {key: "j"}))`, nil)
	b.until(`document.activeElement.matches(".frame > summary")`)
	save(t, filepath.Join(dir, "shop/cart.py"), strings.Replace(shopFails["shop/cart.py"], `"milk": 1.2`, `"milk": 1.2, "sugar": 2`, 1), 0)
	b.until(`document.contentType === "application/json"`)

	b.said()
	save(t, filepath.Join(dir, "shop/cart.py"), "PRICES = {\n", 1)
	b.open(s.URL + "/cart")
	b.until(`document.querySelector("h1").textContent.includes("cart.py:1") && document.getElementById("state").textContent !== ""`)
	picture(t, b, "error-boot.png")
	fromPage(t, b, "a syntax error")
	save(t, filepath.Join(dir, "shop/cart.py"), "import nothing_of_this_name\n", 2)
	b.until(`document.querySelector("h1").textContent.includes("nothing_of_this_name")`)
	save(t, filepath.Join(dir, "shop/cart.py"), "def load(user, api_key): return []\ndef total(items): return {'total': 7}\n", 3)
	b.until(`document.contentType === "application/json" && document.body.innerText.includes("7")`)
}

// A Django view without DEBUG, and with it, where the page is Django's.
func TestDjangoErrorsInABrowser(t *testing.T) {
	t.Parallel()
	browser(t)
	for _, debug := range []string{"False", "True"} {
		dir := project(t, map[string]string{"web.py": fmt.Sprintf(`import django
from django.conf import settings
settings.configure(DEBUG=%s, ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="geheim", TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": ["templates"]}])
from django.core.handlers.wsgi import WSGIHandler
from django.shortcuts import render
from django.urls import path
class Cart:
    def total(self): return 1 / 0
def fail(request): return render(request, "cart.html", {"cart": Cart()})
urlpatterns = [path("fail", fail)]
django.setup()
app = WSGIHandler()
`, debug), "templates/cart.html": "<p>\n{{ cart.total }}\n</p>\n"})
		s := startDev(t, opts{Dir: dir, App: "web:app", Python: python(t)})
		b := newTab(t)
		b.open(s.URL + "/fail")
		b.until(`document.body.innerText.includes("ZeroDivisionError")`)
		if debug == "True" {
			if !strings.Contains(b.text(`document.body.innerText`), "DEBUG = True") {
				t.Error("not Django's own page")
			}
			continue
		}
		fromPage(t, b, "Django")
		page := b.text(`document.documentElement.outerHTML`)
		if !strings.Contains(page, "templates/cart.html:2") || strings.Contains(strings.ReplaceAll(page, "&quot;geheim&quot;", ""), ">geheim<") || !strings.Contains(page, "Django settings") {
			t.Errorf("%s", page)
		}
	}
}

// --live: a page is loaded again when its template changes, and a style is exchanged without that.
func TestLiveInABrowser(t *testing.T) {
	t.Parallel()
	browser(t)
	dir := project(t, shopFails)
	s := startDev(t, opts{Dir: dir, App: "app:app", Python: python(t), Args: []string{"--live"}})
	b := newTab(t)
	b.open(s.URL + "/")
	b.until(`document.querySelector("script[src^='/-/dev/live.js']") && performance.getEntriesByType("resource").length > 1`)
	b.js(`document.getElementById("kept").value = "typed"`, nil)
	color := `getComputedStyle(document.querySelector("h1")).color`
	if c := b.text(color); c != "rgb(1, 2, 3)" {
		t.Fatalf("the style: %s", c)
	}
	write(t, dir, map[string]string{"static/shop.css": "h1 { color: rgb(7, 8, 9) }\n"})
	b.until(color + ` === "rgb(7, 8, 9)"`)
	if kept := b.text(`document.getElementById("kept").value`); kept != "typed" {
		t.Errorf("the page was loaded again for a style: %q", kept)
	}
	write(t, dir, map[string]string{"templates/index.html": strings.Replace(shopFails["templates/index.html"], "Hello", "Goodbye", 1)})
	b.until(`document.querySelector("h1").textContent === "Goodbye Ann"`)
	write(t, dir, map[string]string{"app.py": strings.Replace(shopFails["app.py"], `name="Ann"`, `name="Bob"`, 1)})
	b.until(`document.querySelector("h1").textContent === "Goodbye Bob"`)
	if said := errorsOf(b); len(said) > 0 {
		t.Errorf("the console: %q", said)
	}
}

// picture keeps what a tab shows as docs/pictures/NAME, with STANDPIPE_TEST_PICTURES=1.
func picture(t *testing.T, b *tab, name string) {
	t.Helper()
	if os.Getenv("STANDPIPE_TEST_PICTURES") == "" {
		return
	}
	folder := filepath.Join(repoDir(), "docs", "pictures")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name), b.picture(), 0o644); err != nil {
		t.Fatal(err)
	}
}
