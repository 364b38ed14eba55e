package integration

import (
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// noiseHead is a Django project whose files WhiteNoise serves, in the way that its documentation recommends.
const noiseHead = djangoHead + `
def noise(before=(), **more):
    kw = dict(MIDDLEWARE=[*before, "whitenoise.middleware.WhiteNoiseMiddleware", "django.middleware.common.CommonMiddleware"])
    kw.update(more)
    return conf(**kw)
security = "django.middleware.security.SecurityMiddleware"
`

type fieldsOfApp struct {
	name, app string
	source    string // static, or app
	want      []string
	https     bool // the request says that it came by https
	status    int  // 0: 200
}

// What an app gives its static files goes out with them, whatever serves them.
func TestFault_D5_FieldsOfTheApp(t *testing.T) {
	t.Parallel()
	py := python(t)
	if err := exec.Command(py, "-c", "import whitenoise, flask_cors").Run(); err != nil {
		skip(t, "no-package", "whitenoise and flask-cors are in requirements.txt: "+err.Error())
	}
	const star = "Access-Control-Allow-Origin: *"
	cases := []fieldsOfApp{
		{name: "cors", app: flaskHead + "from flask_cors import CORS\napp = Flask(__name__)\nCORS(app)", source: "static", want: []string{star}},
		{name: "corsexpose", app: flaskHead + "from flask_cors import CORS\napp = Flask(__name__)\nCORS(app, expose_headers=['X-A', 'X-B'])", source: "static", want: []string{star, "Access-Control-Expose-Headers: X-A, X-B"}},
		{name: "corsapi", app: flaskHead + "from flask_cors import CORS\napp = Flask(__name__)\nCORS(app, resources={r'/api/*': {'origins': '*'}})", source: "static", want: []string{"Access-Control-Allow-Origin: "}},
		{name: "corsone", app: flaskHead + "from flask_cors import CORS\napp = Flask(__name__)\nCORS(app, origins=['https://a.test'])", source: "app", want: []string{"Access-Control-Allow-Origin: https://a.test"}},
		{name: "corscookies", app: flaskHead + "from flask_cors import CORS\napp = Flask(__name__)\nCORS(app, supports_credentials=True)", source: "app", want: []string{"Access-Control-Allow-Credentials: true"}},
		{name: "after", app: flaskHead + "app = Flask(__name__)\n@app.after_request\ndef own(r):\n    r.headers['X-Own'] = '1'\n    return r", source: "app", want: []string{"X-Own: 1"}},
		{name: "bpafter", app: flaskHead + "app = Flask(__name__, static_folder=None)\nb = Blueprint('b', __name__, static_folder='static', static_url_path='/static')\n@b.after_request\ndef own(r):\n    r.headers['X-Own'] = '1'\n    return r\napp.register_blueprint(b)", source: "app", want: []string{"X-Own: 1"}},
		{name: "process", app: flaskHead + "class Own(Flask):\n    def process_response(self, r):\n        r.headers['X-Own'] = '1'\n        return r\napp = Own(__name__)", source: "app", want: []string{"X-Own: 1"}},
		{name: "age", app: flaskHead + "app = Flask(__name__)\napp.config['SEND_FILE_MAX_AGE_DEFAULT'] = 600", source: "static", want: []string{"Cache-Control: public, max-age=600"}},
		{name: "noage", app: flaskHead + "app = Flask(__name__)", source: "static", want: []string{"Cache-Control: no-cache"}},
		{name: "ownage", app: flaskHead + "class Own(Flask):\n    def get_send_file_max_age(self, name): return 5\napp = Own(__name__)", source: "app", want: []string{"Cache-Control: public, max-age=5"}},

		{name: "noise", app: noiseHead + "application = noise()", source: "static", want: []string{star, "Cache-Control: public, max-age=60"}},
		{name: "noiseage", app: noiseHead + "application = noise(WHITENOISE_MAX_AGE=7200, WHITENOISE_ALLOW_ALL_ORIGINS=False)", source: "static", want: []string{"Access-Control-Allow-Origin: ", "Cache-Control: public, max-age=7200"}},
		{name: "noisetypes", app: noiseHead + "application = noise(WHITENOISE_MIMETYPES={'.txt': 'text/x-own'}, WHITENOISE_CHARSET='windows-1251')", source: "static", want: []string{"Content-Type: text/x-own; charset=windows-1251"}},
		{name: "noiseheaders", app: noiseHead + "def own(headers, path, url): headers['X-Own'] = '1'\napplication = noise(WHITENOISE_ADD_HEADERS_FUNCTION=own)", source: "app", want: []string{"X-Own: 1"}},
		{name: "noisetest", app: noiseHead + "application = noise(WHITENOISE_IMMUTABLE_FILE_TEST='x[.]txt$')", source: "app", want: []string{"Cache-Control: max-age=315360000, public, immutable"}},
		{name: "noiseguard", app: noiseHead + "def guard(get): return lambda request: HttpResponse('no', status=401)\napplication = noise(before=[__name__ + '.guard'])", source: "app", status: 401},
		{name: "noiseown", app: noiseHead + "from whitenoise.middleware import WhiteNoiseMiddleware\nclass Own(WhiteNoiseMiddleware):\n    def add_cache_headers(self, h, p, u): h['X-Own'] = '1'\napplication = conf(MIDDLEWARE=[__name__ + '.Own'])", source: "app", want: []string{"X-Own: 1"}},
		{name: "noisewsgi", app: djangoHead + "from whitenoise import WhiteNoise\napplication = WhiteNoise(conf(), root=os.path.join(here, 'static'), prefix='static/', max_age=90)", source: "static", want: []string{star, "Cache-Control: public, max-age=90"}},

		{name: "tls", app: noiseHead + "application = noise(before=[security], SECURE_SSL_REDIRECT=True, SECURE_HSTS_SECONDS=60)", source: "app", status: 301, want: []string{"Location: https://"}},
		{name: "tlssecure", app: noiseHead + "application = noise(before=[security], SECURE_SSL_REDIRECT=True, SECURE_HSTS_SECONDS=60)", source: "static", https: true, want: []string{"Strict-Transport-Security: max-age=60", "Referrer-Policy: same-origin", "Cross-Origin-Opener-Policy: same-origin"}},
		{name: "tlsplain", app: djangoHead + "application = conf(SECURE_SSL_REDIRECT=True)", source: "app", status: 301, want: []string{"Location: https://"}},
		{name: "frame", app: noiseHead + "application = noise(before=['django.middleware.clickjacking.XFrameOptionsMiddleware'])", source: "static", want: []string{"X-Frame-Options: DENY"}},
		{name: "csp", app: noiseHead + "application = noise(before=['django.middleware.csp.ContentSecurityPolicyMiddleware'], SECURE_CSP={'default-src': ['none']})", source: "app", want: []string{"Content-Security-Policy: default-src none"}},

		{name: "pyramidage", app: pyramidHead + "with Configurator() as c:\n    c.add_static_view('static', static, cache_max_age=3600)\n    application = c.make_wsgi_app()", source: "static", want: []string{"Cache-Control: public, max-age=3600"}},
		{name: "pyramidafter", app: pyramidHead + "from pyramid.events import NewResponse\ndef own(e): e.response.headers['X-Own'] = '1'\nwith Configurator() as c:\n    c.add_subscriber(own, NewResponse)\n    c.add_static_view('static', static)\n    application = c.make_wsgi_app()", source: "app", want: []string{"X-Own: 1"}},
	}
	if exec.Command(py, "-c", "import django.middleware.csp").Run() != nil { // Django 6
		cases = slices.DeleteFunc(cases, func(c fieldsOfApp) bool { return c.name == "csp" })
	}
	files := map[string]string{}
	args := []string{"-w", "1", "--boot-timeout", "5m"} // of many interpreters
	for _, c := range cases {
		files[c.name+"/"+c.name+"_app.py"] = c.app + "\n"
		files[c.name+"/static/x.txt"] = "x of " + c.name
		args = append(args, "--app", "name="+c.name+",module="+c.name+"_app,dir="+c.name+",mount=/"+c.name)
	}
	s := start(t, opts{Dir: project(t, files), Python: py, Args: args})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := s.with(t)
			path := "/" + c.name + "/static/x.txt"
			headers := []string{"Origin", "https://a.test"}
			if c.https {
				headers = append(headers, "X-Forwarded-Proto", "https")
			}
			r := s.alone(path, headers...)
			if r.StatusCode != max(c.status, 200) {
				t.Errorf("status %d", r.StatusCode)
			}
			for _, want := range c.want {
				name, value, _ := strings.Cut(want, ": ")
				if got := r.Header.Get(name); got != value && !(value == "https://" && strings.HasPrefix(got, value)) {
					t.Errorf("%s: %q, want %q", name, got, value)
				}
			}
			if line := s.waitAccess(`"GET ` + path + ` `); strings.Contains(line, "source=static") != (c.source == "static") {
				t.Errorf("%s", line)
			}
		})
	}
}

