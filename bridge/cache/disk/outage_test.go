//go:build unix

package disk

import (
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// An outage has one record at its beginning and one at its end; what is tried becomes ever more seldom.
func TestOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bridgetest.Log
		o := outage{dir: "d", log: hclog.New(&hclog.LoggerOptions{Output: &log}), brief: httpx.LogLimiter{Every: time.Minute}}
		if o.refused(time.Now()) != nil {
			t.Error("refused at the beginning")
		}
		tried := 0
		for range 10 * 60 * 10 {
			if o.refused(time.Now()) == nil {
				tried++
				o.failed(errors.New("no"), time.Now())
				o.failed(errors.New("no"), time.Now()) // another one at the same time
			}
			time.Sleep(100 * time.Millisecond)
		}
		if tried < 12 || tried > 18 {
			t.Errorf("tried %d times in ten minutes", tried)
		}
		time.Sleep(time.Minute)
		o.worked(time.Now())
		if s := log.String(); strings.Count(s, "cache_dir_failed") != 1 || strings.Count(s, "cache_dir_back") != 1 || o.refused(time.Now()) != nil {
			t.Error(s)
		}
		for range 50 { // flapping
			o.failed(errors.New("no"), time.Now())
			time.Sleep(time.Second)
			o.worked(time.Now())
		}
		if n := strings.Count(log.String(), "\n"); n > 5 {
			t.Errorf("%d records", n)
		}
	})
}

// While no file can be written no client gets an error, and what is stored is found; it goes on when there is room again. A full disk
// has files removed.
func TestWritesFail(t *testing.T) {
	t.Parallel()
	for _, problem := range []error{syscall.ENOSPC, syscall.EROFS, syscall.EIO, syscall.EMFILE} {
		g := newRig(t, Options{})
		for i := range 100 {
			g.save(answerOf(i, 1, 1000))
		}
		var failing atomic.Bool
		failing.Store(true)
		f := g.folder.Load()
		makeFile := f.temp
		var tried atomic.Int32
		f.temp = func(dir *os.File) (*os.File, error) {
			if failing.Load() {
				tried.Add(1)
				return nil, problem
			}
			return makeFile(dir)
		}
		began := time.Now()
		for i := range 50 {
			g.save(answerOf(1000+i, 1, 1000))
			if _, err := g.Create(); err == nil {
				t.Error("a file was made")
			}
		}
		if n := tried.Load(); n > 2+int32(time.Since(began)/leastPause) {
			t.Errorf("%v: %d files were tried", problem, n)
		}
		if s := g.Stats(); s.State != "paused" || s.Dropped != 50 || g.records("cache_dir_failed") != 1 {
			t.Errorf("%v: %+v\n%s", problem, s, g.log)
		}
		if problem == syscall.ENOSPC {
			g.until("room to be made", func() bool { return g.Stats().Files <= 94 })
		} else if !g.has(7, 1, 1000) {
			t.Errorf("%v: what was stored is gone", problem)
		}
		failing.Store(false)
		g.until("files to be written again", func() bool {
			g.save(answerOf(5000, 1, 1000))
			return g.has(5000, 1, 1000)
		})
		if s := g.Stats(); s.State != "ready" || g.records("cache_dir_back") != 1 {
			t.Errorf("%v: %+v\n%s", problem, s, g.log)
		}
		g.Close()
	}
}
