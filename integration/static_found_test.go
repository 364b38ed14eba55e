package integration

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const flaskHead = "import flask\nfrom flask import Flask, Blueprint\n"

const djangoHead = `import os, sys, types, django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path, re_path
here = os.path.dirname(os.path.abspath(__file__))
urlpatterns = []
def view(request, **kw): return HttpResponse("view")
def conf(**more):
    kw = dict(SECRET_KEY="x", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, STATIC_URL="static/", STATIC_ROOT=os.path.join(here, "static"),
        INSTALLED_APPS=["django.contrib.staticfiles"], MIDDLEWARE=["django.middleware.security.SecurityMiddleware"])
    kw.update(more)
    settings.configure(**kw)
    return get_wsgi_application()
`

const pyramidHead = `import os
from pyramid.config import Configurator
from pyramid.response import Response
here = os.path.dirname(os.path.abspath(__file__))
static = os.path.join(here, "static")
`

type declaration struct {
	name, app string
	served    bool
	refused   string // a name in the reason
	options   string // of --app
}

// declared are apps whose static/x.txt is served without them, or is not, and why.
var declared = []declaration{
	{"plain", flaskHead + "app = Flask(__name__)", true, "", ""},
	{"proxyfix", flaskHead + "from werkzeug.middleware.proxy_fix import ProxyFix\napp = Flask(__name__)\napp.wsgi_app = ProxyFix(ProxyFix(app.wsgi_app))", true, "", ""},
	{"around", flaskHead + "from werkzeug.middleware.proxy_fix import ProxyFix\napp = ProxyFix(Flask(__name__))", true, "", ""},
	{"before", flaskHead + "app = Flask(__name__)\n@app.before_request\ndef login(): flask.abort(401)", false, "before_request", ""},
	{"forced", flaskHead + "app = Flask(__name__)\n@app.before_request\ndef login(): flask.abort(401)", true, "", "static=force"},
	{"off", flaskHead + "app = Flask(__name__)", false, "", "static=off"},
	{"values", flaskHead + "app = Flask(__name__)\n@app.url_value_preprocessor\ndef values(endpoint, v): flask.abort(401)", false, "url_value_preprocessor", ""},
	{"bpapp", flaskHead + "app = Flask(__name__)\nbp = Blueprint('b', __name__)\n@bp.before_app_request\ndef login(): flask.abort(401)\napp.register_blueprint(bp)", false, "before_request", ""},
	{"view", flaskHead + "import functools\napp = Flask(__name__)\ndef guard(f):\n    @functools.wraps(f)\n    def inner(**kw): flask.abort(401)\n    return inner\napp.view_functions['static'] = guard(app.view_functions['static'])", false, "Flask", ""},
	{"sub", flaskHead + "class Shop(Flask):\n    def preprocess_request(self): flask.abort(401)\napp = Shop(__name__)", false, "preprocess_request", ""},
	{"send", flaskHead + "class Shop(Flask):\n    def send_static_file(self, filename): flask.abort(401)\napp = Shop(__name__)", false, "send_static_file", ""},
	{"middle", flaskHead + "class Auth:\n    def __init__(self, app): self.app = app\n    def __call__(self, e, s):\n        s('401 No', [])\n        return [b'no']\napp = Flask(__name__)\napp.wsgi_app = Auth(app.wsgi_app)", false, "Auth", ""},
	{"outer", flaskHead + "class Auth:\n    def __init__(self, app): self.app = app\n    def __call__(self, e, s):\n        s('401 No', [])\n        return [b'no']\napp = Auth(Flask(__name__))", false, "Auth", ""},
	{"host", flaskHead + "app = Flask(__name__, host_matching=True, static_host='a.test')", false, "host", ""},
	{"route", flaskHead + "app = Flask(__name__)\n@app.get('/static/x.txt')\ndef x(): flask.abort(401)", false, "/static/x.txt", ""},
	{"bp", flaskHead + "app = Flask(__name__, static_folder=None)\napp.register_blueprint(Blueprint('b', __name__, static_folder='static', static_url_path='/static'))", true, "", ""},
	{"bpbefore", flaskHead + "app = Flask(__name__, static_folder=None)\nbp = Blueprint('b', __name__, static_folder='static', static_url_path='/static')\n@bp.before_request\ndef login(): flask.abort(401)\napp.register_blueprint(bp)", false, "before_request", ""},
	{"nested", flaskHead + "app = Flask(__name__, static_folder=None)\nouter = Blueprint('o', __name__)\n@outer.before_request\ndef login(): flask.abort(401)\nouter.register_blueprint(Blueprint('b', __name__, static_folder='static', static_url_path='/static'))\napp.register_blueprint(outer)", false, "before_request", ""},

	{"collected", djangoHead + "application = conf()", true, "", ""},
	{"cdn", djangoHead + "application = conf(STATIC_URL='https://cdn.test/static/')", false, "", ""},
	{"elsewhere", djangoHead + "application = conf(STATIC_URL='/static/')", false, "mount", ""},
	{"debug", djangoHead + "urlpatterns = [path('', view)]\napplication = conf(DEBUG=True, STATIC_ROOT=None, STATICFILES_DIRS=[os.path.join(here, 'static')])", true, "", ""},
	{"nodebug", djangoHead + "application = conf(STATIC_ROOT=None, STATICFILES_DIRS=[os.path.join(here, 'static')])", false, "", ""},
	{"ownview", djangoHead + "urlpatterns = [re_path('static/(?P<p>.*)', view)]\napplication = conf()", false, "view", ""},
	{"catchall", djangoHead + "urlpatterns = [re_path('.*', view)]\napplication = conf()", true, "", ""},
	{"djserve", djangoHead + "from django.views.static import serve\nurlpatterns = [re_path('static/(?P<path>.*)', serve, {'document_root': os.path.join(here, 'static')})]\napplication = conf(MIDDLEWARE=['django.middleware.common.CommonMiddleware'])", true, "", ""},
	{"djguard", djangoHead + "from django.views.static import serve\ndef guard(get): return lambda request: HttpResponse('no', status=401)\nurlpatterns = [re_path('static/(?P<path>.*)', serve, {'document_root': os.path.join(here, 'static')})]\napplication = conf(MIDDLEWARE=['django.middleware.common.CommonMiddleware', __name__ + '.guard'])", false, "djguard_app.guard", ""},
	{"djlogin", djangoHead + "from django.views.static import serve\nfrom django.contrib.auth.decorators import login_required\nurlpatterns = [re_path('static/(?P<path>.*)', login_required(serve), {'document_root': os.path.join(here, 'static')})]\napplication = conf()", false, "view", ""},
	{"djwrapped", djangoHead + "class Auth:\n    def __init__(self, app): self.app = app\n    def __call__(self, e, s):\n        s('401 No', [])\n        return [b'no']\napplication = Auth(conf())", false, "Auth", ""},
	{"media", djangoHead + "application = conf(STATIC_ROOT=None, MEDIA_URL='static/', MEDIA_ROOT=os.path.join(here, 'static'))", false, "", ""},

	{"pyramid", pyramidHead + "with Configurator() as c:\n    c.add_static_view('static', static)\n    application = c.make_wsgi_app()", true, "", ""},
	{"permission", pyramidHead + "with Configurator() as c:\n    c.add_static_view('static', static, permission='view')\n    application = c.make_wsgi_app()", false, "permission", ""},
	{"tween", pyramidHead + "def guard(handler, registry):\n    return lambda request: Response('no', 401)\nimport sys\nwith Configurator() as c:\n    c.add_tween(__name__ + '.guard')\n    c.add_static_view('static', static)\n    application = c.make_wsgi_app()", false, "tween", ""},
	{"subscriber", pyramidHead + "from pyramid.events import NewRequest\nwith Configurator() as c:\n    c.add_subscriber(lambda e: None, NewRequest)\n    c.add_static_view('static', static)\n    application = c.make_wsgi_app()", false, "subscriber", ""},
	{"first", pyramidHead + "with Configurator() as c:\n    c.add_route('all', '/{a}/{b}')\n    c.add_view(lambda r: Response('no', 401), route_name='all')\n    c.add_static_view('static', static)\n    application = c.make_wsgi_app()", false, "all", ""},

	{"bottle", "import bottle, os\napp = bottle.Bottle()\n@app.get('/static/<name>')\ndef static(name): return bottle.static_file(name, root=os.path.join(os.path.dirname(os.path.abspath(__file__)), 'static'))", false, "", ""},
}

