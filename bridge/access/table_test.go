package access

import (
	"net/http"
	"strings"
	"testing"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	r := newRig()
	file := write(t, "blocked.txt", "\xef\xbb\xbf# blocked\n192.0.2.0/24 ; a comment\n\n2001:db8:bad::/48\n10.9.9.9\n")
	for _, c := range []struct {
		lists  Lists
		client string
		rule   string // of a refusal; empty: none
	}{
		{Lists{Deny: []string{"10.0.0.0/8"}}, "10.1.2.3", "deny 10.0.0.0/8"},
		{Lists{Deny: []string{"10.0.0.0/8"}}, "11.1.2.3", ""},
		{Lists{Deny: []string{"10.0.0.0/8"}}, "::ffff:10.1.2.3", "deny 10.0.0.0/8"},
		{Lists{Deny: []string{"::ffff:10.0.0.0/104"}}, "10.1.2.3", "deny ::ffff:10.0.0.0/104"},
		{Lists{Allow: []string{"10.0.0.0/8"}}, "10.1.2.3", ""},
		{Lists{Allow: []string{"10.0.0.0/8"}}, "11.1.2.3", notAllowed},
		{Lists{Allow: []string{"10.0.0.0/8"}}, "", notAllowed},
		{Lists{Allow: []string{"10.0.0.0/8", "unix"}}, "", ""},
		{Lists{Allow: []string{"10.1.0.0/16"}, Deny: []string{"10.0.0.0/8"}}, "10.1.2.3", ""},
		{Lists{Allow: []string{"10.0.0.0/8"}, Deny: []string{"10.1.0.0/16"}}, "10.1.2.3", "deny 10.1.0.0/16"},
		{Lists{Allow: []string{"10.0.0.0/8"}, Deny: []string{"all"}}, "10.1.2.3", ""},
		{Lists{Allow: []string{"10.0.0.0/8"}, Deny: []string{"all"}}, "2001:db8::1", "deny all"},
		{Lists{Allow: []string{"10.0.0.0/8"}, Deny: []string{"all"}}, "", "deny all"},
		{Lists{Allow: []string{"unix"}, Deny: []string{"all"}}, "", ""},
		{Lists{Deny: []string{"unix"}, Allow: []string{"all"}}, "", "deny unix"},
		{Lists{DenyFiles: []string{file}}, "192.0.2.77", "deny_files " + file},
		{Lists{DenyFiles: []string{file}}, "2001:db8:bad:1::1", "deny_files " + file},
		{Lists{DenyFiles: []string{file}}, "192.0.3.77", ""},
		{Lists{DenyFiles: []string{file}, Allow: []string{"192.0.2.77"}}, "192.0.2.77", ""},
		{Lists{DenyFiles: []string{file}, Allow: []string{"192.0.2.0/24"}}, "192.0.2.77", "deny_files " + file}, // as specific
		{Lists{AllowFiles: []string{file}}, "10.9.9.9", ""},
		{Lists{AllowFiles: []string{file}}, "10.9.9.8", notAllowed},
		{Lists{AllowFiles: []string{file}, Deny: []string{"10.9.9.9"}}, "10.9.9.9", "deny 10.9.9.9"},
	} {
		v := r.lists(t, c.lists).Addresses.Judge(addr(c.client))
		if v.Denied != (c.rule != "") || v.Denied && v.Rule != c.rule {
			t.Errorf("%+v, %q: %+v, want %q", c.lists, c.client, v, c.rule)
		}
	}
}

func TestPathUnder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path, place string
		want        bool
	}{
		{"/", "/", true}, {"/x", "/", true}, {"/admin", "/admin", true}, {"/admin/", "/admin", true}, {"/admin/x", "/admin", true}, {"/administrator", "/admin", false},
		{"//admin", "/admin", true}, {"/admin;x/y", "/admin", true}, {"/;x/admin", "/admin", false}, {"/a;x/admin", "/a/admin", true}, {"///a////admin/x", "/a/admin", true}, {"/x/admin", "/admin", false},
	} {
		if got := PathUnder(c.path, c.place); got != c.want {
			t.Errorf("%s under %s: %v", c.path, c.place, got)
		}
	}
}

