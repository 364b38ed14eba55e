package config

import "testing"

func TestSwitch(t *testing.T) {
	for v, want := range map[string]bool{"on": true, "true": true, "Yes": true, "1": true, "off": false, "false": false, "no": false, "0": false} {
		if got, err := parseSwitch(v); err != nil || got != want {
			t.Errorf("%q: %v %v", v, got, err)
		}
	}
	for _, v := range []string{"", "maybe", "2", "onn"} {
		if got, err := parseSwitch(v); err == nil {
			t.Errorf("%q was taken as %v", v, got)
		}
	}
}

func TestPreloadFromEverywhere(t *testing.T) {
	for name, c := range map[string]struct {
		toml, flag, env string
		want            bool
	}{
		"default":        {want: false},
		"true":           {toml: "[[app]]\npreload = true\n", want: true},
		"a text":         {toml: "[[app]]\npreload = \"on\"\n", want: true},
		"false":          {toml: "[[app]]\npreload = false\n", want: false},
		"flag":           {flag: "on", want: true},
		"flag over file": {toml: "[[app]]\npreload = true\n", flag: "off", want: false},
		"variable":       {env: "1", want: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t, "app.py")
			if c.toml != "" {
				p.toml(c.toml)
			}
			if c.flag != "" {
				p.flag("preload", c.flag)
			}
			if c.env != "" {
				p.env("STANDPIPE_PRELOAD=" + c.env)
			}
			cfg, _ := p.load()
			if cfg.Apps[0].Life.Preload != c.want {
				t.Errorf("%v, want %v", cfg.Apps[0].Life.Preload, c.want)
			}
		})
	}
	p := newProject(t, "app.py")
	p.toml("[[app]]\nmount = true\n") // a boolean where none belongs
	p.wrong("standpipe.toml:2")
}
