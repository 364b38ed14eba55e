package schema

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "30": 30 * time.Second, "1m30s": 90 * time.Second, "250ms": 250 * time.Millisecond,
		"0": 0, "0.5": 500 * time.Millisecond, " 2h ": 2 * time.Hour,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%q = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "-1", "-1s", "1d", "1e30", "NaN", "inf", "0x10", "1_0", "99999999999999999999"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q = %v, no error", text, got)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "100": 100, "64KiB": 64 << 10, "100M": 100 << 20, "100MB": 100 << 20, "1gb": 1 << 30, "2 TiB": 2 << 40, "5b": 5,
		"9223372036854775807": 1<<63 - 1,
	} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%q = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "-1", "1.5M", "MiB", "9223372036854775808", "9007199254740992K", "1Mi", "1 M B", "0x10", "1KM"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q = %v, no error", text, got)
		}
	}
}

// What is printed can be read again, and is the same.
func TestFormatRoundTrip(t *testing.T) {
	for _, n := range []int64{0, 1, 1000, 1024, 64 << 10, 100 << 20, 3 << 30, 1<<63 - 1} {
		if got, err := ParseSize(FormatSize(n)); err != nil || got != n {
			t.Errorf("%d -> %s -> %d, %v", n, FormatSize(n), got, err)
		}
	}
	for _, d := range []time.Duration{0, time.Millisecond, 75 * time.Second, 2 * time.Minute, 90 * time.Minute, time.Hour, 36*time.Hour + time.Second} {
		if got, err := ParseDuration(FormatDuration(d)); err != nil || got != d {
			t.Errorf("%v -> %s -> %v, %v", d, FormatDuration(d), got, err)
		}
	}
}

func TestNearest(t *testing.T) {
	words := []string{"workers", "threads", "timeout", "bind"}
	for word, want := range map[string]string{"wrokers": "workers", "worker": "workers", "tiemout": "timeout", "bnid": "bind", "xyz": "", "": "", "entirely": ""} {
		if got := Nearest(word, words); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestParseSwitch(t *testing.T) {
	for v, want := range map[string]bool{"on": true, "true": true, "Yes": true, "1": true, "off": false, "false": false, "no": false, "0": false} {
		if got, err := ParseSwitch(v); err != nil || got != want {
			t.Errorf("%q: %v %v", v, got, err)
		}
	}
	for _, v := range []string{"", "maybe", "2", "onn"} {
		if got, err := ParseSwitch(v); err == nil {
			t.Errorf("%q was taken as %v", v, got)
		}
	}
}
