package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ownHealth are apps of five frameworks that have health paths of their own, one that takes every path, and one without.
var ownHealth = map[string]struct{ app, hidden string }{
	"flask": {`import flask
app = flask.Flask(__name__)
@app.before_request
def guard():
    flask.g.ran = True
    open("asked", "a").close()
@app.get("/livez")
def live():
    return "own"
@app.get("/readyz")
def ready():
    return "own"
@app.get("/<path:rest>")
def rest(rest):
    return "own"
`, "/livez, /readyz"},
	"flask_rest": {`import flask
app = flask.Flask(__name__)
@app.get("/", defaults={"rest": ""})
@app.get("/<path:rest>")
def rest(rest):
    return "own"
`, ""},
	"django": {`from django.conf import settings
settings.configure(DEBUG=False, ROOT_URLCONF=__name__, SECRET_KEY="x", ALLOWED_HOSTS=["*"])
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path, re_path
def view(request, **more):
    return HttpResponse("own")
def rest(request):
    return HttpResponse("own")
urlpatterns = [path("readyz", view), re_path("^.*$", rest)]
app = get_wsgi_application()
`, "/readyz"},
	"pyramid": {`from pyramid.config import Configurator
from pyramid.response import Response
with Configurator() as config:
    config.add_route("live", "/livez")
    config.add_route("rest", "/{rest:.*}")
    config.add_view(lambda request: Response("own"), route_name="live")
    config.add_view(lambda request: Response("own"), route_name="rest")
    app = config.make_wsgi_app()
`, "/livez"},
	"bottle": {`import bottle
app = bottle.Bottle()
@app.get("/livez")
@app.get("/<rest:path>")
def live(rest=""):
    return "own"
`, "/livez"},
	"falcon": {`import falcon
class Live:
    def on_get(self, req, resp, **more):
        resp.text = "own"
app = falcon.App()
app.add_route("/livez", Live())
app.add_sink(lambda req, resp, **more: setattr(resp, "text", "own"), "/")
`, "/livez"},
	"plain": {hello("own"), ""},
}

// The start says which health paths the app has routes of its own for; --health-path moves standpipe's, or switches them off.
func TestFault_D11_HealthPathsGiveWay(t *testing.T) {
	t.Parallel()
	py := python(t)
	for name, c := range ownHealth {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := project(t, map[string]string{"shop.py": c.app})
			s := start(t, opts{App: "shop:app", Dir: dir, Python: py, Args: []string{"-w", "1"}})
			if r := s.want(200, "/livez"); r.Body != "ok\n" {
				t.Errorf("/livez: %q", r.Body)
			}
			if _, err := os.Stat(filepath.Join(dir, "asked")); err == nil {
				t.Error("the app was asked")
			}
			events := s.events("health_hidden")
			if c.hidden == "" && len(events) > 0 || c.hidden != "" && (len(events) != 1 || events[0].str("paths") != c.hidden || !events[0].names("--health-path")) {
				t.Errorf("%v, want %q", events, c.hidden)
			}
			if e := s.events("health_unknown"); len(e) > 0 {
				t.Errorf("%v", e)
			}
		})
	}
}

func TestFault_D11_HealthPathMovesAndSwitchesOff(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path   string
		health []string // that standpipe answers
		own    []string // that the app answers
	}{
		{"/", []string{"/livez", "/readyz", "/readyz/shop"}, []string{"/-/health/livez", "/livez/"}},
		{"/-/health", []string{"/-/health/livez", "/-/health/readyz", "/-/health/readyz/shop"}, []string{"/livez", "/readyz", "/readyz/shop", "/-/health", "/-/healthlivez"}},
		{"/-/health/", []string{"/-/health/livez"}, []string{"/livez"}},
		{"off", nil, []string{"/livez", "/readyz", "/readyz/shop", "/off/livez"}},
	} {
		t.Run(c.path, func(t *testing.T) {
			t.Parallel()
			dir := project(t, map[string]string{"shop.py": hello("own")})
			s := start(t, opts{Dir: dir, Args: []string{"--app", "name=shop,module=shop:app,workers=1", "--health-path", c.path, "--metrics", "127.0.0.1:0"}})
			for _, path := range c.health {
				if r := s.want(200, path); r.Body != "ok\n" {
					t.Errorf("%s: %q", path, r.Body)
				}
			}
			for _, path := range c.own {
				if r := s.want(200, path); r.Body != "own" {
					t.Errorf("%s: %q", path, r.Body)
				}
			}
			m := s.at(strings.TrimSuffix(strings.TrimPrefix(s.waitEvent("metrics").str("address"), "http://"), "/metrics"))
			for _, path := range []string{"/livez", "/readyz", "/readyz/shop"} {
				if r := m.want(200, path); r.Body != "ok\n" {
					t.Errorf("metrics address, %s: %q", path, r.Body)
				}
			}
			m.want(404, "/readyz/other")
			m.want(404, "/")
			m.want(200, "/metrics")
		})
	}
	dir := project(t, map[string]string{"app.py": hello("x")})
	for _, bad := range []string{"health", "/a/../b", "/a?b", "on"} {
		if r := run(t, dir, nil, "check", "app:app", "--health-path", bad); r.code != 2 || !strings.Contains(r.errout, "--health-path") {
			t.Errorf("%s: %d %s", bad, r.code, r.errout)
		}
	}
}