// Go serves what an app declares, and nothing that a guard of the app's stands before.
func TestStaticFoundByItself(t *testing.T) {
	t.Parallel()
	const together = 8 // interpreters that start at a time
	for list := range slices.Chunk(declared, together) {
		foundByItself(t, list)
	}
}

func foundByItself(t *testing.T, list []declaration) {
	files := map[string]string{}
	args := []string{"-w", "1", "--boot-timeout", "5m"}
	for _, d := range list {
		files[d.name+"/"+d.name+"_app.py"] = d.app + "\n"
		files[d.name+"/static/x.txt"] = "x of " + d.name
		option := fmt.Sprintf("name=%s,module=%s_app,dir=%s,mount=/%s", d.name, d.name, d.name, d.name)
		if d.options != "" {
			option += "," + d.options
		}
		args = append(args, "--app", option)
	}
	s := start(t, opts{Dir: project(t, files), Python: python(t), Args: args})
	defer s.stop()
	said := map[string]record{}
	for _, r := range s.events("static") {
		said[r.str("app")] = r
	}
	for _, d := range list {
		t.Run(d.name, func(t *testing.T) {
			s := s.with(t)
			path := "/" + d.name + "/static/x.txt"
			r := s.get(path)
			line := s.waitAccess(`"GET ` + path + ` `)
			if static := strings.Contains(line, "source=static"); static != d.served {
				t.Errorf("served without the app: %v, want %v; %d %.100q; log %v", static, d.served, r.Status, r.Body, said[d.name])
			}
			if d.served && (r.Status != 200 || r.Body != "x of "+d.name) {
				t.Errorf("%d %.100q", r.Status, r.Body)
			}
			refused := said[d.name].str("refused")
			if !strings.Contains(refused, d.refused) || d.refused == "" && refused != "" || d.refused != "" && strings.Contains(refused, "--static force") == (d.name == "elsewhere") {
				t.Errorf("refused %q, want %q", refused, d.refused)
			}
			if served := said[d.name].str("served"); strings.Contains(served, "/"+d.name+"/static/ -> ") != d.served {
				t.Errorf("served %q", served)
			}
			switch d.name {
			case "before", "values", "bpapp", "view", "sub", "send", "middle", "outer", "route", "bpbefore", "nested", "djguard", "djwrapped", "tween", "first":
				if r.Status != 401 {
					t.Errorf("the guard was passed by: %d %.100q", r.Status, r.Body)
				}
			}
			// What is no file is the app's.
			if none := s.get("/" + d.name + "/static/none.txt"); d.served && none.Status == 200 && d.name != "catchall" {
				t.Errorf("none.txt: %d", none.Status)
			}
			s.waitAccess(`"GET /` + d.name + `/static/none.txt .* worker=` + d.name)
		})
	}
}

