package integration

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// Without a running server standpipe certs lists what the settings of its folder lead to: files, the local CA, and the storage of
// automatic certificates, with what has failed. It makes nothing.
func TestCertsWithoutServer(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "Some CA")
	cert, key := a.forNames(t, "files.example.test")
	for name, storage := range map[string]string{"folder": "acme_storage = \"stored\"\n", "redis": "acme_storage = \"redis\"\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			env, _ := onlyRuntimeFolder(t)
			env = append(env, "HOME="+home)
			toml := "bind = \"https://127.0.0.1:0\"\n"
			if name == "redis" {
				address, startRedis, _ := redisServer(t, a)
				startRedis()
				toml += "redis = \"rediss://standpipe:se%2Fcret@" + address + "/0\"\n"
			}
			toml += "[acme]\nhttps = [\"localhost\", \"shop.example.test\"]\nacme_ca = [\"https://127.0.0.1:1/dir\"]\n" + storage +
				"[[certificate]]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n[[app]]\nname = \"shop\"\nmodule = \"app:app\"\nworkers = 1\n"
			dir := project(t, map[string]string{"app.py": hello("x"), "ca.pem": a.pem, "cert.pem": cert, "key.pem": key, "standpipe.toml": toml})
			env = append(env, "SSL_CERT_FILE="+dir+"/ca.pem")
			list := func() (running bool, list []certRow) {
				t.Helper()
				r := run(t, dir, env, "certs", "--json")
				var v struct {
					Running      bool
					Certificates []certRow
				}
				if err := json.Unmarshal([]byte(r.out), &v); err != nil || r.code != 0 {
					t.Fatalf("%+v %v", r, err)
				}
				return v.Running, v.Certificates
			}
			running, before := list()
			if running || len(before) != 2 || before[0].Names[0] != "files.example.test" || before[0].Issuer != "Some CA" || before[1].Names[0] != "shop.example.test" || before[1].Error != "" {
				t.Errorf("before the first start: %v %+v", running, before)
			}
			if found, _ := filepath.Glob(dir + "/stored"); len(found) > 0 {
				t.Error("the command has made the folder")
			}
			s := start(t, opts{Dir: dir, Bare: true, Env: env, Args: []string{"--log-format", "json", "--python", systemPython(t)}})
			failed := s.waitEvent("certificate_failed").str("error")
			eventually(t, "the failure is stored", func() bool {
				running, now := list()
				return running && now[len(now)-1].Error == failed
			})
			if code := s.stop(); code != 0 {
				t.Errorf("exit %d", code)
			}
			running, after := list()
			if running || len(after) != 3 || after[1].Source != localCA(home) || *after[1].DaysLeft < 3600 || after[2].Error != failed {
				t.Errorf("%v %+v", running, after)
			}
			if r := run(t, dir, env, "certs"); r.code != 0 || !strings.Contains(r.out, localCA(home)) || !strings.Contains(r.errout, dir) {
				t.Errorf("%+v", r)
			}
			if r := run(t, dir, env, "certs", "renew", "localhost"); r.code != 1 {
				t.Errorf("%+v", r)
			}
		})
	}
}
