package compose

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/spool"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
)

func silentLog() *logfile.Log { return &logfile.Log{Logger: hclog.NewNullLogger()} }

func TestSpoolFolderIsMadeAgain(t *testing.T) {
	for name, gone := range map[string]func(dir string) string{
		"itself": func(dir string) string { return dir },
		"parent": filepath.Dir,
	} {
		t.Run(name, func(t *testing.T) {
			cfg := &config.Config{Folders: config.Folders{Spool: filepath.Join(t.TempDir(), "spool")}, Limits: config.Limits{BufferBody: 64 << 10}}
			if err := os.Mkdir(cfg.Folders.Spool, 0o755); err != nil {
				t.Fatal(err)
			}
			s := newStorage(cfg, silentLog())
			s.folder.parents = func() []string { return spoolParents(cfg, "") }
			if err := s.open(cfg, s.folder.parents()); err != nil {
				t.Fatal(err)
			}
			first := s.bodies.Folder()
			for range 2 {
				lost := s.bodies.Folder()
				if err := os.RemoveAll(gone(lost)); err != nil {
					t.Fatal(err)
				}
				var all sync.WaitGroup
				for range 10 {
					all.Go(func() {
						b := s.bodies.Take(netip.Prefix{})
						defer b.Close()
						if err := b.Fill(bytes.NewReader(make([]byte, 1<<20))); err != nil || filepath.Dir(b.Path()) == lost || b.Path() == "" {
							t.Errorf("%q %v", b.Path(), err)
						}
					})
				}
				all.Wait()
			}
			if s.bodies.Folder() == first {
				t.Errorf("still %q", first)
			}
			s.folder.close()
			if left, err := os.ReadDir(cfg.Folders.Spool); err != nil || len(left) > 0 {
				t.Errorf("left %v %v", left, err)
			}
		})
	}
}

func TestSpoolFolder(t *testing.T) {
	set, tmp, runtime := t.TempDir(), t.TempDir(), t.TempDir()
	absent := filepath.Join(set, "absent")
	for _, c := range []struct{ set, tmp, runtime, want string }{
		{set, tmp, runtime, set},
		{"", tmp, runtime, tmp},
		{"", absent, runtime, runtime},
		{"", "", runtime, runtime},
		{absent, tmp, runtime, ""}, // what was asked for is not replaced by another disk
		{"", "", "", ""},
	} {
		t.Setenv("TMPDIR", c.tmp)
		cfg := &config.Config{Folders: config.Folders{Spool: c.set}, Limits: config.Limits{SpoolTotal: config.SpoolAuto, AnswerTotal: config.SpoolAuto}}
		s := newStorage(cfg, silentLog())
		err, spool := s.open(cfg, spoolParents(cfg, c.runtime)), s.bodies
		if c.want == "" {
			if err == nil || spool.Dir != "" {
				t.Errorf("%+v: %q", c, spool.Dir)
			}
			continue
		}
		if err != nil || filepath.Dir(spool.Dir) != c.want || spool.Files.Total <= 0 || spool.Files.Total > spoolMost {
			t.Fatalf("%+v: %v, %q of %d bytes", c, err, spool.Dir, spool.Files.Total)
		}
		s.folder.close()
		if left, _ := os.ReadDir(c.want); len(left) != 0 {
			t.Errorf("%+v: left %v", c, left)
		}
	}
}

func TestAutoTotal(t *testing.T) {
	for _, c := range []struct {
		free   int64
		memory bool
		limit  int64
		want   int64
	}{
		{4 << 30, false, 0, 1 << 30}, {1 << 40, false, 0, 8 << 30}, {1 << 40, true, 0, 256 << 20}, {0, false, 0, 256 << 20},
		{1 << 40, true, 200 << 20, 25 << 20}, {0, false, 200 << 20, 25 << 20}, {4 << 30, false, 200 << 20, 1 << 30}, {1 << 40, true, 64 << 30, 256 << 20},
	} {
		if got := autoTotal(c.free, c.memory, c.limit); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// Whatever the limit, the defaults leave half of it to the apps; the HTTP cache, where it is on, has 1/16 of that.
func TestBudgetsFollowTheMemoryLimit(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", "/nonexistent")
	if err := os.WriteFile(filepath.Join(dir, "standpipe.toml"), []byte("[[route]]\nrespond = 204\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int64{64 << 20, 200 << 20, 1 << 30, 1 << 40} {
		cfg, _, err := config.Load(config.Input{Dir: dir, Machine: &config.Machine{CPUs: 1, Memory: limit, Limited: true, OpenFiles: 1000}})
		if err != nil {
			t.Fatal(err)
		}
		s := newStorage(cfg, silentLog())
		spool, answers := s.bodies, s.answers
		if err := s.open(cfg, spoolParents(cfg, "")); err == nil {
			t.Fatal(spool.Dir)
		}
		sum := spool.Blocks + spool.RAM + answers.Total + answers.Files.Total + cfg.Files.Cache
		if sum > limit/2 || cfg.Cache.Memory > limit/16 || spool.Files.Total != spool.RAM || spool.Files.Share != spool.RAM/4 || answers.Files.Share != answers.Files.Total/4 {
			t.Errorf("%d: %d in all; spool %+v, answers %+v", limit, sum, spool, answers)
		}
	}
}

// buffer_body = 0 is no limit: a body of any size stays in memory.
func TestBufferBodyZeroIsNoLimit(t *testing.T) {
	for bufferBody, file := range map[int64]bool{0: false, 1 << 10: true} {
		spool := &spool.Spool{Dir: t.TempDir(), Memory: bodyMemory(bufferBody)}
		b := spool.Take(netip.Prefix{})
		if err := b.Fill(bytes.NewReader(make([]byte, 1<<20))); err != nil {
			t.Fatal(err)
		}
		if p, inMemory := b.Memory(); inMemory == file || inMemory && len(p) != 1<<20 {
			t.Errorf("buffer_body %d: in memory %v, %d bytes", bufferBody, inMemory, len(p))
		}
		b.Close()
		if spool.Used() != 0 {
			t.Errorf("%d bytes are left", spool.Used())
		}
	}
}
