package integration

import (
	"fmt"
	"strings"
	"testing"
)

const fieldsApp = `
def app(environ, start_response):
    text = " ".join(sorted(k + "=" + v for k, v in environ.items() if "KEY" in k or "TOKEN" in k or "X_DOT" in k)).encode()
    start_response("200 OK", [("Content-Length", str(len(text)))])
    return [text]
`

// A field that vanishes because of its name is logged once per name and app, with the way out; an app may allow names.
func TestFault_D9_FieldsWithUnderscores(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": fieldsApp})
	s := start(t, opts{Dir: dir, Args: []string{"-w", "1", "--app", "name=shop,module=app,mount=/shop", "--app", `name=open,module=app,mount=/open,underscore_fields=api_key`}})
	for range 3 {
		if r := s.get("/shop/", "api_key: 1", "ACCESS_TOKEN: 2", "X.Dot: 3"); r.Status != 200 || string(r.Body) != "" {
			t.Fatalf("%d %q", r.Status, r.Body)
		}
	}
	if r := s.get("/open/", "api_key: 1", "access_token: 2"); string(r.Body) != "HTTP_API_KEY=1" {
		t.Errorf("allowed: %q", r.Body)
	}
	if r := s.get("/open/", "api_key: forged", "Api-Key: real"); string(r.Body) != "HTTP_API_KEY=real" {
		t.Errorf("both: %q", r.Body)
	}
	s.waitLog(func(r record) bool {
		return r.event() == "field_dropped" && r.str("app") == "open" && r.str("field") == "api_key"
	}, "the forged one")
	got := map[string]int{}
	for _, r := range s.events("field_dropped") {
		got[r.str("app")+" "+r.str("field")]++
		if r.str("level") != "warn" || r.str("id") == "" {
			t.Errorf("%v", r)
		}
		if r.str("field") == "api_key" && !r.names(`underscore_fields = ["api_key"]`) {
			t.Errorf("%v", r)
		}
	}
	for _, want := range []string{"shop api_key", "shop access_token", "shop x.dot", "open access_token", "open api_key"} {
		if got[want] != 1 {
			t.Errorf("%s: %d records", want, got[want])
		}
	}
	if len(got) != 5 {
		t.Errorf("%v", got)
	}
	for _, bad := range []string{"x_forwarded_for", "X_Real_IP", "content_length", "apikey", "transfer_encoding", "front_end_https", "X_Url_Scheme", "x_cluster_client_ip", "fastly_client_ip"} {
		if r := run(t, dir, nil, "check", "app:app", "--underscore-fields", bad); r.code != 2 || !strings.Contains(r.errout+r.out, "underscore_fields") {
			t.Errorf("%s: exit %d: %s%s", bad, r.code, r.out, r.errout)
		}
	}
}

// One request writes a few records about its fields' names, however many it has.
func TestFault_C9_ManyOddNames(t *testing.T) {
	t.Parallel()
	up := recording(t, answerUp)
	s := routed(t, fmt.Sprintf("[[route]]\npath = \"/up\"\nhandler = \"proxy\"\nupstreams = [%q]\n[limits]\nmax_fields = 1000\n", up.URL))
	var many strings.Builder
	for i := range 900 {
		fmt.Fprintf(&many, "odd_%d: 1\r\n", i)
	}
	for _, path := range []string{"/own", "/up"} {
		if answer := s.raw("GET " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + many.String() + "\r\n"); statusIn(answer) != 200 {
			t.Fatalf("%s: %.200q", path, answer)
		}
	}
	s.waitLog(func(r record) bool { return r.event() == "field_dropped" && r.str("upstream") != "" }, "a record of the route")
	if n := len(s.events("field_dropped")); n > 16 {
		t.Errorf("%d records of two requests", n)
	}
}
