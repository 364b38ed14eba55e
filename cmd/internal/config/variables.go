package config

import (
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// reserved are STANDPIPE_ variables that are not settings: those of standpipe to its workers and to its tests.
var reserved = []string{"STANDPIPE_CONFIG", "STANDPIPE_WORKER", "STANDPIPE_GENERATION", "STANDPIPE_NONCE", "STANDPIPE_SHIM_HASH", "STANDPIPE_SOAK", "STANDPIPE_CPUPROFILE"}

// unknownVariables warns of variables that look like settings and have no effect.
func unknownVariables(s *schema.Schema, env schema.Environment, warn func(format string, args ...any)) {
	var names []string
	for _, one := range s.All() {
		if n := one.EnvName(); n != "" {
			names = append(names, n)
		}
	}
	var odd []string
	for name := range env {
		if !strings.HasPrefix(name, s.Prefix) || slices.Contains(names, name) || slices.Contains(reserved, name) {
			continue
		}
		// Kubernetes and old Docker links set such variables for a service named standpipe.
		if strings.Contains(name, "_PORT") || strings.HasSuffix(name, "_SERVICE_HOST") {
			continue
		}
		odd = append(odd, name)
	}
	slices.Sort(odd)
	for _, name := range odd {
		if near := schema.Nearest(name, names); near != "" {
			warn("the variable %s is not a setting; did you mean %s?", name, near)
		} else {
			warn("the variable %s is not a setting; docs/settings.md lists them", name)
		}
	}
	if env["GUNICORN_CMD_ARGS"] != "" {
		warn("GUNICORN_CMD_ARGS is set and is not read; write its flags on the command line")
	}
}
