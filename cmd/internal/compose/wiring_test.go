//go:build linux

package compose

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/standpipe/standpipe/bridge/access"
	"github.com/standpipe/standpipe/bridge/accesslog"
	"github.com/standpipe/standpipe/bridge/answer"
	"github.com/standpipe/standpipe/bridge/cache"
	"github.com/standpipe/standpipe/bridge/cache/disk"
	"github.com/standpipe/standpipe/bridge/chain"
	"github.com/standpipe/standpipe/bridge/compress"
	"github.com/standpipe/standpipe/bridge/fastcgi"
	"github.com/standpipe/standpipe/bridge/h3"
	"github.com/standpipe/standpipe/bridge/http1"
	"github.com/standpipe/standpipe/bridge/https"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/limit"
	"github.com/standpipe/standpipe/bridge/proxy"
	"github.com/standpipe/standpipe/bridge/rewrite"
	"github.com/standpipe/standpipe/bridge/static"
	"github.com/standpipe/standpipe/bridge/upstream"
	"github.com/standpipe/standpipe/bridge/uwsgi"
	"github.com/standpipe/standpipe/bridge/wsgi"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
	"github.com/standpipe/standpipe/cmd/internal/otlp"
	"github.com/standpipe/standpipe/integration/testauth"
	"github.com/standpipe/standpipe/integration/testca"
	"github.com/standpipe/standpipe/supervisor"
)

// The zero value of every Options struct is legal, so an option that is never handed over goes unnoticed. This test assembles the
// server from a configuration with every setting off its default and looks at every Options struct that it then holds: no field
// may be zero in all of them. The test of the same name in integration/ finds, in the source, the fields that nothing sets.

// zeroAllowed are the fields that stay zero here, each with the reason.
var zeroAllowed = map[string]string{}

type noCounters struct{}

func (noCounters) Observe(*httpx.Writer, *http.Request, time.Duration) {}
func (noCounters) Refused(string)                                      {}
func (noCounters) RequestRefused(string)                               {}
func (noCounters) Handshake(string, bool)                              {}
func (noCounters) HandshakeFailed(string)                              {}
func (noCounters) HTTP2Ended(string)                                   {}
func (noCounters) HTTP2Slowed()                                        {}

type noTerminal struct{}

func (noTerminal) Lend(supervisor.Borrower, func(string, error)) func() { return func() {} }

