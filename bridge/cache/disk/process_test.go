//go:build unix

package disk

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/cache"
)

const childDir = "STANDPIPE_TEST_CACHE_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		child(dir)
		return
	}
	os.Exit(m.Run())
}

// childAnswer is an answer of the child: its bytes, like its length, follow from its number and version.
func childAnswer(i, version int) *cache.Answer {
	sizes := [...]int{300, 5000, blockLen + 1, 4*blockLen + 11}
	return answerOf(i, version, sizes[(i+version)%len(sizes)])
}

const childAnswers = 1000

// child stores answers, replaces them, gives some new heads and purges some, by several goroutines, until it is killed.
func child(dir string) {
	t := started(Options{Dir: dir, Size: 1 << 30, Files: 1 << 20})
	for !t.known.complete.Load() {
		time.Sleep(time.Millisecond)
	}
	fmt.Println("ready")
	ctx := context.Background()
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for version := 1; ; version++ {
				for i := w; i < childAnswers; i += 4 {
					if i/4%10 == 9 {
						fmt.Println("ten more")
					}
					a := childAnswer(i, version)
					if i%3 == 0 { // as bodies come that were written while they were sent
						if f, err := t.Create(); err == nil {
							size := a.Body.Size()
							_, _ = io.Copy(f, a.Body.NewReader())
							a.Body = cache.FileBody(f, 0, size)
						}
					}
					_ = t.Save(ctx, a)
					a.Body.Close()
					switch list, _ := t.Load(ctx, keyOf(i)); {
					case len(list) == 0:
					case i%5 == 0:
						fresh := *list[0]
						fresh.Terms.Lifetime += time.Hour
						_ = t.Save(ctx, &fresh)
						list[0].Body.Close()
					case i%7 == 0:
						_, _ = t.Purge(ctx, cache.Purge{URL: urlOf(i), Soft: i%2 == 0})
						fallthrough
					default:
						list[0].Body.Close()
					}
				}
				fmt.Println("round", version)
			}
		})
	}
	all.Wait()
}

// startChild runs child in a process of its own, which is ready.
func startChild(t *testing.T, dir string) (cmd *exec.Cmd, lines <-chan string) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	c := make(chan string, 1000)
	go func() {
		defer close(c)
		for s := bufio.NewScanner(out); s.Scan(); {
			c <- s.Text()
		}
	}()
	if l := <-c; l != "ready" {
		t.Fatal(l)
	}
	return cmd, c
}

// A process that is killed while it stores a thousand answers leaves no byte that is wrong, and no file that is never found.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cache")
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	found := 0
	for round := range rounds {
		cmd, lines := startChild(t, dir)
		for range rand.IntN(1 + 30*(round%5+1)) { // tens of answers; the last round has them all
			<-lines
		}
		time.Sleep(time.Duration(rand.IntN(5000)) * time.Microsecond) // so that the moment is any
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		g := newRig(t, Options{Dir: dir})
		n := 0
		for i := range childAnswers {
			for _, a := range g.load(i) {
				var version, size int
				if _, err := fmt.Sscan(a.Header().Get("X-Version"), &version, &size); err != nil {
					t.Fatal(err)
				}
				if a.URL != urlOf(i) || !g.sends(a, bytesOf(i, version, size)) {
					t.Errorf("round %d: %s, version %d, is not whole", round, a.URL, version)
				}
				n++
			}
		}
		s := g.Stats()
		if s.Files != int64(n) || len(files(t, dir)) != n {
			t.Errorf("round %d: %d answers, %d files, %+v", round, n, len(files(t, dir)), s)
		}
		// A kill without a loss of power leaves nothing that is damaged.
		if s.Damaged != 0 {
			t.Errorf("round %d: %+v\n%s", round, s, g.log)
		}
		found += n
		g.Close()
	}
	if found < 100*rounds {
		t.Errorf("%d answers in all: the test tests nothing", found)
	}
}

// The second process of a folder works without files until the first has ended, and says so once.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cache")
	cmd, lines := startChild(t, dir)
	g := openRig(t, Options{Dir: dir})
	first := 0 // of the child's four goroutines, those that have stored all their answers
	for l := range lines {
		if l == "round 1" {
			first++
		}
		if first == 4 && g.records("cache_dir_busy") > 0 {
			break
		}
	}
	time.Sleep(2 * lockPause) // several attempts
	g.save(answerOf(5000, 1, 100))
	if s := g.Stats(); s.State != "away" || g.has(5000, 1, 100) || g.records("cache_dir_busy") != 1 {
		t.Errorf("%+v\n%s", s, g.log)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	g.until("the folder", func() bool { return g.known.complete.Load() })
	if s := g.Stats(); s.State != "ready" || s.Files < childAnswers/2 || s.Damaged != 0 {
		t.Errorf("%+v\n%s", s, g.log)
	}
	g.save(answerOf(5000, 1, 100))
	if !g.has(5000, 1, 100) {
		t.Error("nothing is stored")
	}
}

