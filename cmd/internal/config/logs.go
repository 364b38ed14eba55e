package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Logs are the two logs.
type Logs struct {
	Access       string // "-" standard output, "off", or a file
	AccessFormat string `key:"access_log_format"` // "auto", "combined", "json" or "short"
	Error        string // "-" standard error, or a file
	Level        string // one of levels
	Format       string `key:"log_format"` // auto, text, json
	// Slow is from which time on a request is shown as a slow one; 0: none is. SlowRecords: each has a record, because the
	// setting was given; no setting.
	Slow        time.Duration `key:"slow_request"`
	SlowRecords bool
}

var levels = []string{"trace", "debug", "info", "warn", "error"}

// Settings are those of [log].
func (*Logs) Settings() schema.Group {
	return schema.Group{Key: "log", Settings: []schema.Setting{
		{Key: "access_log", Kind: schema.Text, Flags: []string{"access-log", "access-logfile"}, Default: "-", Hint: "FILE",
			Set: logFile(func(l *Logs) *string { return &l.Access }, true), Show: schema.Show(func(l *Logs) (string, bool) { return l.Access, true })},
		{Key: "access_log_format", Kind: schema.Choice, Choices: []string{"auto", "combined", "json", "short"}, Default: "auto", Derived: "json when log_format is json"},
		{Key: "error_log", Kind: schema.Text, Flags: []string{"error-log", "error-logfile", "log-file"}, Default: "-", Hint: "FILE",
			Set: logFile(func(l *Logs) *string { return &l.Error }, false), Show: schema.Show(func(l *Logs) (string, bool) { return l.Error, true })},
		{Key: "log_level", Kind: schema.Choice, Choices: levels, Default: "info", Reload: true,
			Set: schema.Set(func(l *Logs, in schema.Input) error {
				v, err := ParseLevel(in.Last())
				if err == nil {
					l.Level = v
				}
				return err
			}), Show: schema.Show(func(l *Logs) (string, bool) { return l.Level, true })},
		{Key: "log_format", Kind: schema.Choice, Choices: []string{"auto", "text", "json"}, Default: "auto"},
		{Key: "slow_request", Kind: schema.Duration, Default: "1s", Reload: true},
	}}
}

// logFile sets where a log goes: "-", "off" where that is allowed, or a file.
func logFile(at func(*Logs) *string, off bool) func(any, schema.Input) error {
	return schema.Set(func(l *Logs, in schema.Input) error {
		v := in.Last()
		switch {
		case v == "-":
		case v == "off" && off:
		case v == "off":
			return errors.New("the error log cannot be switched off; --log-level error keeps it short")
		case v == "":
			return errors.New("the value is empty; write - or a file's name")
		case !filepath.IsAbs(v):
			v = filepath.Join(in.Base, v)
		}
		*at(l) = v
		return nil
	})
}

// ParseLevel reads a log level; gunicorn's words are accepted.
func ParseLevel(text string) (string, error) {
	v := strings.ToLower(text)
	switch v {
	case "warning":
		v = "warn"
	case "critical", "fatal":
		v = "error"
	}
	if !slices.Contains(levels, v) {
		return "", fmt.Errorf("%q is not one of %s", text, strings.Join(levels, ", "))
	}
	return v, nil
}

// Check finds logs whose folders do not exist.
func (l *Logs) Check(r *schema.Row) {
	for _, log := range []struct{ key, path string }{{"access_log", l.Access}, {"error_log", l.Error}} {
		if log.path == "-" || log.path == "off" || log.path == "" {
			continue
		}
		dir := filepath.Dir(log.path)
		if st, err := os.Stat(dir); err != nil || !st.IsDir() {
			r.Bad(log.key, "%s: the folder %s does not exist; make it, or choose another", log.path, dir)
		} else if st, err := os.Stat(log.path); err == nil && st.IsDir() {
			r.Bad(log.key, "%s is a folder; name a file", log.path)
		}
	}
}