func TestWiring(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("SKIP[root]: sockets get an owner")
	}
	dir := t.TempDir()
	for _, name := range []string{"spool", "run", "protected", "files", "app/lib", "app/protected", "app/venv/bin", "venv/bin", "php"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	made := testca.SelfSigned(t, testca.For("shop.example.org"))
	cert, key := made.CertPEM, made.KeyPEM
	for name, text := range map[string]string{"cert.pem": cert, "key.pem": key, "key-and-cert.pem": key + cert, "busy.html": "busy", "allowed.txt": "10.2.3.4\n", "users": "joe:" + testauth.Bcrypt(t, "secret") + "\n", "countries.mmdb": testauth.Countries(t, map[string]string{"192.0.2.0/24": "NZ"}), "denied.txt": "192.0.2.0/24 # comment\n", "app/app.py": "app = None\n", "php/index.php": "", "app/env": "C=d\n", "touched": "", "upstreams.txt": "http://127.0.0.1:6\n", "app/touched": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/usr/bin/python3", filepath.Join(dir, "app/venv/bin/python")); err != nil {
		t.Fatal(err)
	}
	seen := map[reflect.Type][]reflect.Value{}
	// Folders of some hosts alone are asked by a function, which hides what is behind it: once with and once without such hosts.
	for i, text := range []string{everySetting, strings.Replace(everySetting, "hosts = [\"files.example.org\"]\n", "", 1)} {
		if err := os.WriteFile(filepath.Join(dir, "standpipe.toml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		cfg, sources, err := config.Load(config.Input{Dir: dir, Environ: []string{"PATH=/usr/bin:/bin"}})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			checkComplete(t, cfg, sources)
		}
		log, err := logfile.Open(cfg, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(log.Close)
		s, err := New(cfg, "test", log, io.Discard, func(supervisor.Event) {}, noCounters{}, func(string) []byte { return nil }, noTerminal{})
		if err != nil {
			t.Fatal(err)
		}
		for typ, list := range optionsOf(s) {
			seen[typ] = append(seen[typ], list...)
		}
	}
	// listen.Options and forwarded.Options are taken apart by their constructors: the test in integration/ has to do for them.
	for _, want := range []any{supervisor.Options{}, wsgi.Options{}, uwsgi.Options{}, http1.Options{}, https.Options{}, h3.Options{}, proxy.Options{}, upstream.Options{}, static.Options{}, answer.FixedOptions{}, answer.RedirectOptions{}, rewrite.Options{}, compress.Options{}, cache.Options{}, cache.StageOptions{}, disk.Options{}, limit.Options{}, fastcgi.Options{}, fastcgi.ScriptsOptions{}, limit.BanOptions{}, limit.ScannerOptions{},
		chain.PanicsOptions{}, chain.HealthOptions{}, chain.LimitsOptions{}, chain.HostsOptions{}, chain.HoldOptions{}, chain.TraceOptions{}, otlp.Options{}, access.Options{}, access.BasicOptions{}, access.ForwardOptions{}} {
		typ := reflect.TypeOf(want)
		if len(seen[typ]) == 0 {
			t.Errorf("no %v was found in the assembled server", typ)
			continue
		}
		for i := range typ.NumField() {
			f := typ.Field(i)
			name := typ.String() + "." + f.Name
			set := slices.ContainsFunc(seen[typ], func(v reflect.Value) bool { return !v.Field(i).IsZero() })
			switch {
			case !f.IsExported():
			case !set && zeroAllowed[name] == "":
				t.Errorf("%s is zero in all %d of them", name, len(seen[typ]))
			case set && zeroAllowed[name] != "":
				t.Errorf("%s is set; take it out of zeroAllowed", name)
			}
		}
	}
}

// checkComplete: everySetting sets every setting that there is, and to something else than its default.
func checkComplete(t *testing.T, cfg *config.Config, sources *schema.Sources) {
	t.Helper()
	given := map[string]bool{}
	for _, e := range cfg.Effective(sources) {
		key := e.Key[strings.LastIndex(e.Key, ".")+1:]
		if strings.HasPrefix(e.Source, "file") || strings.Contains(e.Source, "standpipe.toml") {
			given[key] = true
		}
	}
	for _, s := range config.Settings() {
		switch {
		case settingsLeftOut[s.Key] != "":
		case !given[s.Key] && !strings.Contains(everySetting, "\n"+s.Key+" = "):
			t.Errorf("everySetting does not set %s: add it, so that this test sees whether it is wired", s.FileKey())
		}
	}
}

// optionsOf are all structs whose type's name ends in Options that can be reached from root, by type.
func optionsOf(root any) map[reflect.Type][]reflect.Value {
	found := map[reflect.Type][]reflect.Value{}
	seen := map[unsafe.Pointer]bool{}
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if v.IsNil() || seen[v.UnsafePointer()] || !ours(v.Type().Elem()) {
				return
			}
			seen[v.UnsafePointer()] = true
			walk(v.Elem())
		case reflect.Interface:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Slice, reflect.Array:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Map:
			for it := v.MapRange(); it.Next(); {
				walk(it.Value())
			}
		case reflect.Struct:
			t := v.Type()
			if t == reflect.TypeFor[logfile.Log]() || t == reflect.TypeFor[logfile.Outlet]() || t == reflect.TypeFor[accesslog.Log]() {
				return // their goroutines run
			}
			if strings.HasSuffix(t.Name(), "Options") && strings.Contains(t.PkgPath(), "standpipe") {
				found[t] = append(found[t], v)
			}
			if strings.HasPrefix(t.String(), "atomic.Pointer[") && v.CanAddr() {
				walk(reflect.NewAt(t, unsafe.Pointer(v.UnsafeAddr())).MethodByName("Load").Call(nil)[0])
				return
			}
			for i := range v.NumField() {
				walk(v.Field(i))
			}
		}
	}
	walk(reflect.ValueOf(root))
	return found
}

// ours says whether values of the type may hold something of this module.
func ours(t reflect.Type) bool {
	return t.PkgPath() == "" || strings.Contains(t.PkgPath(), "standpipe") || t.PkgPath() == "sync/atomic" || t.PkgPath() == "sync"
}