// alone sends a request without following where it leads.
func (s *server) alone(path string, headers ...string) *http.Response {
	s.t.Helper()
	req := s.request("GET", path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	resp, err := tr.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

// Named folders have fields and types of their own, and answer a browser's preflight request.
func TestFault_D5_OwnFieldsAndPreflight(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{
		"app.py": `def app(environ, start_response):
    start_response("200 OK", [("X-Accel-Redirect", "/internal/x.txt"), ("Cross-Origin-Resource-Policy", "same-origin")])
    return [b"the app's own"]
`,
		"files/x.txt": "x", "files/apple-app-site-association": "{}", "files/m.GLB": "m",
		"standpipe.toml": `
[[app]]
name = "site"
workers = 1
[[app.static]]
url = "/open/"
dir = "files"
headers = { Access-Control-Allow-Origin = "*", Cross-Origin-Opener-Policy = "same-origin", Service-Worker-Allowed = "/" }
types = { ".glb" = "model/gltf-binary", "apple-app-site-association" = "application/json" }
[[app.static]]
url = "/closed/"
dir = "files"
[[internal]]
url = "/internal/"
dir = "files"
headers = { Cross-Origin-Resource-Policy = "cross-origin" }
`})
	s := start(t, opts{Dir: dir})
	r := s.want(200, "/open/x.txt")
	etag := r.Header.Get("Etag")
	for name, want := range map[string]string{"Access-Control-Allow-Origin": "*", "Cross-Origin-Opener-Policy": "same-origin", "Service-Worker-Allowed": "/"} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if r := s.want(304, "/open/x.txt", "If-None-Match: "+etag); r.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("304: %v", r.Header)
	}
	if r := s.want(206, "/open/x.txt", "Range: bytes=0-0"); r.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("206: %v", r.Header)
	}
	for path, want := range map[string]string{"/open/m.GLB": "model/gltf-binary", "/open/apple-app-site-association": "application/json", "/closed/apple-app-site-association": "application/octet-stream"} {
		if got := s.want(200, path).Header.Get("Content-Type"); got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
	p := s.do(s.request("OPTIONS", "/open/x.txt", nil, "Origin: https://a.test", "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: x-a"))
	if p.Status != 204 || p.Header.Get("Access-Control-Allow-Origin") != "*" || p.Header.Get("Access-Control-Allow-Methods") != "GET, HEAD" || p.Header.Get("Access-Control-Allow-Headers") == "" {
		t.Errorf("preflight: %d %v", p.Status, p.Header)
	}
	if p := s.do(s.request("OPTIONS", "/closed/x.txt", nil)); p.Status != 405 || p.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("%d %v", p.Status, p.Header)
	}
	if got := s.want(200, "/").Header["Cross-Origin-Resource-Policy"]; len(got) != 1 || got[0] != "cross-origin" {
		t.Errorf("internal: %q", got)
	}
	bad := project(t, map[string]string{"app.py": plainApp, "files/x": "x", "standpipe.toml": "[[app]]\n[[app.static]]\nurl = \"/x/\"\ndir = \"files\"\nheaders = { Content-Length = \"3\" }\n"})
	if r := run(t, bad, nil, "check"); r.code != 2 || !strings.Contains(r.out+r.errout, "Content-Length") {
		t.Errorf("%d %s%s", r.code, r.out, r.errout)
	}
}
