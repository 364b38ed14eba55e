package integration

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/integration/testauth"
)

const environApp = `import json
def app(environ, start_response):
    keep = ("REMOTE_USER", "AUTH_TYPE", "HTTP_AUTHORIZATION", "HTTP_REMOTE_USER", "HTTP_REMOTE_GROUPS")
    body = json.dumps({k: str(v) for k, v in environ.items() if k in keep}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
`

// as is the field of a user with a password.
func as(user, password string) string {
	r, _ := http.NewRequest(http.MethodGet, "/", nil)
	r.SetBasicAuth(user, password)
	return "Authorization: " + r.Header.Get("Authorization")
}

func environOf(t *testing.T, r *response) (environ map[string]string) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.Body), &environ); err != nil {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	return environ
}

// Passwords of a file that the real htpasswd has written; the app sees who it is; the file changes while the server runs.
func TestBasicAuth(t *testing.T) {
	t.Parallel()
	dir := project(t, nil)
	file := filepath.Join(dir, "users")
	htpasswd := func(args ...string) {
		t.Helper()
		path, err := exec.LookPath("htpasswd")
		if err != nil {
			skip(t, "no-program", "no htpasswd (apache2-utils)")
		}
		if out, err := exec.Command(path, args...).CombinedOutput(); err != nil {
			t.Fatalf("htpasswd %q: %v %s", args, err, out)
		}
	}
	htpasswd("-cbB", "-C", "5", file, "joe", "secret")
	s := accessServer(t, dir, `
[[access]]
path = "/admin"
auth_users = "users"
auth_realm = "Shop"
[[access]]
path = "/either"
auth_users = "users"
allow = ["10.0.0.0/8"]
satisfy = "any"
pass_authorization = "on"
`)
	write(t, dir, map[string]string{"app.py": environApp})
	s.must("reload")
	s.want(200, "/")
	if r := s.want(401, "/admin"); r.Header.Get("WWW-Authenticate") != `Basic realm="Shop", charset="UTF-8"` || !strings.Contains(r.Body, "Request ") {
		t.Errorf("fields %v", r.Header)
	}
	s.want(401, "/admin", as("joe", "wrong"))
	if r := s.waitEvent("auth_failed"); r.str("user") != "joe" || r.str("table") != "/admin" || r.str("id") == "" {
		t.Errorf("record %v", r)
	}
	if e := environOf(t, s.want(200, "/admin", as("joe", "secret"))); e["REMOTE_USER"] != "joe" || e["AUTH_TYPE"] != "Basic" || e["HTTP_AUTHORIZATION"] != "" {
		t.Errorf("the app sees %v", e)
	}
	s.waitAccess(` - joe \[.*"GET /admin HTTP/1.1" 200 `)
	if e := environOf(t, s.want(200, "/", as("joe", "secret"))); e["REMOTE_USER"] != "" || e["HTTP_AUTHORIZATION"] == "" {
		t.Errorf("where the server does not ask, the app sees %v", e)
	}
	s.want(401, "/either", from("192.0.2.1"))
	s.want(200, "/either", from("10.0.0.1"))
	if e := environOf(t, s.want(200, "/either", from("192.0.2.1"), as("joe", "secret"))); e["REMOTE_USER"] != "joe" || e["HTTP_AUTHORIZATION"] == "" {
		t.Errorf("with pass_authorization the app sees %v", e)
	}

	htpasswd("-bB", "-C", "5", file, "ann", "other")
	eventually(t, "a new user may come", func() bool { return s.get("/admin", as("ann", "other")).Status == 200 })
	htpasswd("-bm", file, "joe", "weak")
	if r := s.waitEvent("access_file_failed"); !strings.Contains(r.str("error"), "MD5") {
		t.Errorf("record %v", r)
	}
	s.want(200, "/admin", as("joe", "secret"))
	if r := run(t, dir, nil, "check"); r.code != 2 || !strings.Contains(r.errout, "htpasswd -B") {
		t.Errorf("check: %d %s", r.code, r.errout)
	}
}

