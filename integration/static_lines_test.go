package integration

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// An app with a hundred blueprints has a start of a few lines; status --static lists them all.
func TestFault_A8_StaticLinesAreMerged(t *testing.T) {
	t.Parallel()
	app := flaskHead + `
app = Flask(__name__)
for i in range(100):
    app.register_blueprint(Blueprint("b%d" % i, __name__, static_folder="static", static_url_path="/part%d/static" % i))
closed = Blueprint("closed", __name__, static_folder="static", static_url_path="/closed/static")
closed.before_request(lambda: None)
app.register_blueprint(closed)
app.register_blueprint(Blueprint("gone", __name__, static_folder="gone", static_url_path="/gone/static"))
`
	dir := project(t, map[string]string{"wsgi.py": app, "static/x.txt": "x", "media/m": "m"})
	socket := filepath.Join(dir, "control.sock")
	s := start(t, opts{Dir: dir, Python: python(t), NoWait: true, Args: []string{"-w", "1", "--log-format", "text", "--static", "/media=media", "--control", socket}})
	lines := s.waitBanner("static")
	if len(lines) < 2 || len(lines) > 5 {
		t.Errorf("%d lines:\n%s", len(lines), s.stderrText())
	}
	all := strings.Join(lines, "\n")
	for _, want := range []string{"/gone/static/", "/media/", "standpipe status --static"} { // the start has eight lines
		if !holds(all, want) {
			t.Errorf("%s is not in\n%s", want, all)
		}
	}
	if !strings.Contains(lines[0], "/gone/static/") {
		t.Errorf("trouble does not come first:\n%s", all)
	}
	r := run(t, dir, nil, "status", "--static", "--control", socket)
	if n := strings.Count(strings.TrimSpace(r.out), "\n") + 1; r.code != 0 || n != 104 {
		t.Errorf("%d, %d lines\n%.2000s%s", r.code, n, r.out, r.errout)
	}
	r = run(t, dir, nil, "status", "--static", "--json", "--control", socket)
	var list struct {
		Static []struct{ App, URL, Dir, How, State, Reason string }
	}
	if err := json.Unmarshal([]byte(r.out), &list); err != nil || len(list.Static) != 104 {
		t.Fatalf("%v: %.500s", err, r.out)
	}
	states, reasons := map[string]string{}, map[string]string{}
	for _, f := range list.Static {
		states[f.URL], reasons[f.URL] = f.State, f.Reason
		if f.App == "" || f.How == "" {
			t.Errorf("%+v", f)
		}
	}
	for url, want := range map[string]string{"/media/": "served", "/part7/static/": "served", "/gone/static/": "trouble", "/closed/static/": "app"} {
		if states[url] != want {
			t.Errorf("%s: %q", url, states[url])
		}
	}
	if !holds(reasons["/closed/static/"], "closed", "before_request") || reasons["/gone/static/"] == "" {
		t.Errorf("%q", reasons)
	}
}
