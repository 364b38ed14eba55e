package integration

import (
	"slices"
	"strings"
	"testing"
)

// Texts of standpipe.toml name variables of the environment; the settings in force say which.
func TestVariablesInTheFile(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": hello("x"), "standpipe.toml": `trusted_proxies = "${PROXIES:-10.0.0.1,10.0.0.2}"
[[listen]]
address = "127.0.0.1:${WEB_PORT}"
[[app]]
name = "${NAME:-shop}"
module = "app"
workers = "${N}"
env = { GREETING = "${GREETING:-}$${N}" }
`})
	r := run(t, dir, []string{"WEB_PORT=8123", "N=3"}, "config")
	if r.code != 0 {
		t.Fatalf("%+v", r)
	}
	shown := map[string]string{}
	for line := range strings.Lines(r.out) {
		if f := strings.Fields(line); len(f) > 2 {
			shown[f[0]] = strings.Join(f[1:], " ")
		}
	}
	for key, want := range map[string]string{
		"listen.0.address": "127.0.0.1:8123 standpipe.toml:3 (env WEB_PORT)", "app.shop.workers": "3 standpipe.toml:7 (env N)",
		"app.shop.env.GREETING": "${N} standpipe.toml:8 (env GREETING)", "trusted_proxies": "10.0.0.1,10.0.0.2,unix standpipe.toml:1 (env PROXIES)",
	} {
		if shown[key] != want {
			t.Errorf("%s is %q, want %q", key, shown[key], want)
		}
	}
	report, code := check(t, dir) // neither is set
	var where []string
	for _, p := range report.Problems {
		where = append(where, p.Where)
	}
	if code != 2 || !slices.Equal(where, []string{"standpipe.toml:3", "standpipe.toml:7"}) || !strings.Contains(report.Problems[0].Message, "WEB_PORT") || !strings.HasPrefix(report.Problems[1].Message, "app.workers") {
		t.Errorf("%d %+v", code, report)
	}

	s := start(t, opts{Dir: dir, Env: []string{"WEB_PORT=0", "N=1"}, Args: []string{"--log-format", "json"}, Bare: true})
	if r := s.get("/"); r.Status != 200 {
		t.Errorf("%+v", r)
	}
}
