package compat

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/cmd/internal/config"
)

// stillAbsent are words of directives that are "not yet" here although a setting has the same word: each with the reason. A word that is
// not here and is a setting's makes its row stale.
var stillAbsent = map[string]string{
	"uwsgi: log-route: route":                                    "a place of its own for some log lines",
	"uwsgi: response-route*: route":                              "rules for answers",
	"uwsgi: error-route*: route":                                 "rules for answers",
	"nginx: proxy_redirect: redirect":                            "changes of an upstream's Location",
	"nginx: perl*: access":                                       "a language for requests",
	"nginx: perl*: rewrite":                                      "a language for requests",
	"nginx: limit_rate: limit":                                   "bytes per second at most",
	"nginx: limit_rate: rate":                                    "bytes per second at most",
	"mod_wsgi: --allow-override: allow":                          "files within the folders that change the configuration",
	"mod_wsgi: --add-handler: handler":                           "a script of Python for files",
	"unit: settings.http.websocket.read_timeout: read_timeout":   "WebSocket that is spoken here",
	"unit: settings.http.websocket.read_timeout: keepalive":      "WebSocket that is spoken here",
	"unit: access_log.if: access":                                "lines that are left out",
	"unit: access_log.if: access_log":                            "lines that are left out",
	"caddy: reverse_proxy.transport.tls_trust_pool: client_auth": "certificates towards upstreams",
}

// everyday are settings whose names say nothing without another word.
var everyday = map[string]bool{
	"acme": true, "add": true, "backlog": true, "body": true, "down": true, "health": true, "host": true, "index": true, "interval": true, "key": true, "listen": true, "log": true, "module": true,
	"name": true, "path": true, "protocol": true, "queue": true, "reload": true, "remove": true, "set": true, "status": true, "timeout": true, "tls": true, "upstream": true,
}

var separators = strings.NewReplacer("-", "_", ".", "_", "/", "_", "*", "", "=", "")

// A row that says "not yet" is looked at again when there is a setting or a table whose whole name is a part of the row's name: limit_rate
// when there is a table limit, --rewrite-rules when there is a key rewrite.
func TestNothingAbsentIsThere(t *testing.T) {
	ours := map[string]string{}
	for _, s := range config.Settings() {
		ours[s.Key] = s.Scope().Heading()
		for _, in := range tableName.FindAllStringSubmatch(s.Scope().Heading(), -1) {
			ours[in[1][strings.LastIndex(in[1], ".")+1:]] = in[0]
		}
	}
	used := map[string]bool{}
	for _, m := range movingTables(t) {
		for _, row := range m.rows {
			if row.state != NotYet {
				continue
			}
			for _, name := range row.names {
				padded := "_" + separators.Replace(strings.ToLower(strings.TrimLeft(name, "-"))) + "_"
				for _, key := range slices.Sorted(maps.Keys(ours)) {
					if everyday[key] || !strings.Contains(padded, "_"+key+"_") {
						continue
					}
					about := m.page + ": " + row.names[0] + ": " + key
					if stillAbsent[about] == "" && !used[about] {
						t.Errorf("%q (%s) says not yet, and %s is there: mend the row, or say in stillAbsent what is absent", about, name, ours[key])
					}
					used[about] = true
				}
			}
		}
	}
	for _, about := range slices.Sorted(maps.Keys(stillAbsent)) {
		if !used[about] {
			t.Errorf("stillAbsent has %q without need", about)
		}
	}
}

// The commonest directives of nginx have their own names in the table, not only a * that they begin with.
func TestCommonDirectivesHaveNames(t *testing.T) {
	text, err := os.ReadFile("testdata/nginx-common.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, name := range strings.Fields(line) {
			n++
			if !slices.ContainsFunc(nginx(), func(r optionRow) bool { return slices.Contains(r.names, name) }) {
				t.Errorf("nginx.txt does not name %s", name)
			}
		}
	}
	if n < 120 {
		t.Errorf("only %d directives", n)
	}
}
