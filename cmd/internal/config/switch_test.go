package config

import "testing"

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