func TestStage(t *testing.T) {
	t.Parallel()
	r := newRig()
	admin := r.lists(t, Lists{Allow: []string{"10.0.0.0/8"}})
	admin.Name, admin.Match = "/admin", func(q *http.Request) bool { return q.URL.Path == "/admin" }
	r.o.Tables = []*Table{r.lists(t, Lists{Deny: []string{"192.0.2.0/24"}}), admin}
	at := func(path string) func(*http.Request) { return func(q *http.Request) { q.URL.Path = path } }
	if w := r.ask("192.0.2.1"); w.Code != http.StatusForbidden || r.seen != nil || r.info.Source != "server" {
		t.Errorf("denied: %d, handler %v, source %s", w.Code, r.seen, r.info.Source)
	}
	if w := r.ask("198.51.100.1"); w.Code != http.StatusOK || r.seen == nil {
		t.Errorf("neither: %d", w.Code)
	}
	if w := r.ask("198.51.100.1", at("/admin")); w.Code != http.StatusForbidden {
		t.Errorf("not in allow: %d", w.Code)
	}
	if w := r.ask("10.0.0.1", at("/admin")); w.Code != http.StatusOK {
		t.Errorf("in allow: %d", w.Code)
	}
	r.ask("192.0.2.1")
	if n := r.count("access_denied"); n != 2 {
		t.Errorf("%d records, want one for each address and rule", n)
	}
	counts := r.o.Records.Counts()
	if len(counts) != 2 || counts[0] != (Count{"/", "deny", 2}) || counts[1] != (Count{"/admin", notAllowed, 1}) {
		t.Errorf("counts %v", counts)
	}
	if !Closes(&r.o, addr("192.0.2.1")) || Closes(&r.o, addr("198.51.100.1")) || Closes(&r.o, addr("10.0.0.1")) {
		t.Error("connections: those of a denied network alone are closed")
	}
	r.o.Tables = []*Table{r.lists(t, Lists{Allow: []string{"10.0.0.0/8"}, Deny: []string{"all"}})}
	if Closes(&r.o, addr("192.0.2.1")) {
		t.Error("a client that is in no list gets no page")
	}
}

func TestListErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"10.0.0.1\n\n10.0.0\n": ":3:", "10.0.0.1/8": "10.0.0.0/8", strings.Repeat("x", maxLine+1): "longer", "10.0.0.1 10.0.0.2": ":1:",
	} {
		path := write(t, "list", text)
		err := CheckList(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%.20q: %v, want %s", text, err, want)
		}
	}
	if err := CheckList(t.TempDir() + "/none"); err == nil {
		t.Error("a file that does not exist")
	}
}

// A file that changes is in force; one that is broken, or gone, leaves what was.
func TestFileChanges(t *testing.T) {
	t.Parallel()
	r := newRig()
	path := write(t, "list", "192.0.2.1\n")
	table := r.lists(t, Lists{DenyFiles: []string{path}})
	denied := func(client string) bool { return table.Addresses.Judge(addr(client)).Denied }
	look := func() { r.files.Look(); r.files.Look() } // a file counts when it has stayed as it is
	look()
	if !denied("192.0.2.1") || denied("192.0.2.2") || r.count("access_file") != 0 {
		t.Fatal("the first content")
	}
	write(t, path, "192.0.2.2\n192.0.2.3\n")
	r.files.Look()
	if !denied("192.0.2.1") {
		t.Error("it was read while it may still be written")
	}
	r.files.Look()
	if denied("192.0.2.1") || !denied("192.0.2.2") || r.count("access_file:") != 1 {
		t.Error("the second content is not in force")
	}
	write(t, path, "192.0.2.4\nnonsense\n")
	look()
	look()
	if !denied("192.0.2.2") || denied("192.0.2.4") || r.count("access_file_failed") != 1 || r.count("list:2") != 1 {
		t.Error("a broken file: the previous content has to stay, with one record that names the line")
	}
	if _, err := NewAddresses(Lists{DenyFiles: []string{path}}, r.files.Open()); err == nil {
		t.Error("a configuration with a broken file is accepted")
	}
	write(t, path, "192.0.2.5\n")
	look()
	if !denied("192.0.2.5") {
		t.Error("the repaired content is not in force")
	}
	o := r.files.Open()
	o.InForce()
	write(t, path, "192.0.2.6\n")
	look()
	if denied("192.0.2.6") {
		t.Error("a file that no table names is read")
	}
}

func FuzzList(f *testing.F) {
	f.Add("10.0.0.0/8 # x\n::1\n")
	f.Add("10.0.0.0/8;\n\n2001:db8::/32")
	f.Fuzz(func(t *testing.T, text string) {
		if a, err := readSet("list", strings.NewReader(text)); err == nil && a.Networks() > strings.Count(text, "\n")+1 {
			t.Fatalf("%d networks", a.Networks())
		}
	})
}

// BenchmarkStage is what the stage costs a request: off, and with 1,000,000 networks.
func BenchmarkStage(b *testing.B) {
	r := newRig()
	run := func(b *testing.B) {
		w, req := newWriter(), newRequest()
		h := http.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		if len(r.o.Tables) > 0 {
			h = New(r.o)(h)
		}
		h = NewDenials(r.o)(h)
		b.ReportAllocs()
		for b.Loop() {
			h.ServeHTTP(w, req)
		}
	}
	b.Run("off", run)
	var text strings.Builder
	millionLines(&text)
	r.o.Tables = []*Table{r.lists(b, Lists{DenyFiles: []string{write(b, "list", text.String())}})}
	b.Run("million", run)
}