// collectstatic with the manifest storage: what it has named is kept for a year.
func TestStaticDjangoManifest(t *testing.T) {
	t.Parallel()
	py := python(t)
	dir := project(t, map[string]string{
		"site_app.py":    djangoHead + "application = conf(STATIC_ROOT=os.path.join(here, 'collected'), STATICFILES_DIRS=[os.path.join(here, 'assets')], STORAGES={'staticfiles': {'BACKEND': 'django.contrib.staticfiles.storage.ManifestStaticFilesStorage'}})\n",
		"collect.py":     "import site_app\nfrom django.core.management import call_command\ncall_command('collectstatic', interactive=False, verbosity=0)\n",
		"assets/a.css":   "body{background:url(pic.png)}",
		"assets/pic.png": "not really",
	})
	cmd := exec.Command(py, "collect.py")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	hashed, err := filepath.Glob(filepath.Join(dir, "collected", "a.*.css"))
	if err != nil || len(hashed) != 1 {
		t.Fatalf("%v %v", hashed, err)
	}
	s := start(t, opts{Dir: dir, App: "site_app", Python: py, Args: []string{"-w", "1"}})
	if r := s.want(200, "/static/"+filepath.Base(hashed[0])); !strings.Contains(r.Header.Get("Cache-Control"), "immutable") || !strings.Contains(r.Body, "pic.") {
		t.Errorf("%v %q", r.Header, r.Body)
	}
	if r := s.want(200, "/static/a.css"); r.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("%v", r.Header)
	}
}

// What the people at a terminal read.
func TestStaticInTheBanner(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"wsgi.py": declared[3].app + "\n", "static/x.txt": "x", "media/m": "m"})
	s := start(t, opts{Dir: dir, Python: python(t), Args: []string{"-w", "1", "--log-format", "text", "--static", "/media=media"}, NoWait: true})
	lines := s.waitBanner("static")
	for _, want := range [][]string{{"/media/", "media"}, {"/static/", "Flask", "before_request", "login", "--static force"}} {
		if !slices.ContainsFunc(lines, func(line string) bool { return holds(line, want...) }) {
			t.Errorf("no line names %q:\n%s", want, s.stderrText())
		}
	}
}
