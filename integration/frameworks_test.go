package integration

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// framework is a sample site; all answer at the same addresses.
type framework struct {
	name  string
	app   string // APP; "" leaves it to the search
	title string
	main  string // the file with the view that raises
}

var frameworks = []framework{
	{"flask_site", "", "Flask site", "app.py"},
	{"django_site", "", "Django site", "mysite/views.py"},
	{"bottle_site", "app:app", "Bottle site", "app.py"},
	{"falcon_site", "app", "Falcon site", "app.py"},
	{"pyramid_site", "app:make_app", "Pyramid site", "app.py"},
	{"webpy_site", "app.py", "web.py site", "app.py"},
}

func TestFrameworks(t *testing.T) {
	t.Parallel()
	for _, f := range frameworks {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, opts{App: f.app, Dir: appDir(t, f.name), Python: python(t), Args: []string{"-w", "2"}})
			s.site(t, f)
		})
	}
}

// site walks through the pages. The steps share one server and go in order: each is a request or two.
func (s *server) site(t *testing.T, f framework) {
	step := func(name string, fn func(t *testing.T, s *server)) {
		t.Run(name, func(t *testing.T) { fn(t, s.with(t)) })
	}
	const form = "application/x-www-form-urlencoded"

	step("page", func(t *testing.T, s *server) {
		r := s.want(200, "/")
		if !strings.Contains(r.Body, "<h1>"+f.title+"</h1>") || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%v %q", r.Header, r.Body)
		}
	})
	step("form", func(t *testing.T, s *server) {
		name := "Zoë + Šárka & 李"
		r := s.post("/form", form, url.Values{"name": {name}}.Encode())
		if r.Status != 200 || r.Body != "Hello, "+name {
			t.Errorf("%d %q", r.Status, r.Body)
		}
	})
	step("upload", func(t *testing.T, s *server) {
		data := randomBytes(2 << 20)
		kind, body := multipartFile(t, "file", "picture.bin", "application/octet-stream", data)
		r := s.post("/upload", kind, body)
		var got struct {
			Name   string
			Size   int
			Sha256 string
		}
		if err := json.Unmarshal([]byte(r.Body), &got); err != nil {
			t.Fatalf("%d %q: %v", r.Status, r.Body, err)
		}
		if got.Name != "picture.bin" || got.Size != len(data) || got.Sha256 != hexSum(data) {
			t.Errorf("got %+v, want size %d, sha256 %s", got, len(data), hexSum(data))
		}
	})
	step("session", func(t *testing.T, s *server) {
		if r := s.want(200, "/whoami"); r.Body != "user: -" {
			t.Errorf("without a cookie: %q", r.Body)
		}
		r := s.post("/login", form, "user=ann")
		if r.Status != 303 || !strings.HasSuffix(r.Header.Get("Location"), "/whoami") {
			t.Fatalf("login: %d %v", r.Status, r.Header)
		}
		cookies := (&http.Response{Header: r.Header}).Cookies()
		if len(cookies) == 0 {
			t.Fatalf("no cookie: %v", r.Header)
		}
		var sent []string
		for _, c := range cookies {
			sent = append(sent, c.Name+"="+c.Value)
		}
		// Twice per worker: the cookie is all the state there is.
		for range 4 {
			if r := s.want(200, "/whoami", "Cookie: "+strings.Join(sent, "; ")); r.Body != "user: ann" {
				t.Errorf("with the cookie: %q", r.Body)
			}
		}
	})
	step("stream", func(t *testing.T, s *server) {
		var want strings.Builder
		for n := range 200 {
			fmt.Fprintf(&want, "line %d\n", n)
		}
		if r := s.want(200, "/stream"); r.Body != want.String() {
			t.Errorf("%d bytes, want %d", len(r.Body), want.Len())
		}
	})
	step("download", func(t *testing.T, s *server) {
		row := make([]byte, 256)
		for i := range row {
			row[i] = byte(i)
		}
		if r := s.want(200, "/download"); r.Body != string(bytes.Repeat(row, 8192)) {
			t.Errorf("%d bytes, sha256 %s", len(r.Body), hexSum([]byte(r.Body)))
		}
	})
	step("unicode", func(t *testing.T, s *server) {
		r := s.want(200, "/hello/"+url.PathEscape("Grüße 世界")+"?q="+url.QueryEscape("naïve & 日本"))
		if r.Body != "path=Grüße 世界 q=naïve & 日本" {
			t.Errorf("%q", r.Body)
		}
	})
	step("redirect", func(t *testing.T, s *server) {
		r := s.get("/old")
		loc, err := url.Parse(r.Header.Get("Location"))
		if r.Status != 302 || err != nil || loc.Path != "/" || (loc.Host != "" && loc.Host != s.Addr) {
			t.Errorf("%d %v", r.Status, r.Header)
		}
	})
	step("head", func(t *testing.T, s *server) {
		r := s.do(s.request("HEAD", "/", nil))
		if r.Status != 200 || r.Body != "" {
			t.Errorf("%d %q", r.Status, r.Body)
		}
	})
	step("not found", func(t *testing.T, s *server) {
		if r := s.want(404, "/no/such/page"); strings.Contains(r.Body, r.Header.Get("X-Request-ID")) {
			t.Errorf("the 404 is not the framework's: %q", r.Body)
		}
	})
	step("error", func(t *testing.T, s *server) {
		r := s.want(500, "/boom")
		line := lineOf(t, filepath.Join(appDir(t, f.name), f.main), "# boom")
		base := filepath.Base(f.main)
		if strings.Contains(r.Body, base) || strings.Contains(r.Body, "boom in the view") {
			t.Errorf("the page shows internals: %q", r.Body)
		}
		// Frameworks that catch print it (one record a line); what comes up to the server is one app_error record.
		s.waitLog(func(r record) bool {
			text := r.str("message") + r.str("traceback")
			return strings.Contains(text, base) && (strings.Contains(text, fmt.Sprintf("line %d", line)) || strings.Contains(text, fmt.Sprintf("%s:%d", base, line)))
		}, fmt.Sprintf("the traceback with %s, line %d", base, line))
		s.want(200, "/")
	})
	step("access log", func(t *testing.T, s *server) {
		s.waitAccess(`"GET /boom HTTP/1\.1" 500 `)
		s.waitAccess(`"POST /upload HTTP/1\.1" 200 `)
	})
}

