package compat

import "testing"

func TestParse(t *testing.T) {
	list, err := parse("# comment\n@hook = Hooks differ.\n\na | -a --aa | switch | not needed | @hook Write one.\nb | - | - | ours\n")
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v %v", list, err)
	}
	if a := list[0]; a.Name != "a" || !a.Switch || a.State != NotNeeded || a.Message != "Hooks differ. Write one." || !a.has("aa") || a.has("b") {
		t.Errorf("%+v", a)
	}
	if b := list[1]; b.Flags != nil || b.State != Ours || b.Message != "" {
		t.Errorf("%+v", b)
	}
	for _, bad := range []string{"a | b", "a | - | - | someday | x", "a | - | - | ours | @none"} {
		if list, err := parse(bad); err == nil {
			t.Errorf("%q: %+v", bad, list)
		}
	}
}

func TestTables(t *testing.T) {
	for name, c := range map[string]struct{ value, known bool }{
		"certfile": {true, true}, "spew": {false, true}, "D": {false, true}, "harakiri": {true, true}, "master": {false, true}, "other": {false, false},
	} {
		if value, known := TakesValue(name); value != c.value || known != c.known {
			t.Errorf("%s: %v %v", name, value, known)
		}
		if (Explain(name) != "") != c.known {
			t.Errorf("%s: %q", name, Explain(name))
		}
	}
}

func TestGreenlets(t *testing.T) {
	for name, c := range map[string]struct {
		class, connections string
		want               string
		bad                bool
	}{
		"gevent":                  {"gevent", "", "1000", false},
		"gevent with a number":    {"gevent", "50", "50", false},
		"gevent with no number":   {"gevent", "many", "", true},
		"sync":                    {"sync", "", "", false},
		"sync with connections":   {"sync", "50", "", false},
		"a class by its path":     {"gunicorn.workers.gthread.ThreadWorker", "", "", false},
		"eventlet":                {"eventlet", "", "", true},
		"uvicorn":                 {"uvicorn.workers.UvicornWorker", "", "", true},
		"tornado":                 {"tornado", "", "", true},
		"a class of somebody's":   {"shop.Worker", "", "", true},
		"connections and nothing": {"", "50", "", false},
	} {
		got, bad := Greenlets(c.class, c.connections, c.class != "", c.connections != "")
		if got != c.want || (len(bad) > 0) != c.bad {
			t.Errorf("%s: %q %v", name, got, bad)
		}
	}
}
