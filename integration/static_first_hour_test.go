package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// manage runs a project's manage.py, or django-admin.
func manage(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command(python(t), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "DJANGO_SETTINGS_MODULE=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// newProject is what `django-admin startproject mysite .` makes, with lines added to its settings.
func newProject(t *testing.T, more string) string {
	t.Helper()
	dir := t.TempDir()
	manage(t, dir, "-m", "django", "startproject", "mysite", ".")
	settings := filepath.Join(dir, "mysite", "settings.py")
	text, err := os.ReadFile(settings)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(settings, []byte(string(text)+"\n"+more+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A new Django project shows what runserver shows: each stylesheet and script of the admin.
func TestFault_A1_NewDjangoProjectIsStyled(t *testing.T) {
	t.Parallel()
	s := start(t, opts{Dir: newProject(t, ""), Python: python(t), Args: []string{"-w", "1"}})
	page := s.want(200, "/admin/login/")
	links := regexp.MustCompile(`(?:href|src)="(/static/[^"]+)"`).FindAllStringSubmatch(page.Body, -1)
	if len(links) < 4 {
		t.Fatalf("%d links in %.2000s", len(links), page.Body)
	}
	for _, link := range links {
		s.want(200, link[1])
		s.waitAccess(`"GET ` + regexp.QuoteMeta(link[1]) + ` HTTP/1.1" 200 .* source=static`)
	}
	if r := s.waitEvent("static"); !strings.Contains(r.str("served"), "/static/ -> ") || r.str("refused") != "" {
		t.Errorf("%v", r)
	}
}

// debugHead makes Django projects with DEBUG in one file.
const debugHead = djangoHead + `
def debug(**more):
    kw = dict(DEBUG=True, STATIC_ROOT=None)
    kw.update(more)
    return conf(**kw)
class Auth:
    def __init__(self, app): self.app = app
    def __call__(self, e, s):
        if e.get("HTTP_AUTHORIZATION"): return self.app(e, s)
        s("401 No", [])
        return [b"no"]
def finders(*own): return ["django.contrib.staticfiles.finders.FileSystemFinder", "django.contrib.staticfiles.finders.AppDirectoriesFinder", *own]
`

// madeFinder finds what is made when it is asked for, as the finders of Sass and of bundlers do.
const madeFinder = debugHead + `
from django.contrib.staticfiles.finders import BaseFinder
class Made(BaseFinder):
    def find(self, path, find_all=False, **kw):
        if path != "made.css": return []
        where = os.path.join(here, "made-for-" + path)
        with open(where, "w") as f: f.write("made")
        return [where] if find_all or kw.get("all") else where
    def list(self, ignore): return []
    def check(self, **kw): return []
`

func TestFault_A1_EveryFinder(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, app, path, body string
		headers               []string
		source                string // of the answer: static, or app
	}{
		{name: "prefix", app: debugHead + "application = debug(STATICFILES_DIRS=[('docs', os.path.join(here, 'static'))])", path: "docs/x.txt", body: "x of prefix", source: "static"},
		{name: "shadow", app: debugHead + "application = debug(STATICFILES_DIRS=[os.path.join(here, 'static'), ('docs', os.path.join(here, 'other'))])", path: "docs/x.txt", body: "docs of shadow", source: "static"},
		{name: "shadowed", app: debugHead + "application = debug(STATICFILES_DIRS=[os.path.join(here, 'static'), ('docs', os.path.join(here, 'other'))])", path: "docs/y.txt", body: "y", source: "app"},
		{name: "appdir", app: debugHead + "application = debug(INSTALLED_APPS=['django.contrib.staticfiles', 'appdir_shop'])", path: "shop.css", body: "shop", source: "static"},
		{name: "made", app: madeFinder + "application = debug(STATICFILES_FINDERS=finders(__name__ + '.Made'), STATICFILES_DIRS=[os.path.join(here, 'static')])", path: "made.css", body: "made", source: "app"},
		{name: "madefile", app: madeFinder + "application = debug(STATICFILES_FINDERS=finders(__name__ + '.Made'), STATICFILES_DIRS=[os.path.join(here, 'static')])", path: "x.txt", body: "x of madefile", source: "static"},
		{name: "madeall", app: madeFinder + "urlpatterns = [re_path('.*', view)]\napplication = debug(STATICFILES_FINDERS=finders(__name__ + '.Made'))", path: "made.css", body: "made", source: "app"},
		{name: "subclass", app: debugHead + "from django.contrib.staticfiles.finders import FileSystemFinder\nclass Mine(FileSystemFinder): pass\napplication = debug(STATICFILES_FINDERS=[__name__ + '.Mine'], STATICFILES_DIRS=[os.path.join(here, 'static')])", path: "x.txt", body: "x of subclass", source: "static"},
		{name: "broken", app: debugHead + "application = debug(STATICFILES_FINDERS=finders('nothing.of.That'), STATICFILES_DIRS=[os.path.join(here, 'static')])", path: "x.txt", body: "x of broken", source: "static"},
		{name: "behind", app: debugHead + "urlpatterns = [path('', view)]\napplication = Auth(debug(STATICFILES_DIRS=[os.path.join(here, 'static')]))", path: "x.txt", body: "x of behind", headers: []string{"Authorization: yes"}, source: "app"},
		{name: "guard", app: debugHead + "urlpatterns = [path('', view)]\napplication = Auth(debug(STATICFILES_DIRS=[os.path.join(here, 'static')]))", path: "x.txt", body: "no", source: "app"},
		{name: "handler", app: debugHead + "from django.contrib.staticfiles.handlers import StaticFilesHandler\napplication = StaticFilesHandler(debug(STATICFILES_DIRS=[os.path.join(here, 'static')]))", path: "x.txt", body: "x of handler", source: "static"},
		{name: "missing", app: debugHead + "application = debug(STATICFILES_DIRS=[os.path.join(here, 'static'), os.path.join(here, 'none')])", path: "x.txt", body: "x of missing", source: "static"},
		{name: "location", app: djangoHead + "application = conf(STATIC_ROOT=None, STORAGES={'staticfiles': {'BACKEND': 'django.contrib.staticfiles.storage.StaticFilesStorage', 'OPTIONS': {'location': os.path.join(here, 'static')}}})", path: "x.txt", body: "x of location", source: "static"},
	}
	files := map[string]string{
		"appdir/appdir_shop/__init__.py": "", "appdir/appdir_shop/static/shop.css": "shop",
		"shadow/static/docs/x.txt": "docs of shadow", "shadow/other/x.txt": "other", "shadow/other/y.txt": "y",
		"shadowed/static/docs/x.txt": "docs of shadowed", "shadowed/other/x.txt": "other", "shadowed/other/y.txt": "y",
	}
	args := []string{"-w", "1", "--boot-timeout", "5m"} // of many interpreters
	for _, c := range cases {
		files[c.name+"/"+c.name+"_app.py"] = c.app + "\n"
		files[c.name+"/static/x.txt"] = "x of " + c.name
		args = append(args, "--app", "name="+c.name+",module="+c.name+"_app,dir="+c.name+",mount=/"+c.name)
	}
	s := start(t, opts{Dir: project(t, files), Python: python(t), Args: args})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := s.with(t)
			path := "/" + c.name + "/static/" + c.path
			if r := s.get(path, c.headers...); r.Body != c.body {
				t.Errorf("%d %.200q, want %q", r.Status, r.Body, c.body)
			}
			if line := s.waitAccess(`"GET ` + path + ` `); strings.Contains(line, "source=static") != (c.source == "static") {
				t.Errorf("%s", line)
			}
		})
	}
	trouble := map[string]record{}
	for _, r := range s.events("static_trouble") {
		if trouble[r.str("app")] != nil {
			t.Errorf("a second record: %v", r)
		}
		trouble[r.str("app")] = r
	}
	if r := trouble["broken"]; !strings.Contains(r.str("traceback"), "ModuleNotFoundError") || r.str("url") != "/broken/static/" {
		t.Errorf("broken: %v", r)
	}
	if r := trouble["missing"]; !strings.HasSuffix(r.str("dir"), "/missing/none") {
		t.Errorf("missing: %v", r)
	}
	if len(trouble) != 2 {
		t.Errorf("%v", trouble)
	}
}

// With DEBUG the worker serves what Go does not: because it is told not to, or because another user owns the folder.
func TestFault_A1_FilesThatGoLeavesToTheApp(t *testing.T) {
	t.Parallel()
	dir := newProject(t, "")
	s := start(t, opts{Dir: dir, Python: python(t), Args: []string{"-w", "1", "--static", "off"}})
	const sheet = "/static/admin/css/base.css"
	if r := s.get(sheet); r.Status != 200 || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/css") {
		t.Errorf("%d %.200q", r.Status, r.Body)
	}
	if line := s.waitAccess(`"GET ` + sheet + ` `); strings.Contains(line, "source=static") {
		t.Errorf("%s", line)
	}
}

