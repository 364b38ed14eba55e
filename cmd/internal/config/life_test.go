package config

import (
	"testing"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

func TestWorkersRange(t *testing.T) {
	app := func(v string) (*App, error) {
		a := &App{Workers: Workers{Min: 3, Max: 3}}
		return a, setWorkers(&a.Workers, schema.Input{Values: []string{v}})
	}
	for v, want := range map[string][2]int{"4": {4, 4}, "2..8": {2, 8}, "1..1": {1, 1}} {
		if a, err := app(v); err != nil || a.Workers.Min != want[0] || a.Workers.Max != want[1] {
			t.Errorf("%q: %d..%d %v", v, a.Workers.Min, a.Workers.Max, err)
		}
	}
	for _, v := range []string{"", "..", "2..", "..8", "8..2", "0..3", "2...8", "a..b", "-1..2"} {
		if a, err := app(v); err == nil || a.Workers.Min != 3 || a.Workers.Max != 3 {
			t.Errorf("%q was taken: %d..%d", v, a.Workers.Min, a.Workers.Max)
		}
	}
}

func TestShare(t *testing.T) {
	for v, want := range map[string]int{"25%": 2, "100%": 8, "3": 3, "0": 0, "12.5 %": 1} {
		s, err := ParseShare(v)
		if err != nil || s.Of(8) != want {
			t.Errorf("%q of 8: %d %v", v, s.Of(8), err)
		}
		if again, err := ParseShare(s.String()); err != nil || again != s {
			t.Errorf("%q does not survive its own text %q", v, s)
		}
	}
	for _, v := range []string{"", "%", "-1", "-5%", "x%", "NaN%", "Inf%", "2000%"} {
		if s, err := ParseShare(v); err == nil {
			t.Errorf("%q was taken as %v", v, s)
		}
	}
}

func TestSurge(t *testing.T) {
	for v, want := range map[string]Share{"none": {None: true}, "25%": {Percent: 25}, "2": {N: 2}} {
		a := &App{}
		if err := setSurge(&a.Life, schema.Input{Values: []string{v}}); err != nil || a.Life.Surge != want {
			t.Errorf("%q: %+v %v", v, a.Life.Surge, err)
		}
		if a.Life.Surge.String() != v {
			t.Errorf("%q is shown as %q", v, a.Life.Surge)
		}
	}
	for _, v := range []string{"0", "0%", "None", ""} {
		if err := setSurge(&Life{}, schema.Input{Values: []string{v}}); err == nil {
			t.Errorf("%q was taken", v)
		}
	}
}
