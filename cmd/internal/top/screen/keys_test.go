package screen

import (
	"fmt"
	"testing"
)

func TestDecoder(t *testing.T) {
	for in, want := range map[string]string{
		"qj/": "[q j /]", "\r\n\t\x7f\x03\x1a": "[enter enter tab backspace ctrl-c ctrl-z]",
		"\x1b[A\x1bOB\x1b[C\x1b[D": "[up down right left]", "\x1b[5~\x1b[6~\x1b[H\x1b[4~\x1b[Z": "[pgup pgdn home end shift-tab]",
		"\x1b[1;5Ax": "[up x]", "\x1b[200~x": "[x]", "\x1b[?1;2cq": "[q]", "\x1b[<0;10;10Mq": "[q]",
		"é日": "[é 日]", "\xff\xfeq": "[q]", "\x1bq": "[esc q]", "\x1b\x1b[A": "[esc up]", "\x1bOPq": "[? q]", "\x00\x1fq": "[q]",
	} {
		var whole, single Decoder
		if got := fmt.Sprint(whole.Feed([]byte(in))); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
		var keys []Key
		for i := range len(in) {
			keys = append(keys, single.Feed([]byte{in[i]})...)
		}
		if got := fmt.Sprint(keys); got != want {
			t.Errorf("%q byte by byte: %s, want %s", in, got, want)
		}
		if whole.Waits() || single.Waits() {
			t.Errorf("%q: more is awaited", in)
		}
	}
	var d Decoder
	if got := d.Feed([]byte("\x1b")); len(got) != 0 || !d.Waits() {
		t.Errorf("%q", got)
	}
	if got := d.Flush(); fmt.Sprint(got) != "[esc]" || d.Waits() {
		t.Errorf("%q", got)
	}
}

// Whatever is typed or pasted, what waits is short.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte("\x1b[1;5A\x1b[<0;1;1M\x1b"))
	f.Add([]byte("\x1b[000000000000000000000000000000000000000000000000000000000000000000000000000000"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var d Decoder
		for _, b := range data {
			for _, key := range d.Feed([]byte{b}) {
				if key == "" {
					t.Fatalf("%q: an empty key", data)
				}
			}
			if len(d.begun) > longest {
				t.Fatalf("%q: %d bytes are begun", data, len(d.begun))
			}
		}
		d.Flush()
	})
}