// A declaration that cannot be read is one record and one line of the start; the others are served.
func TestFault_A1_DeclarationThatCannotBeRead(t *testing.T) {
	t.Parallel()
	flask := flaskHead + `
class Odd:
    def __fspath__(self): raise RuntimeError("no path today")
app = Flask(__name__)
odd = Blueprint('odd', __name__, static_folder='static', static_url_path='/odd')
app.register_blueprint(odd)
odd._static_folder = Odd()
`
	dir := project(t, map[string]string{"wsgi.py": flask, "static/x.txt": "x"})
	s := start(t, opts{Dir: dir, Python: python(t), Args: []string{"-w", "2"}})
	s.want(200, "/static/x.txt")
	s.waitAccess(`"GET /static/x.txt HTTP/1.1" 200 .* source=static`)
	s.waitEvent("app_ready")
	list := s.events("static_trouble")
	if len(list) != 1 || !list[0].names("no path today") || list[0].str("url") != "/odd/" || list[0].str("declared_by") != "Flask blueprint odd" {
		t.Errorf("%v", list)
	}
	s.stop()
	s = start(t, opts{Dir: dir, Python: python(t), Args: []string{"-w", "1", "--log-format", "text"}, NoWait: true})
	if !holds(strings.Join(s.waitBanner("static"), "\n"), "/odd/", "no path today") {
		t.Errorf("%s", s.stderrText())
	}
}

