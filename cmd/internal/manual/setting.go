package manual

import (
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/events"
)

// setting is the page of the settings with this key or flag, or of an event; false: there is none.
func setting(name string) (string, bool) {
	key := strings.ReplaceAll(strings.TrimLeft(name, "-"), "-", "_")
	var b strings.Builder
	for _, s := range config.Settings() {
		if s.Key == key || s.FileKey() == key {
			b.WriteString(strings.Replace(s.Page(), "###", "#", 1))
			if table := s.Scope().Heading(); table != "" {
				b.WriteString("- table: `" + table + "`\n")
			}
			b.WriteString("\n")
		}
	}
	if b.Len() == 0 {
		if s := config.FindFlag(strings.TrimLeft(name, "-")); s != nil {
			return strings.Replace(s.Page(), "###", "#", 1), true
		}
	}
	for _, e := range events.All() {
		if e.Name == key && b.Len() == 0 {
			b.WriteString("# " + e.Name + "\n\n" + e.Message + "\n\nWhat to do: " + e.Do + "\n\n`standpipe explain " + e.Name + "` lists its fields.\n")
		}
	}
	return b.String(), b.Len() > 0
}
