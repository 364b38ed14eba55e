package wire_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/standpipe/standpipe/shim/wire"
)

func TestReadyDeclaresStaticFolders(t *testing.T) {
	encode := func(static any) []byte {
		t.Helper()
		p, err := msgpack.Marshal(map[string]any{"found": "app:app", "static": static})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	m, err := wire.DecodeReady(encode([]map[string]any{
		{"url": "/static/", "dir": "/srv/static", "kind": "Flask", "refused": "", "later": []string{"x"}},
		{"url": "/b/", "dir": "/srv/b", "kind": "Flask blueprint b", "refused": "before_request login"},
		{"url": "/c/", "trouble": "it is empty", "traceback": "T", "fields": []string{"A", "b"}, "cache": "no-store", "charset": "cp1251", "types": []string{".x", "a/b"}, "https": true},
	}))
	want := []wire.Declared{{URL: "/static/", Dir: "/srv/static", Kind: "Flask"}, {URL: "/b/", Dir: "/srv/b", Kind: "Flask blueprint b", Refused: "before_request login"},
		{URL: "/c/", Trouble: "it is empty", Traceback: "T", Fields: []string{"A", "b"}, Cache: "no-store", Charset: "cp1251", Types: []string{".x", "a/b"}, HTTPS: true}}
	if err != nil || !reflect.DeepEqual(m.Static, want) || m.Found != "app:app" {
		t.Errorf("%v, %+v", err, m)
	}
	for _, bad := range []any{"x", 3, []any{"x"}, []any{map[string]any{"url": 3}}, []any{[]any{}}, []any{map[string]any{"fields": []string{"x"}}}, []any{map[string]any{"types": make([]string, 2000)}}, []any{map[string]any{"https": 1}}} {
		if _, err := wire.DecodeReady(encode(bad)); !errors.As(err, new(*wire.ProtocolError)) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestReadyNamesAnswers(t *testing.T) {
	encode := func(answers any) []byte {
		t.Helper()
		p, err := msgpack.Marshal(map[string]any{"found": "app:app", "answers": answers, "answers_unknown": "E: x"})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	m, err := wire.DecodeReady(encode([]string{"/livez", "/readyz"}))
	if err != nil || !reflect.DeepEqual(m.Answers, []string{"/livez", "/readyz"}) || m.AnswersUnknown != "E: x" {
		t.Errorf("%v, %+v", err, m)
	}
	for _, bad := range []any{"x", 3, []any{3}, make([]string, 65)} {
		if _, err := wire.DecodeReady(encode(bad)); !errors.As(err, new(*wire.ProtocolError)) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}
