package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Control is how a running server is controlled and measured.
type Control struct {
	Socket  string      // the control socket's path; "off": none; empty: in the run-time folder
	Mode    fs.FileMode // of the control socket; 0: 0600, or 0660 with Group
	Group   string      `key:"control_group"` // of the control socket; empty: the process's
	Metrics string      // host:port or unix:/path of the metrics; empty: on the control socket alone
}

// Settings are keys at the top.
func (*Control) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "control", Kind: schema.Text, Flags: []string{"control", "control-socket"}, Hint: "SOCKET",
			Derived: "APP.sock in the run-time folder, APP being the first app's name; APP-PID.sock when another standpipe has that",
			Set:     schema.Set(setControl), Show: schema.Show(func(c *Control) (string, bool) { return c.Socket, true })},
		{Key: "control_mode", Kind: schema.Mode, Flags: []string{"control-mode", "control-socket-mode"}, Derived: "0600; 0660 with control_group",
			Set: schema.Set(func(c *Control, in schema.Input) (err error) {
				c.Mode, err = parseMode(in.Last())
				return err
			}), Show: schema.Show(func(c *Control) (string, bool) { return fmt.Sprintf("%#o", c.Mode.Perm()), c.Mode != 0 })},
		{Key: "control_group", Kind: schema.Text, Hint: "GROUP"},
		{Key: "metrics", Kind: schema.Text, Hint: "ADDRESS",
			Set: schema.Set(setMetrics), Show: schema.Show(func(c *Control) (string, bool) { return c.Metrics, true })},
	}}
}

func setControl(c *Control, in schema.Input) error {
	v := in.Last()
	switch {
	case v == "":
		return errors.New("the value is empty; write a socket's path, or off")
	case v == "off":
	case !filepath.IsAbs(v):
		v = filepath.Join(in.Base, v)
	}
	if err := checkUnixPath(v, v); err != nil {
		return err
	}
	c.Socket = v
	return nil
}

func setMetrics(c *Control, in schema.Input) error {
	l, err := ParseListen(in.Last(), in.Base)
	if err != nil {
		return err
	}
	if l.Network == "fd" || l.Mode != 0 || l.User != "" || l.Group != "" {
		return fmt.Errorf("%q: metrics takes host:port or unix:/path", in.Last())
	}
	c.Metrics = l.String()
	return nil
}
