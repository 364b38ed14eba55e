package config

import (
	"errors"
	"fmt"
	"path/filepath"
)

// controlSettings are about how standpipe is steered and measured while it runs.
func controlSettings() []*Setting {
	return []*Setting{
		{Key: "control", Scope: OfServer, Kind: Text, Flags: []string{"control", "control-socket"}, Hint: "SOCKET",
			Derived: "APP.sock in the run-time folder, APP being the first app's name; APP-PID.sock when another standpipe has that",
			Doc:     "The socket on which the commands (`standpipe status`, `reload` and so on) reach this standpipe; `off`: none. The commands take the same flag and variable.",
			set:     setControl, show: showText(func(c *Config) string { return c.Control.Socket })},
		{Key: "control_mode", Scope: OfServer, Kind: Mode, Flags: []string{"control-mode", "control-socket-mode"}, Derived: "0600; 0660 with control_group",
			Doc: "The permissions of the control socket. Whoever may write to it may stop standpipe.",
			set: func(t target, in input) (err error) {
				t.cfg.Control.Mode, err = parseMode(in.last())
				return err
			}, show: func(t target) (string, bool) {
				return fmt.Sprintf("%#o", t.cfg.Control.Mode.Perm()), t.cfg.Control.Mode != 0
			}},
		{Key: "control_group", Scope: OfServer, Kind: Text, Flags: []string{"control-group"}, Hint: "GROUP",
			Doc: "The group of the control socket, by name or number: its members may steer, if they may enter the socket's folder.",
			at:  func(t target) any { return &t.cfg.Control.Group }},
		{Key: "metrics", Scope: OfServer, Kind: Text, Flags: []string{"metrics"}, Hint: "ADDRESS",
			Doc: "An address of its own for Prometheus: `host:port` or `unix:/path`. `/metrics` is there for whoever can connect; it is on the control socket in any case.",
			set: setMetrics, show: showText(func(c *Config) string { return c.Control.Metrics })},
	}
}

func setControl(t target, in input) error {
	v := in.last()
	switch {
	case v == "":
		return errors.New("the value is empty; write a socket's path, or off")
	case v == "off":
	case !filepath.IsAbs(v):
		v = filepath.Join(in.base, v)
	}
	if len(v) > maxUnixPath {
		return fmt.Errorf("%q: the path is %d octets long; a unix socket's may have %d", v, len(v), maxUnixPath)
	}
	t.cfg.Control.Socket = v
	return nil
}

func setMetrics(t target, in input) error {
	l, err := ParseListen(in.last(), in.base)
	if err != nil {
		return err
	}
	if l.Network == "fd" || l.Mode != 0 || l.User != "" || l.Group != "" {
		return fmt.Errorf("%q: metrics takes host:port or unix:/path", in.last())
	}
	t.cfg.Control.Metrics = l.String()
	return nil
}