// A service decides: what it adds reaches the app, what a client makes up does not, and without it nobody passes.
func TestForwardAuth(t *testing.T) {
	t.Parallel()
	// At a port that no other test is given after its end.
	service := serverAt(t, "127.0.0.1:"+freePort(t), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("X-Forwarded-Uri") != "/admin/x" && r.Header.Get("X-Forwarded-Uri") != "/admin/":
			http.Error(w, "which page?", http.StatusTeapot)
		case strings.Contains(r.Header.Get("Cookie"), "session=1"):
			w.Header().Set("Remote-User", "joe")
			w.WriteHeader(http.StatusOK)
		default:
			http.Redirect(w, r, "https://login.example.org/?rd="+r.Header.Get("X-Forwarded-Proto")+"://"+r.Header.Get("X-Forwarded-Host")+r.Header.Get("X-Forwarded-Uri"), http.StatusFound)
		}
	}))
	dir := project(t, nil)
	s := accessServer(t, dir, fmt.Sprintf(`
[[access]]
path = "/admin"
forward_auth = "%s/verify"
forward_auth_fields = ["Remote-User", "Remote-Groups"]
forward_auth_timeout = "10s"
`, service.URL))
	write(t, dir, map[string]string{"app.py": environApp})
	s.must("reload")
	if r := s.want(302, "/admin/x", "Host: shop.example.org"); r.Header.Get("Location") != "https://login.example.org/?rd=http://shop.example.org/admin/x" {
		t.Errorf("fields %v", r.Header)
	}
	e := environOf(t, s.want(200, "/admin/x", "Cookie: session=1", "Remote-User: root", "Remote-Groups: wheel"))
	if e["HTTP_REMOTE_USER"] != "joe" || e["HTTP_REMOTE_GROUPS"] != "" {
		t.Errorf("the app sees %v", e)
	}
	if r := s.do(s.request("POST", "/admin/x", strings.NewReader("body"), "Cookie: session=1")); r.Status != 200 {
		t.Errorf("POST: %d", r.Status)
	}
	s.want(503, "/admin/other", "Cookie: session=1")
	if r := s.waitEvent("forward_auth_failed"); !strings.Contains(r.str("error"), "418") || r.str("id") == "" {
		t.Errorf("record %v", r)
	}
	service.Close()
	s.want(503, "/admin/x", "Cookie: session=1")
}

// Countries by a database that the test writes.
func TestAccessByCountry(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"countries.mmdb": testauth.Countries(t, map[string]string{"1.1.1.0/24": "NZ", "2.2.0.0/16": "FR"})})
	s := accessServer(t, dir, `geoip = "countries.mmdb"
[[access]]
deny_countries = ["FR"]
[[access]]
path = "/nz"
allow_countries = ["nz"]
`)
	s.want(200, "/", from("1.1.1.1"))
	s.want(403, "/", from("2.2.2.2"))
	s.want(200, "/nz", from("1.1.1.1"))
	s.want(403, "/nz", from("10.0.0.1"))
	if err := os.WriteFile(filepath.Join(dir, "countries.mmdb"), []byte("nothing of this kind"), 0o644); err != nil {
		t.Fatal(err)
	}
	if r := s.waitEvent("access_file_failed"); !strings.Contains(r.str("error"), "countries.mmdb") {
		t.Errorf("record %v", r)
	}
	s.want(403, "/", from("2.2.2.2"))
}

// A password that argon2id has hashed, as its own programs write it; no app is needed for it.
func TestArgon2Passwords(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"users": "joe:$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$8qPpaWig0H31wvibKAgpght2Ry2M8rtRQYtZ93ooMus\n",
		"standpipe.toml": "[[access]]\nauth_users = \"users\"\n[[route]]\npath = \"/\"\nrespond = 204\n"})
	s := start(t, opts{Dir: dir, Apps: -1})
	for word, want := range map[string]int{"joe:secret": 204, "joe:Secret": 401, "ann:secret": 401, "joe:": 401} {
		if r := s.get("/", "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(word))); r.Status != want {
			t.Errorf("%s: %d, want %d", word, r.Status, want)
		}
	}
}
