package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/limit"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Scanners says what becomes of requests for paths that only scanners for weaknesses ask for.
type Scanners struct {
	Mode   string        `key:"scanners"`        // "off", "deny", "ban"
	Paths  []string      `key:"scanner_paths"`   // beside the built-in ones
	Except []string      `key:"scanner_except"`  // of the built-in ones
	Status string        `key:"scanner_status"`  // "404", "403"
	BanFor time.Duration `key:"scanner_ban_for"` // how long a client is denied with "ban"
}

// Settings are keys at the top.
func (*Scanners) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "scanners", Kind: schema.Choice, Choices: []string{"off", "deny", "ban"}, Default: "off", Reload: true},
		{Key: "scanner_paths", Kind: schema.List, Derived: "none", Hint: "PATH,...", Reload: true},
		{Key: "scanner_except", Kind: schema.List, Derived: "none", Hint: "PATH,...", Reload: true},
		{Key: "scanner_status", Kind: schema.Choice, Choices: []string{"404", "403"}, Default: "404", Reload: true},
		{Key: "scanner_ban_for", Kind: schema.Duration, Default: "1h", Reload: true},
	}}
}

// Check finds paths that are none, and exceptions from nothing.
func (s *Scanners) Check(r *schema.Row) {
	for _, p := range s.Paths {
		if err := limit.ParsePath(p); err != nil {
			r.Bad("scanner_paths", "scanner_paths: %v", err)
		}
	}
	known := limit.ScannerPaths()
	for _, p := range s.Except {
		if !slices.Contains(known, p) {
			r.Bad("scanner_except", "scanner_except: the built-in list has no %q%s (docs/limits.md)", p, similar(p, known))
		}
	}
	checkBan(r, "scanner_ban_for", s.BanFor)
}

// similar names an entry that takes the path, if there is one.
func similar(path string, known []string) string {
	for _, k := range known {
		if strings.Trim(k, "/*") == strings.Trim(path, "/*") {
			return fmt.Sprintf("; did you mean %q?", k)
		}
	}
	return ""
}

// longestBan is beyond what a list at run time is for.
const longestBan = 30 * 24 * time.Hour

func checkBan(r *schema.Row, key string, d time.Duration) {
	if d < time.Second || d > longestBan {
		r.Bad(key, "%s is %s; it is 1s to 30 days", key, schema.FormatDuration(d))
	}
}
