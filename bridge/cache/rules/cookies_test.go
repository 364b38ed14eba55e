package rules

import "testing"

// TestPlainCookies is RFC 6265 4.2.1, and what parsers make of other lines.
func TestPlainCookies(t *testing.T) {
	for line, want := range map[string]bool{
		"": true, "a=1": true, "a=1; b=2": true, "a=1;b=2;": true, "a=; b=\"2\"": true, "a=b=c,{d}": true, "A_b.c-d=1": true, "a=1; a=2": true,
		";a=1": false, "a=1;;b=2": false, ";": false, "a": false, "=1": false, "a =1": false, "a= 1": false, "a=1 b=2": false, "a=\"1; b=2\"": false, "a=1\"": false, "a=\"": false,
		"a=\\1": false, "a\u00a0=1": false, "a=\u00e9": false, "$Version=1; a=2": false, "path=/; a=1": false, "a=1; Secure=1": false, "a[b]=1": false, "a=1, b =2": false,
	} {
		if got := PlainCookies([]string{line}); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
	for _, c := range []struct {
		lines []string
		want  bool
	}{{nil, true}, {[]string{"a=1", "b=2"}, true}, {[]string{"a=1", ""}, false}, {[]string{"a=1;", "b=2"}, false}} {
		if got := PlainCookies(c.lines); got != c.want {
			t.Errorf("%q: %v", c.lines, got)
		}
	}
	if ignored := []string{"_ga*"}; counted([]string{"_ga=1; _gat=2"}, ignored) || !counted([]string{"_ga=1 session=2"}, ignored) || counted([]string{" ; "}, ignored) {
		t.Error("which cookies count")
	}
}
