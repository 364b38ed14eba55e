package config

import (
	"testing"
	"time"
)

func TestDev(t *testing.T) {
	p := newProject(t, "app.py")
	p.flag("dev", "on")
	c, src := p.load()
	a := c.Apps[0]
	if !c.Dev.On || a.Workers.Min != 2 || a.Workers.Max != 2 || a.Workers.Threads != 4 || a.Requests.Timeout != 0 || !a.Life.Reload || a.Life.Surge.Of(2) != 2 || a.Life.DrainTimeout != 10*time.Second || c.Stop.Timeout != 5*time.Second {
		t.Errorf("%+v %+v", a, c.Stop)
	}
	for _, key := range []string{"workers", "threads", "timeout", "reload", "surge", "drain_timeout"} {
		if s := src.Of(appRow(a.Name) + "." + key); s.Given() || s.String() != devBecause {
			t.Errorf("source of %s: %v", key, s)
		}
	}

	// What was set anywhere wins.
	p = newProject(t, "app.py")
	p.toml("[dev]\ndev = true\n[stop]\nstop_timeout = 20\n[[app]]\nworkers = 3\ntimeout = \"9s\"\ngevent = 7\n")
	p.env("STANDPIPE_RELOAD=off", "PORT=8123")
	c, src = p.load()
	a = c.Apps[0]
	if a.Workers.Min != 3 || a.Workers.Threads != 1 || a.Requests.Timeout != 9*time.Second || a.Life.Reload || c.Stop.Timeout != 20*time.Second || c.Listen[0].String() != "127.0.0.1:8123" {
		t.Errorf("%+v %+v %v", a, c.Stop, c.Listen)
	}
	if s := src.Of(appRow(a.Name) + ".workers"); !s.Given() {
		t.Errorf("source of workers: %v", s)
	}
}

func TestDevAddresses(t *testing.T) {
	for address, local := range map[string]bool{"127.0.0.1:0": true, "[::1]:0": true, "localhost:0": true, "shop.localhost:0": true, "unix:a.sock": true, "127.8.8.8:0": true,
		"0.0.0.0:0": false, ":0": false, "[::]:0": false, "192.0.2.1:0": false, "localhost.example.org:0": false, "fd://3": false} {
		p := newProject(t, "app.py")
		p.flag("dev", "on")
		p.flag("bind", address)
		if local {
			p.load()
		} else {
			p.wrong("--bind development STANDPIPE_DEV_TOKEN")
		}
		p.env("STANDPIPE_DEV_TOKEN=0123456789abcdef")
		p.load()
	}
	p := newProject(t, "app.py")
	p.toml("[dev]\nlive = true\ndev_token = \"short\"\n")
	p.wrong("standpipe.toml:2: live", "standpipe.toml:3: dev_token")
}
