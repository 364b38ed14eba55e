package shim_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/standpipe/standpipe/shim"
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
	m, err := shim.DecodeReady(encode([]map[string]any{
		{"url": "/static/", "dir": "/srv/static", "kind": "Flask", "refused": "", "later": []string{"x"}},
		{"url": "/b/", "dir": "/srv/b", "kind": "Flask blueprint b", "refused": "before_request login"},
	}))
	want := []shim.Declared{{URL: "/static/", Dir: "/srv/static", Kind: "Flask"}, {URL: "/b/", Dir: "/srv/b", Kind: "Flask blueprint b", Refused: "before_request login"}}
	if err != nil || !reflect.DeepEqual(m.Static, want) || m.Found != "app:app" {
		t.Errorf("%v, %+v", err, m)
	}
	for _, bad := range []any{"x", 3, []any{"x"}, []any{map[string]any{"url": 3}}, []any{[]any{}}} {
		if _, err := shim.DecodeReady(encode(bad)); !errors.As(err, new(*shim.ProtocolError)) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}
