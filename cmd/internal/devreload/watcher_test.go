package devreload

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor"
)

func TestWatcher(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	put := func(name, text string) string {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	imported := put("shop/views.py", "1")
	lib := put("lib/helpers.py", "1")
	env := put("conf/env", "1")
	put("shop/not_imported.py", "1")
	put("shop/not_imported_either.py", "1")
	put("shop/node_modules/x.html", "1")
	reloads := make(chan string, 10)
	w := New([]App{{Name: "shop", Dir: filepath.Join(root, "shop"), Files: []string{env}}},
		func(app, path string) { reloads <- app + " " + path }, func(err error) { t.Error(err) })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	w.Event(supervisor.ShimLog{Who: supervisor.Who{App: "shop"}, Record: &wire.LogRecord{Event: "modules", Pairs: []string{"files", imported + "\n" + lib + "\nrelative.py"}}})

	told := map[string]bool{} // they may be told of once more
	wants := func(path string) {
		t.Helper()
		told["shop "+path] = true
		for { // until the folder is watched, a change of it says nothing
			put(strings.TrimPrefix(path, root+"/"), time.Now().String())
			select {
			case got := <-reloads:
				if !told[got] {
					t.Errorf("%q after a change of %s", got, path)
				}
				if got == "shop "+path {
					return
				}
			case <-time.After(2 * settle):
			}
		}
	}
	wants(imported)
	wants(lib)
	wants(env)
	wants(filepath.Join(root, "shop/templates/new/page.html"))
	w.Event(supervisor.ReloadFailed{BootFailure: supervisor.BootFailure{Who: supervisor.Who{App: "shop", Generation: 2}}})
	wants(filepath.Join(root, "shop/not_imported.py"))
	w.Event(supervisor.WorkerReady{Who: supervisor.Who{App: "shop", Generation: 3}})
	put("shop/not_imported_either.py", "2")
	put("shop/node_modules/x.html", "2")
	put("shop/data.txt", "2")
	put("lib/other.py", "2")
	wants(imported) // and nothing of the others came before
	for len(reloads) > 0 {
		if got := <-reloads; !told[got] {
			t.Errorf("%q", got)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
