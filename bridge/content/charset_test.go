package content

import (
	"strings"
	"testing"
)

func TestIsUTF8(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, "plain": true, "привет": true, "caf\xe9": false, "\xef\xf0\xe8\xe2\xe5\xf2": false, "h\x00i\x00": false, "\xff\xfeh\x00": false, "\xef\xbb\xbfbom": true,
		strings.Repeat("x", 1023) + "\xd0": true, "x\xd0": false, "\xd0x": false,
		`<!doctype html><meta charset="windows-1251"><p>ascii`: false, `<meta charset=UTF-8>`: true, `<META name=x><meta http-equiv="Content-Type" content="text/html; charset=koi8-r">`: false,
		`<meta name="x" content="y"><p>charset=koi8-r`: true, `<?xml version="1.0" encoding='ISO-8859-1'?><a/>`: false, `<?xml version="1.0"?><a encoding="latin-1"/>`: true,
		`<?xml version="1.0" encoding="utf-8"?>`: true, `@charset "iso-8859-15";`: false, `@charset "utf-8";`: true, `<meta charset=`: true, "<meta": true,
	} {
		if got := IsUTF8([]byte(text), len(text) >= CharsetLook); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func FuzzIsUTF8(f *testing.F) {
	f.Add([]byte(`<meta charset="x">`))
	f.Add([]byte("<?xml encoding="))
	f.Fuzz(func(_ *testing.T, p []byte) { IsUTF8(p, len(p)%2 == 0) })
}
