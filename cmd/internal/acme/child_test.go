package acme

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/cmd/internal/acme/redisstore"
)

// order is what a child process does: it obtains a certificate, and prints its serial number.
type order struct {
	Redis, CA, Name string
	Roots           []byte
	HTTPPort        int
}

func child() {
	var o order
	must(json.Unmarshal([]byte(os.Getenv("STANDPIPE_TEST_CHILD")), &o))
	log := hclog.New(&hclog.LoggerOptions{Output: os.Stdout, JSONFormat: true, Level: hclog.Info})
	storage, err := redisstore.Open(o.Redis, "test", log)
	must(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(o.Roots)
	m, err := New(Options{
		Names: []string{o.Name}, Authorities: []Authority{{URL: o.CA, Roots: roots}}, HTTPPort: o.HTTPPort, ListenHost: "127.0.0.1", Storage: storage, Log: log,
	})
	must(err)
	must(m.Start(context.Background()))
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if c := m.cache.AllMatchingCertificates(o.Name); len(c) > 0 {
			fmt.Println("serial", c[0].Leaf.SerialNumber)
			m.Stop()
			storage.Close()
			return
		}
	}
	panic("no certificate within three minutes")
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// redisServer starts a redis-server.
func redisServer(t *testing.T) (url string) {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("SKIP[no-redis]: redis-server is not installed")
	}
	address := freePort(t)
	_, port, _ := strings.Cut(address, ":")
	run(t, nil, func() bool { return dials(address) }, bin, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	return "redis://" + address
}

// Three processes share a Redis. Two want the same certificate at the same time: one of them asks the CA, both have it, and there is one
// account. The third one answers the challenges.
func TestProcessesShareRedis(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := newCA(t, s, s.dns, time.Hour)
	url := redisServer(t)
	storage, err := redisstore.Open(url, "test", testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(storage.Close)
	served(t, s, Options{Authorities: []Authority{c.Authority}, HTTPPort: port(s.http.Addr()), Storage: storage})

	b, err := json.Marshal(order{Redis: url, CA: c.URL, Name: "shared.example.test", Roots: c.pem, HTTPPort: port(s.http.Addr())})
	if err != nil {
		t.Fatal(err)
	}
	var outputs [2]strings.Builder
	var cmds [2]*exec.Cmd
	for i := range cmds {
		cmds[i] = exec.Command(os.Args[0])
		cmds[i].Env = append(os.Environ(), "STANDPIPE_TEST_CHILD="+string(b))
		cmds[i].Stdout, cmds[i].Stderr = &outputs[i], &outputs[i]
		if err := cmds[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	var serials []string
	issued := 0
	for i := range cmds {
		if err := cmds[i].Wait(); err != nil {
			t.Errorf("%v: %s", err, outputs[i].String())
		}
		for lines := bufio.NewScanner(strings.NewReader(outputs[i].String())); lines.Scan(); {
			if serial, ok := strings.CutPrefix(lines.Text(), "serial "); ok {
				serials = append(serials, serial)
			}
			if strings.Contains(lines.Text(), `"certificate_obtained"`) {
				issued++
			}
		}
	}
	if issued != 1 || len(serials) != 2 || serials[0] != serials[1] {
		t.Errorf("%d certificates were issued; serial numbers %q", issued, serials)
	}
	keys, err := storage.List(t.Context(), "acme", true)
	if err != nil {
		t.Fatal(err)
	}
	accounts := slices.DeleteFunc(keys, func(k string) bool { return !strings.Contains(k, "/users/") || !strings.HasSuffix(k, ".json") })
	if len(accounts) != 1 {
		t.Errorf("accounts: %q", accounts)
	}
	if list, err := List(t.Context(), storage); err != nil || len(list) != 1 || list[0].Name != "shared.example.test" || list[0].Error != "" {
		t.Errorf("%+v %v", list, err)
	}
}

// pemOf reads the certificate that a CA's server has.
func pemOf(t *testing.T, dir string) []byte {
	t.Helper()
	b, err := os.ReadFile(dir + "/cert.pem")
	if err != nil {
		t.Fatal(err)
	}
	if block, _ := pem.Decode(b); block == nil {
		t.Fatal("no PEM")
	}
	return b
}
