package compose

import (
	"bytes"
	"net/netip"
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
		cfg := &config.Config{SpoolDir: c.set, SpoolTotal: config.SpoolAuto, AnswerTotal: config.SpoolAuto}
		spool := newSpool(cfg)
		folder := openSpool(spool, newAnswers(cfg, spool), cfg, c.runtime, log)
		if c.want == "" {
			if folder != nil || spool.Dir != "" {
				t.Errorf("%+v: %q", c, spool.Dir)
			}
			continue
		}
		if folder == nil || filepath.Dir(spool.Dir) != c.want || spool.Files.Total <= 0 || spool.Files.Total > spoolMost {
			t.Fatalf("%+v: %+v, %q of %d octets", c, folder, spool.Dir, spool.Files.Total)
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

// Whatever the limit, what nobody has set leaves more than half of it to the apps.
func TestBudgetsFollowTheMemoryLimit(t *testing.T) {
	t.Setenv("TMPDIR", "/nonexistent")
	for _, limit := range []int64{64 << 20, 200 << 20, 1 << 30, 1 << 40} {
		cfg := &config.Config{SpoolTotal: config.SpoolAuto, AnswerTotal: config.SpoolAuto, MemoryLimit: limit, MaxBody: 100 << 20}
		spool := newSpool(cfg)
		answers := newAnswers(cfg, spool)
		if folder := openSpool(spool, answers, cfg, "", &Log{Logger: hclog.NewNullLogger()}); folder != nil {
			t.Fatal(folder.Path)
		}
		sum := spool.Blocks + spool.RAM + answers.Total + answers.Files.Total + config.PartOf(limit, 16, 64<<20)
		if sum > limit/2 || spool.Files.Total != spool.RAM || spool.Files.Share != spool.RAM/4 || answers.Files.Share != answers.Files.Total/4 {
			t.Errorf("%d: %d in all; spool %+v, answers %+v", limit, sum, spool, answers)
		}
	}
}

// buffer_body = 0 is no limit: a body of any size stays in memory.
func TestBufferBodyZeroIsNoLimit(t *testing.T) {
	for bufferBody, file := range map[int64]bool{0: false, 1 << 10: true} {
		spool := &httpx.Spool{Dir: t.TempDir(), Memory: bodyMemory(bufferBody)}
		b := spool.Take(netip.Prefix{})
		if err := b.Fill(bytes.NewReader(make([]byte, 1<<20)), 0); err != nil {
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
