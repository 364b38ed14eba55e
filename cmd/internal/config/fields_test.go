package config

import "testing"

func TestFields(t *testing.T) {
	p := newProject(t, "app.py")
	p.toml(`[[fields]]
remove = ["Server"]
[[app]]
[[app.fields]]
status = [404, "500-599"]
set = { Report-To = '{"a":1}', X-Host = "{host}" }
[[route]]
respond = 403
[[route.fields]]
side = "request"
add = { X-A = "1" }
`)
	cfg, src := p.load()
	if a := cfg.Apps[0].Fields[0]; a.Side != "response" || a.Statuses[1] != [2]int{500, 599} || a.Set[1].Name != "X-Host" || cfg.Routes[0].Fields[0].Side != "request" {
		t.Errorf("%+v", cfg)
	}
	shown := map[string]string{}
	for _, e := range cfg.Effective(src) {
		shown[e.Key] = e.Value
	}
	if shown["fields.0.remove"] != "Server" || shown["route.0.fields.0.add"] != "X-A=1" {
		t.Errorf("%v", shown)
	}
}

func TestFieldsThatAreWrong(t *testing.T) {
	p := newProject(t, "app.py")
	p.toml(`[[fields]]
side = "request"
status = [200]
remove = ["Host", "a b"]
set = { X-Forwarded-For = "x", X_A = "y" }
[[fields]]
remove = ["Content-Length", "X-A"]
set = { Transfer-Encoding = "chunked", x-a = "1" }
add = { Content-Type = "a/b" }
[[fields]]
side = "both"
set = { X-A = "a\nb" }
[[fields]]
set = { X-A = "{user}" }
[[fields]]
status = [99]
`)
	p.wrong("standpipe.toml:3: [[fields]] status", "standpipe.toml:4: [[fields]] Host", "standpipe.toml:4: [[fields]] a b", "standpipe.toml:5: [[fields]] X-Forwarded-For", "standpipe.toml:5: [[fields]] X_A X-A",
		"standpipe.toml:7: [[fields]] Content-Length", "standpipe.toml:8: [[fields]] Transfer-Encoding", "standpipe.toml:8: [[fields]] x-a remove", "standpipe.toml:9: [[fields]] Content-Type set",
		"standpipe.toml:11: side both", `standpipe.toml:12: X-A`, "standpipe.toml:14: {user} {client}", "standpipe.toml:16: 99", "standpipe.toml:15: [[fields]]")
}

func TestPresetsThatAreWrong(t *testing.T) {
	p := newProject(t, "app.py")
	p.toml(`[[app]]
[app.cors]
origins = ["*", "https://A.example.org"]
credentials = true
methods = ["PUT PATCH"]
[[route]]
respond = 204
[route.cors]
headers = ["X-A"]
`)
	p.wrong("standpipe.toml:3: [app.cors] a.example.org", "standpipe.toml:4: [app.cors] credentials *", "standpipe.toml:5: [app.cors] PUT PATCH", "standpipe.toml:9: [route.cors] headers origins")
}