// With DEBUG off, files that have not been collected are named, with the command.
func TestFault_A2_UncollectedFilesAreNamed(t *testing.T) {
	t.Parallel()
	const off = "DEBUG = False\nALLOWED_HOSTS = ['*']\n"
	for name, c := range map[string]struct {
		settings string
		says     string // empty: nothing
	}{
		"unset":   {off, "STATIC_ROOT"},
		"missing": {off + "STATIC_ROOT = BASE_DIR / 'collected'", "STATIC_ROOT"},
		"empty":   {off + "STATIC_ROOT = BASE_DIR / 'empty'\nSTATIC_ROOT.mkdir(exist_ok=True)", "STATIC_ROOT"},
		"cdn":     {off + "STATIC_URL = 'https://cdn.test/static/'", ""},
		"none":    {off + "INSTALLED_APPS = ['django.contrib.staticfiles']\nMIDDLEWARE = []\nROOT_URLCONF = 'empty_urls'", ""},
		"gitkeep": {off + "STATIC_ROOT = BASE_DIR / 'kept'\nSTATIC_ROOT.mkdir(exist_ok=True)\n(STATIC_ROOT / '.gitkeep').touch()", "STATIC_ROOT"},
		"added":   {off + "STATIC_ROOT = BASE_DIR / 'older'\nSTATIC_ROOT.mkdir(exist_ok=True)\n(STATIC_ROOT / 'site.css').touch()", "STATIC_ROOT"},
		"copied": {off + "STATIC_ROOT = BASE_DIR / 'all'\n(STATIC_ROOT / 'admin/css').mkdir(parents=True, exist_ok=True)\n" +
			"[(STATIC_ROOT / 'admin/css' / name).touch() for name in ('base.css', 'forms.css', 'login.css')]", ""},
		"no manifest": {off + "STATIC_ROOT = BASE_DIR / 'plain'\n(STATIC_ROOT / 'admin/css').mkdir(parents=True, exist_ok=True)\n(STATIC_ROOT / 'admin/css/base.css').touch()\n" +
			"STORAGES = {'staticfiles': {'BACKEND': 'django.contrib.staticfiles.storage.ManifestStaticFilesStorage'}}", "staticfiles.json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := newProject(t, c.settings)
			write(t, dir, map[string]string{"empty_urls.py": "urlpatterns = []\n"})
			s := start(t, opts{Dir: dir, Python: python(t), Args: []string{"-w", "2"}})
			s.waitEvent("app_ready")
			list := s.events("static_trouble")
			if c.says == "" {
				if len(list) > 0 {
					t.Errorf("%v", list)
				}
				return
			}
			if len(list) != 1 || !list[0].names(c.says, "manage.py collectstatic") {
				t.Fatalf("%v", list)
			}
			s.stop()
			s = start(t, opts{Dir: dir, Python: python(t), Args: []string{"-w", "1", "--log-format", "text"}, NoWait: true})
			if !holds(strings.Join(s.waitBanner("static"), "\n"), "/static/", "manage.py collectstatic") {
				t.Errorf("%s", s.stderrText())
			}
		})
	}
}