// Django's SECURE_SSL_REDIRECT with SECURE_PROXY_SSL_HEADER behind a local proxy that ends TLS: the server must hand
// X-Forwarded-Proto on, or every page redirects to itself for ever.
func TestDjangoBehindTLSProxy(t *testing.T) {
	t.Parallel()
	s := start(t, opts{Dir: appDir(t, "django_site"), Python: python(t), Args: []string{"-w", "1"}, Env: []string{"SITE_HTTPS=1"}})
	r := s.get("/", "Host: shop.example.org")
	if r.Status != 301 || r.Header.Get("Location") != "https://shop.example.org/" {
		t.Errorf("plain http: %d %v", r.Status, r.Header)
	}
	s.want(200, "/", "Host: shop.example.org", "X-Forwarded-Proto: https", "X-Forwarded-For: 198.51.100.7")
	s.waitAccess(`^198\.51\.100\.7 .* 200 `)

	// The same words from a peer that is no proxy of ours do not count.
	s = start(t, opts{Dir: appDir(t, "django_site"), Python: python(t), Args: []string{"-w", "1", "--trusted-proxies", "192.0.2.1"}, Env: []string{"SITE_HTTPS=1"}})
	if r := s.get("/", "Host: shop.example.org", "X-Forwarded-Proto: https"); r.Status != 301 {
		t.Errorf("from an untrusted peer: %d", r.Status)
	}
	s.waitEvent("forwarded_ignored")
}

// The sample shop of `make run`.
func TestFlaskShop(t *testing.T) {
	t.Parallel()
	s := start(t, opts{Dir: appDir(t, "flask_shop"), Python: python(t), Args: []string{"-w", "1"}})
	if r := s.want(200, "/"); !strings.Contains(r.Body, "Brass valve") {
		t.Errorf("%q", r.Body)
	}
	r := s.post("/cart", "application/x-www-form-urlencoded", "product=wrench&quantity=2")
	if r.Status != 303 {
		t.Fatalf("add to cart: %d %q", r.Status, r.Body)
	}
	cookie, _, _ := strings.Cut(r.Header.Get("Set-Cookie"), ";")
	if r := s.want(200, "/cart", "Cookie: "+cookie); !strings.Contains(r.Body, "63.00") {
		t.Errorf("the cart: %q", r.Body)
	}
	picture := randomBytes(700_000)
	kind, body := multipartFile(t, "picture", "valve.png", "image/png", picture)
	r = s.post("/product/wrench/review", kind, body)
	if r.Status != 303 || r.Header.Get("X-Picture-SHA256") != hexSum(picture) {
		t.Fatalf("review: %d %v", r.Status, r.Header)
	}
	if r := s.want(200, "/picture/"+hexSum(picture)); r.Body != string(picture) {
		t.Errorf("the picture came back with %d bytes of %d", len(r.Body), len(picture))
	}
	if r := s.want(200, "/export.csv?rows=20000"); strings.Count(r.Body, "\n") != 20001 {
		t.Errorf("the export has %d lines", strings.Count(r.Body, "\n"))
	}
	if r := s.want(200, "/static/shop.css"); !strings.HasPrefix(r.Header.Get("Content-Type"), "text/css") {
		t.Errorf("%v", r.Header)
	}
	if r := s.want(404, "/product/none"); !strings.Contains(r.Body, "Nothing on this shelf") {
		t.Errorf("%q", r.Body)
	}
	if r := s.want(500, "/broken"); !strings.Contains(r.Body, "behind the counter") {
		t.Errorf("%q", r.Body)
	}
	s.waitLog(func(r record) bool { return strings.Contains(r.str("message"), "the till is jammed") }, "Flask's traceback")
}

// randomBytes differ from run to run; a test that fails prints sums, not bytes.
func randomBytes(n int) []byte {
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(rand.Uint32())
	}
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(seed).Read(b)
	return b
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// multipartFile is a form with one file in it.
func multipartFile(t testing.TB, field, name, kind string, data []byte) (contentType, body string) {
	t.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	part, err := w.CreatePart(map[string][]string{
		"Content-Disposition": {fmt.Sprintf(`form-data; name="%s"; filename="%s"`, field, name)},
		"Content-Type":        {kind},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), buf.String()
}

// lineOf is the number of the first line of a file that holds mark.
func lineOf(t testing.TB, path, mark string) int {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(b), "\n") {
		if strings.Contains(line, mark) {
			return i + 1
		}
	}
	t.Fatalf("%s: no line with %q", path, mark)
	return 0
}
