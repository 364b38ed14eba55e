package integration

import (
	"fmt"
	"net/http"
	"testing"
)

// Limits of nginx are [[limit]], and what is refused is the same as nginx refuses.
func TestImportNginxLimits(t *testing.T) {
	t.Parallel()
	site := func(address, root string) string {
		return fmt.Sprintf(`limit_req_zone $binary_remote_addr zone=all:1m rate=1r/m;
limit_req_zone $cookie_session$uri zone=pages:1m rate=30r/m;
limit_req_zone $http_x_api_key zone=keys:1m rate=5r/s;
limit_req_zone $server_name zone=names:1m rate=5r/s;
limit_conn_zone $binary_remote_addr zone=running:1m;
limit_req_log_level info;
server {
    listen %s;
    root %s;
    limit_conn running 50;
    location / { limit_req zone=all burst=3 nodelay; }
    location /status/ { limit_req zone=all; limit_req_status 429; }
    location /keys/ { limit_req zone=keys burst=20 delay=8; limit_req_dry_run on; }
    location /pages/ { limit_req zone=pages burst=4; }
    location /long/ { limit_req zone=all burst=10; }
    location /names/ { limit_req zone=names; }
}
`, address, root)
	}
	dir := project(t, map[string]string{"files/a.txt": "a", "files/status/a.txt": "a", "files/keys/a.txt": "a", "files/pages/a.txt": "a", "files/names/a.txt": "a", "files/long/a.txt": "a", "app.py": hello("x"), "site.conf": site("127.0.0.1:0", "files")})
	r := run(t, dir, nil, "import", "nginx", "site.conf", "--output", "standpipe.toml")
	if r.code != 0 {
		t.Fatalf("%+v", r)
	}
	has(t, configIn(t, dir),
		"[[limit]]\nname = \"running\"  # site.conf:10\nkey = [\"client\"]", "concurrency = 50  # site.conf:10", "name = \"all\"  # site.conf:11\nkey = [\"client\"]  # site.conf:1\nstatus = \"503\"  # site.conf:11\nrate = \"1/m\"  # site.conf:1\nburst = 3  # site.conf:11",
		"name = \"all-2\"  # site.conf:12\npath = \"/status/\"  # site.conf:12\nkey = [\"client\"]  # site.conf:1\nrate = \"1/m\"", "key = [\"header:x-api-key\"]", "dry_run = true", "burst = 8", "delay = 12", "key = [\"cookie:session\", \"path\"]", "delay = 4",
		"site.conf:15: limit_req zone=all burst=10: no request waits longer", "delay = 1 ", "site.conf:4: limit_req_zone $server_name zone=names:1m rate=5r/s: $server_name is no key", "site.conf:16: limit_req zone=names: its limit_req_zone is not here")
	s := start(t, opts{Dir: dir, Bare: true, Args: []string{"--log-format", "json"}})
	ours := []int{}
	for range 6 {
		ours = append(ours, s.get("/a.txt").Status)
	}
	address := "127.0.0.1:" + freePort(t)
	nginx(t, address, site(address, dir+"/files"))
	theirs := []int{}
	for range 6 {
		r, err := http.Get("http://" + address + "/a.txt")
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		theirs = append(theirs, r.StatusCode)
	}
	if got := fmt.Sprint(ours); got != fmt.Sprint(theirs) || got != "[200 200 200 200 503 503]" {
		t.Errorf("ours %v, nginx's %v", ours, theirs)
	}
}
