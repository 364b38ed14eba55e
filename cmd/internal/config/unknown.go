package config

import (
	"fmt"
	"slices"
	"strings"
)

// unknownKey is the sentence for a key that the table does not have, and the key that was meant; empty: nobody knows.
func unknownKey(scope Scope, section, key string) (sentence, meant string) {
	name := join(section, key)
	if slices.Contains(laterKeys(), strings.ReplaceAll(key, "-", "_")) {
		return name + " is not there yet in this release", ""
	}
	var keys []string
	for _, s := range Settings() {
		if s.Scope == OfCommand {
			continue
		}
		if s.Key == key {
			return fmt.Sprintf("there is no %s here; it belongs into %s", name, homeOf(s)), ""
		}
		if s.Scope == scope && (scope != OfServer || s.Section == section) {
			keys = append(keys, s.Key)
		}
	}
	if key == "worker_class" {
		return "there is no setting worker_class: threads says how many requests a worker runs at a time, and gevent = 1000 makes them greenlets", ""
	}
	if scope == OfServer && section == "" {
		keys = append(append(keys, sectionNames()...), "app", "internal", "listen", "static", "route")
	}
	if near := Nearest(key, keys); near != "" {
		return fmt.Sprintf("there is no setting %s; did you mean %s?", name, join(section, near)), near
	}
	slices.Sort(keys)
	return fmt.Sprintf("there is no setting %s; these are: %s", name, strings.Join(keys, ", ")), ""
}

// laterKeys are keys and tables of features that are planned and not there, wherever they stand. What a release brings
// leaves this list for the table of settings.
func laterKeys() []string {
	return []string{
		"cache", "tls",
		"drain_grace",
	}
}

func homeOf(s *Setting) string {
	switch {
	case s.Scope == OfApp:
		return "[[app]]"
	case s.Scope == OfInternal:
		return "[[internal]]"
	case s.Scope == OfRoute:
		return "[[route]]"
	case s.Scope == OfStatic:
		return "[[static]] or [[app.static]]"
	case s.Scope == OfListen:
		return "[[listen]]"
	case s.Section != "":
		return "[" + s.Section + "]"
	default:
		return "the top of the file, before the first table"
	}
}
