package config

import (
	"strings"
	"testing"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

func FuzzParseTOML(f *testing.F) {
	f.Add([]byte("[[app]]\nname=\"a\"\n[app.env]\nA=1\n[limits]\nmax_body=\"1M\"\n"))
	f.Add([]byte("[[listen]]\naddress=\":1\"\n[[listen]]\nmode=0o660\n"))
	f.Add([]byte("a.b.c = [[1,{x=2}]]\n[[a.b]]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var bad schema.Problems
		product().ParseTOML(text, "f", "/", nil, &bad)
		for _, p := range bad {
			if !strings.HasPrefix(p.Where, "f") {
				t.Errorf("a problem without a place: %v", p)
			}
		}
	})
}
