package logtext

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestForms(t *testing.T) {
	for _, c := range []struct {
		in         string
		limit      int
		text, json string
	}{
		{"plain", 10, "plain", "plain"},
		{"a\"b\\c", 20, `a\x22b\x5cc`, `a\"b\\c`},
		{"a\r\n\x1b[31m", 40, `a\x0d\x0a\x1b[31m`, `a\u000d\n\u001b[31m`},
		{"caf\xc3\xa9 caf\xe9", 40, `café caf\xe9`, `café caf\\xe9`},
		{"\u0085\u202e", 40, `\xc2\x85\xe2\x80\xae`, `\u0085\u202e`},
		{"0123456789", 10, "0123456789", "0123456789"},
		{"0123456789", 9, "012345678...+1", "012345678...+1"},
		{"ab\xff\xff", 7, `ab\xff...+1`, `ab\\xff...+1`},
		{"\xff", 3, "...+1", "...+1"},
	} {
		if got := string(Append(nil, c.in, c.limit)); got != c.text {
			t.Errorf("%q: text %s, want %s", c.in, got, c.text)
		}
		if got := string(AppendJSON(nil, c.in, c.limit)); got != c.json {
			t.Errorf("%q: JSON %s, want %s", c.in, got, c.json)
		}
	}
	if got := Cut("aéé", 2); got != "a...+4" {
		t.Error(got)
	}
	if got := Cut("aé", 3); got != "aé" {
		t.Error(got)
	}
}

func FuzzForms(f *testing.F) {
	f.Add("a\"\\\n\x1b\xff\u202e", 8)
	f.Add(strings.Repeat("\xe9", 100), 30)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = limit & 0xfff
		text := string(Append(nil, s, limit))
		if len(text) > limit+24 || !utf8.ValidString(text) || strings.ContainsAny(text, "\"\n\r\x1b\x7f\x00") {
			t.Fatalf("%q", text)
		}
		inside := AppendJSON(nil, s, limit)
		var back string
		if err := json.Unmarshal([]byte(`"`+string(inside)+`"`), &back); err != nil || len(inside) > limit+24 {
			t.Fatalf("%v: %q", err, inside)
		}
		if len(s) <= limit/6 && utf8.ValidString(s) && back != s {
			t.Fatalf("%q became %q", s, back)
		}
		_ = Cut(s, limit)
	})
}