// A folder that is removed, or replaced, while it is used is made again.
func TestLostFolder(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{})
	g.save(answerOf(1, 1, 3*blockLen))
	reader := g.load(1)[0]
	if err := os.RemoveAll(g.o.Dir); err != nil {
		t.Fatal(err)
	}
	if g.has(1, 1, 3*blockLen) {
		t.Error("a file that was removed is found by its name")
	}
	if !g.sends(reader, bytesOf(1, 1, 3*blockLen)) {
		t.Error("a reader has lost its file")
	}
	g.until("another folder", func() bool {
		g.save(answerOf(2, 1, 1000))
		return g.has(2, 1, 1000) && len(files(t, g.o.Dir)) == 1
	})
}

// A full file system, and one that is read-only.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := mountSmall(t)
	g := newRig(t, Options{Dir: dir})
	for i := range 100 {
		g.save(answerOf(i, 1, 40_000)) // 4 MB into 1 MB
	}
	if s := g.Stats(); s.Files < 10 || s.Files > 25 || g.records("cache_dir_failed") != 1 {
		t.Errorf("%+v\n%s", s, g.log)
	}
	for i := range 100 {
		g.has(i, 1, 40_000)
	}
	g.until("a file that is stored", func() bool { // older ones go for it
		g.save(answerOf(200, 1, 40_000))
		return g.has(200, 1, 40_000)
	})
	g.Close()
	remountReadOnly(t, dir)
	g = openRig(t, g.o)
	g.until("a record", func() bool { return g.records("cache_dir_unusable") == 1 })
	g.save(answerOf(201, 1, 40_000))
	if s := g.Stats(); s.State != "away" || g.has(201, 1, 40_000) {
		t.Errorf("%+v", s)
	}
}

// BenchmarkStart is a start with 100,000 files: until their names are known, and until all heads are read.
func BenchmarkStart(b *testing.B) {
	const entries = 100_000
	dir := filepath.Join(b.TempDir(), "cache")
	o := Options{Dir: dir, Size: 1 << 40, Files: 2 * entries}
	t := started(o)
	for !t.known.complete.Load() {
		time.Sleep(time.Millisecond)
	}
	t.known.units = 1 << 40
	began := time.Now()
	for i := range entries {
		if err := t.Save(context.Background(), answerOf(i, 1, 1000)); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("stored in %v", time.Since(began))
	t.Close()
	var named time.Duration
	cpu := cpuTime()
	for b.Loop() {
		began := time.Now()
		t := started(o)
		for !t.known.complete.Load() {
			if s := t.Stats(); named == 0 && s.Files == entries {
				named = time.Since(began)
			}
			time.Sleep(time.Millisecond)
		}
		if s := t.Stats(); s.Files != entries {
			b.Fatal(s)
		}
		t.Close()
	}
	b.ReportMetric(named.Seconds(), "s/names")
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/start")
	b.ReportMetric((cpuTime()-cpu).Seconds()/float64(b.N), "cpu-s/start")
}

// cpuTime is what this process has used: on a machine with other work it says more than the clock.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkLoad is a hit of 1 KB, and the opening of 1 MB.
func BenchmarkLoad(b *testing.B) {
	for _, size := range []int{1000, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			t := started(Options{Dir: filepath.Join(b.TempDir(), "cache"), Size: 1 << 30, Files: 100})
			defer t.Close()
			for !t.known.complete.Load() {
				time.Sleep(time.Millisecond)
			}
			_ = t.Save(context.Background(), answerOf(1, 1, size))
			for b.Loop() {
				list, _ := t.Load(context.Background(), keyOf(1))
				list[0].Body.Close()
			}
		})
	}
}

// A Tier that was closed while it is used finds nothing and stores nothing, and has no record of that.
func TestClosedWhileUsed(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{})
	g.save(answerOf(0, 1, 3*blockLen))
	reader := g.load(0)[0]
	var load sync.WaitGroup
	stop := make(chan struct{})
	for w := range 3 {
		load.Go(func() {
			for i := 1; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := g.Save(context.Background(), answerOf(w+3*i, 1, 1000)); err != nil {
					t.Error(err)
				}
				if list, err := g.Load(context.Background(), keyOf(w+3*i)); err != nil {
					t.Error(err, list)
				}
			}
		})
	}
	g.until("some files", func() bool { return g.Stats().Files > 30 })
	g.Close()
	time.Sleep(20 * time.Millisecond)
	close(stop)
	load.Wait()
	if len(g.load(0)) != 0 || g.Stats().State != "away" {
		t.Errorf("%+v", g.Stats())
	}
	if !g.sends(reader, bytesOf(0, 1, 3*blockLen)) {
		t.Error("a reader has lost its file")
	}
	if _, err := g.Create(); err == nil {
		t.Error("a file was made")
	}
	g.Close()
	if s := g.log.String(); strings.Contains(s, `"warn"`) {
		t.Error(s)
	}
	b := newRig(t, g.o)
	if s := b.Stats(); s.Files < 30 || s.Damaged != 0 || !b.has(0, 1, 3*blockLen) {
		t.Errorf("%+v", s)
	}
}

// A child that was forked while the folder was open, and has not come to its execve(2), keeps no lock.
func TestLockEndsWithClose(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cache")
	f, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sleep", "60")
	cmd.ExtraFiles = []*os.File{f.lock} // the child shares the open file, as it does by fork(2)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	if _, err := openFolder(dir); !errors.Is(err, errBusy) {
		t.Errorf("a folder in use: %v", err)
	}
	f.close()
	again, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	again.close()
}
