package compose

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/cmd/internal/config"
)

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
		log := &Log{Logger: hclog.NewNullLogger()}
		cfg := &config.Config{SpoolDir: c.set, SpoolTotal: config.SpoolAuto}
		spool := newSpool(cfg)
		folder := openSpool(spool, cfg, c.runtime, log)
		if c.want == "" {
			if folder != nil || spool.Dir != "" {
				t.Errorf("%+v: %q", c, spool.Dir)
			}
			continue
		}
		if folder == nil || filepath.Dir(spool.Dir) != c.want || spool.Total <= 0 || spool.Total > spoolMost {
			t.Fatalf("%+v: %+v, %q of %d octets", c, folder, spool.Dir, spool.Total)
		}
		folder.Close()
		if left, _ := os.ReadDir(c.want); len(left) != 0 {
			t.Errorf("%+v: left %v", c, left)
		}
	}
}

func TestAutoTotal(t *testing.T) {
	for _, c := range []struct {
		free   int64
		memory bool
		want   int64
	}{{4 << 30, false, 1 << 30}, {1 << 40, false, 8 << 30}, {1 << 40, true, 256 << 20}, {0, false, 256 << 20}} {
		if got := autoTotal(c.free, c.memory); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// buffer_body = 0 is no limit: a body of any size stays in memory.
func TestBufferBodyZeroIsNoLimit(t *testing.T) {
	for bufferBody, file := range map[int64]bool{0: false, 1 << 10: true} {
		spool := &httpx.Spool{Dir: t.TempDir(), Memory: bodyMemory(bufferBody)}
		b := spool.Take()
		if err := b.Fill(bytes.NewReader(make([]byte, 1<<20)), 0, nil); err != nil {
			t.Fatal(err)
		}
		if p, inMemory := b.Memory(); inMemory == file || inMemory && len(p) != 1<<20 {
			t.Errorf("buffer_body %d: in memory %v, %d octets", bufferBody, inMemory, len(p))
		}
		b.Close()
		if spool.Used() != 0 {
			t.Errorf("%d octets are left", spool.Used())
		}
	}
}
