package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Confine is what an app's workers run as and are confined to; nil and 0: as standpipe itself.
type Confine struct {
	User      string    `key:"user"`
	Group     string    `key:"group"`
	Groups    []string  `key:"groups"`
	Identity  *Identity // what they are; nil: as the server
	NeedsRoot bool      // the workers' user or limits need root, which the server may have dropped

	Umask, Nice *int
	LimitAS     int64         `key:"limit_as"` // bytes
	LimitNofile int           `key:"limit_nofile"`
	LimitNproc  int           `key:"limit_nproc"`
	LimitCPU    time.Duration `key:"limit_cpu"`
	NoNewPrivs  string        `key:"no_new_privs"` // "on" or "off"

	// Of all workers together, in a control group.
	MemoryMax int64 `key:"memory_max"` // bytes
	CPUMax    int64 // hundredths of a processor
	PidsMax   int   `key:"pids_max"`
}

// Settings are keys of [[app]].
func (*Confine) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "user", Kind: schema.Text, NoFlag: true, NoEnv: true, Derived: "the server's user"},
		{Key: "group", Kind: schema.Text, NoFlag: true, NoEnv: true, Derived: "the user's own group"},
		{Key: "groups", Kind: schema.List, NoFlag: true, NoEnv: true, Derived: "the user's groups in the system's database"},
		{Key: "umask", Kind: schema.Mode, Flags: []string{"umask", "m"}, Derived: "that of standpipe", Reload: true,
			Set: schema.Set(setUmask), Show: schema.Show(func(c *Confine) (string, bool) { return showNumber(c.Umask, "%04o"), true })},
		{Key: "nice", Kind: schema.Int, Derived: "that of standpipe", Reload: true,
			Set: schema.Set(setNice), Show: schema.Show(func(c *Confine) (string, bool) { return showNumber(c.Nice, "%d"), true })},
		{Key: "limit_as", Kind: schema.Size, Default: "0", Reload: true},
		{Key: "limit_nofile", Kind: schema.Int, Default: "0", Reload: true},
		{Key: "limit_nproc", Kind: schema.Int, Default: "0", Reload: true},
		{Key: "limit_cpu", Kind: schema.Duration, Default: "0", Reload: true},
		{Key: "no_new_privs", Kind: schema.Choice, Choices: []string{"off", "on"}, Default: "off", Reload: true},
		{Key: "memory_max", Kind: schema.Size, Default: "0", Reload: true},
		{Key: "cpu_max", Kind: schema.Text, Default: "0", Reload: true, Hint: "N|N%",
			Set:  schema.Set(func(c *Confine, in schema.Input) error { return schema.Store(&c.CPUMax, in.Last(), parseCPUs) }),
			Show: schema.Show(showCPUs)},
		{Key: "pids_max", Kind: schema.Int, Default: "0", Reload: true},
	}}
}

func setUmask(c *Confine, in schema.Input) error {
	n, err := strconv.ParseUint(strings.TrimPrefix(in.Last(), "0o"), 8, 32)
	if err != nil || n > 0o777 {
		return fmt.Errorf("%q is not a umask; write it in octal, as \"027\"", in.Last())
	}
	mask := int(n)
	c.Umask = &mask
	return nil
}

func setNice(c *Confine, in schema.Input) error {
	n, err := strconv.Atoi(in.Last())
	if err != nil || n < -20 || n > 19 {
		return fmt.Errorf("%q is not a number from -20 to 19", in.Last())
	}
	c.Nice = &n
	return nil
}

func showNumber(n *int, format string) string {
	if n == nil {
		return ""
	}
	return fmt.Sprintf(format, *n)
}

// parseCPUs reads "150%" and "1.5" in hundredths of a processor.
func parseCPUs(s string) (int64, error) {
	text, percent := strings.CutSuffix(strings.TrimSpace(s), "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if !percent {
		f *= 100
	}
	if err != nil || !(f >= 1 && f <= 1e6 || f == 0) {
		return 0, errors.New("is not a number of processors; write 1.5 or 150%")
	}
	return int64(math.Round(f)), nil
}

func showCPUs(c *Confine) (string, bool) {
	if c.CPUMax == 0 {
		return "0", true
	}
	return fmt.Sprintf("%d%%", c.CPUMax), true
}

// Cgrouped reports whether the app's workers live in a control group of their own.
func (c *Confine) Cgrouped() bool { return c.MemoryMax > 0 || c.CPUMax > 0 || c.PidsMax > 0 }

// limits are the workers' resource limits by key; 0: none.
func (c *Confine) limits() map[string]int64 {
	return map[string]int64{
		"limit_as": c.LimitAS, "limit_nofile": int64(c.LimitNofile), "limit_nproc": int64(c.LimitNproc),
		"limit_cpu": int64((c.LimitCPU + time.Second - 1) / time.Second), // whole seconds, rounded up
	}
}
